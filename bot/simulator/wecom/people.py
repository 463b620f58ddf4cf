"""What members of the enterprise do with the bot.

Fields: developer.work.weixin.qq.com/document/path/100719 (接收消息), 101027 (接收事件).
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta, timezone
from typing import Any, Protocol

from bot.errors import SandboxProblem
from bot.simulator.wecom import cards
from bot.simulator.wecom.enterprise import Enterprise
from bot.simulator.wecom.exchange import Exchange
from bot.simulator.wecom.replies import Content
from bot.simulator.wecom.watching import Shown

_SHANGHAI = timezone(timedelta(hours=8))
Item = tuple[str, str | bytes]


class Line(Protocol):
    """The way to the bot: its callback, or its long connection."""

    def admit(self, userid: str, /) -> None:
        """Raises SandboxProblem when this member has to wait."""

    def file(self, content: bytes, /) -> dict[str, str]:
        """What a message says of a file: its url, and perhaps its aeskey."""

    def deliver(self, exchange: Exchange, /) -> None:
        """Bring it to the bot. Without an answer it is over, with a problem."""


class People:
    """Members' actions. Each returns at once over a long connection (see Exchange.wait), and with
    the whole answer over a callback. Raises SandboxProblem for what nobody could do on a phone.
    """

    def __init__(self, enterprise: Enterprise, line: Line) -> None:
        self._enterprise = enterprise
        self._line = line
        self._entered: dict[str, date] = {}

    def say(
        self, userid: str, text: str, chat: str = "", quote: Mapping[str, Any] | None = None
    ) -> Exchange:
        """A text; in a group it has to name the bot: "@学伴 打卡". `quote` is the vendor's object:
        {"msgtype": "text", "text": {"content": …}}.
        """
        if chat:
            self._check_named(text)
        shown = Content("text", text)
        return self._message(userid, chat, "text", {"content": text}, shown, quote=quote)

    def mixed(self, userid: str, items: Sequence[Item], chat: str = "") -> Exchange:
        """Texts and pictures in one message: ("text", "…") and ("image", b"…")."""
        texts = [content for _, content in items if isinstance(content, str)]
        if chat:
            self._check_named("\n".join(texts))
        inner: list[dict[str, Any]] = []
        for type, content in items:
            if isinstance(content, str):
                inner.append({"msgtype": type, type: {"content": content}})
            else:
                inner.append({"msgtype": type, type: self._line.file(content)})
        pictures = tuple(content for _, content in items if isinstance(content, bytes))
        shown = Content("mixed", "\n".join(texts), pictures=pictures)
        return self._message(userid, chat, "mixed", {"msg_item": inner}, shown)

    def voice(self, userid: str, recognised: str) -> Exchange:
        """In the single chat only, as words."""
        content = {"content": recognised}
        return self._message(userid, "", "voice", content, Content("voice", recognised))

    def picture(self, userid: str, content: bytes) -> Exchange:
        """In the single chat only; in a group it is a part of mixed()."""
        shown = Content("image", pictures=(content,))
        return self._message(userid, "", "image", self._line.file(content), shown)

    def file(self, userid: str, content: bytes) -> Exchange:
        """In the single chat only."""
        inner = self._line.file(content)
        return self._message(userid, "", "file", inner, Content("file"), content)

    def video(self, userid: str, content: bytes) -> Exchange:
        """In the single chat only."""
        inner = self._line.file(content)
        return self._message(userid, "", "video", inner, Content("video"), content)

    def enter_chat(self, userid: str) -> Exchange | None:
        """Open the single chat; None when the bot does not hear of it: it does once a day."""
        self._check_member(userid)
        today = self._enterprise.clock.now().astimezone(_SHANGHAI).date()
        with self._enterprise.changing():
            if self._entered.get(userid) == today:
                return None
            self._entered[userid] = today
        body = self._event(userid, "", {"eventtype": "enter_chat"})
        # The vendor's example has none for this event.
        del body["chattype"]
        return self._deliver(self._enterprise.begin("enter_chat", userid, userid, body))

    def tap(
        self, userid: str, message: Shown, key: str,
        selected: Mapping[str, Sequence[str]] | None = None,
    ) -> Exchange:  # fmt: skip
        """A button of a card; `selected` are the chosen option ids by question_key."""
        chat = self._chat_of(userid, message)
        card = message.card_of(userid)
        if card is None or key not in cards.keys(card) or not card.get("task_id"):
            raise SandboxProblem("这张卡片上没有这个按钮")
        event: dict[str, Any] = {
            "card_type": card["card_type"], "event_key": key, "task_id": card["task_id"],
        }  # fmt: skip
        if selected:
            chosen = [
                {"question_key": name, "option_ids": {"option_id": list(ids)}}
                for name, ids in selected.items()
            ]
            event["selected_items"] = {"selected_item": chosen}
        inside = {"eventtype": "template_card_event", "template_card_event": event}
        body = self._event(userid, chat, inside)
        conversation, task = message.chat, str(card["task_id"])
        return self._deliver(self._enterprise.begin("card", userid, conversation, body, task))

    def feedback(
        self, userid: str, message: Shown, type: int, content: str = "",
        reasons: Sequence[int] = (),
    ) -> Exchange:  # fmt: skip
        """Good (1), bad (2) or neither any more (3), about a message with a feedback id."""
        chat = self._chat_of(userid, message)
        if not message.feedback:
            raise SandboxProblem("这条消息不能评价")
        event: dict[str, Any] = {"id": message.feedback, "type": type}
        if type == 2:
            event |= {"content": content, "inaccurate_reason_list": list(reasons)}
        body = self._event(userid, chat, {"eventtype": "feedback_event", "feedback_event": event})
        return self._deliver(self._enterprise.begin("feedback", userid, message.chat, body))

    def _message(
        self, userid: str, chat: str, type: str, inner: Mapping[str, Any], shown: Content,
        file: bytes = b"", quote: Mapping[str, Any] | None = None,
    ) -> Exchange:  # fmt: skip
        self._check_member(userid, chat)
        self._line.admit(userid)
        body = {**self._head(userid, chat), "msgtype": type, type: inner}
        if quote:
            body["quote"] = quote
        self._enterprise.show(chat or userid, userid, shown, file)
        return self._deliver(self._enterprise.begin("message", userid, chat or userid, body))

    def _event(self, userid: str, chat: str, inside: Mapping[str, Any]) -> dict[str, Any]:
        at = int(self._enterprise.clock.now().timestamp())
        head = self._head(userid, chat)
        return {"create_time": at, **head, "msgtype": "event", "event": inside}

    def _head(self, userid: str, chat: str) -> dict[str, Any]:
        where = {"chatid": chat, "chattype": "group"} if chat else {"chattype": "single"}
        return {"aibotid": self._enterprise.bot.id, **where, "from": {"userid": userid}}

    def _deliver(self, exchange: Exchange) -> Exchange:
        self._line.deliver(exchange)
        return exchange

    def _chat_of(self, userid: str, message: Shown) -> str:
        """The chatid, "" for the single chat."""
        chat = message.chat if message.chat in self._enterprise.groups else ""
        self._check_member(userid, chat)
        if not chat and message.chat != userid:
            raise SandboxProblem("这是别人和机器人的单聊")
        return chat

    def _check_member(self, userid: str, chat: str = "") -> None:
        if userid not in self._enterprise.members:
            raise SandboxProblem(f"企业里没有 {userid!r}")
        if chat:
            group = self._enterprise.groups.get(chat)
            if group is None or userid not in group.members:
                raise SandboxProblem(f"{userid} 不在群 {chat!r} 里")

    def _check_named(self, text: str) -> None:
        if f"@{self._enterprise.bot.name}" not in text:
            raise SandboxProblem("群里没有 @ 机器人的话，它收不到")
