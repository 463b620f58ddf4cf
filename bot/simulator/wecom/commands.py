"""What a bot's frames do on the long connection, once it is subscribed.

Source: developer.work.weixin.qq.com/document/path/101463.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from bot.errors import SandboxProblem
from bot.simulator.wecom import limits, replies
from bot.simulator.wecom.enterprise import Enterprise
from bot.simulator.wecom.exchange import Exchange
from bot.simulator.wecom.replies import Content
from bot.simulator.wecom.uploads import Uploads
from bot.simulator.wecom.watching import Kind


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is acknowledged; `problem` is for who watches."""

    code: int = 0
    body: Mapping[str, Any] = field(default_factory=dict)
    problem: str = ""


class Commands:
    """Several threads may call it."""

    def __init__(self, enterprise: Enterprise) -> None:
        self._enterprise = enterprise
        self._uploads = Uploads(enterprise.clock)
        self._known: Mapping[str, Callable[[str, Mapping[str, Any]], Outcome]] = {
            "ping": lambda _request, _body: Outcome(),
            "aibot_respond_msg": self._respond,
            "aibot_respond_welcome_msg": self._welcome,
            "aibot_respond_update_msg": self._update,
            "aibot_send_msg": self._send,
            "aibot_upload_media_init": self._begin_upload,
            "aibot_upload_media_chunk": self._add_piece,
            "aibot_upload_media_finish": self._finish_upload,
        }

    def run(self, command: str, request: str, body: Mapping[str, Any]) -> Outcome:
        if command not in self._known:
            return Outcome(limits.BAD_PARAMETER, problem=f"没有 {command!r} 这个命令")
        try:
            return self._known[command](request, body)
        except SandboxProblem as wrong:
            self._blame(request, str(wrong))
            return Outcome(limits.BAD_PARAMETER, problem=str(wrong))

    def _respond(self, request: str, body: Mapping[str, Any]) -> Outcome:
        exchange = self._of(request, "message", limits.REPLY_TIME)
        if exchange is None:
            return self._outcome(limits.BAD_REQUEST_ID)
        content = replies.read(body, replies.LONG, pictures=False)
        file = self._file(content)
        if file is None:
            return self._outcome(limits.BAD_MEDIA)
        return self._outcome(self._enterprise.reply(exchange, content, file=file))

    def _welcome(self, request: str, body: Mapping[str, Any]) -> Outcome:
        exchange = self._of(request, "enter_chat", limits.EVENT_TIME)
        if exchange is None or exchange.shown:
            return self._outcome(limits.BAD_REQUEST_ID)
        content = replies.read(body, replies.WELCOME)
        return self._outcome(self._enterprise.reply(exchange, content))

    def _update(self, request: str, body: Mapping[str, Any]) -> Outcome:
        exchange = self._of(request, "card", limits.EVENT_TIME)
        if exchange is None or exchange.shown:
            return self._outcome(limits.BAD_REQUEST_ID)
        card, userids = replies.read_update(body, exchange.task_id)
        self._enterprise.update_card(exchange, card, userids)
        return Outcome()

    def _send(self, _request: str, body: Mapping[str, Any]) -> Outcome:
        chat = body.get("chatid")
        if not isinstance(chat, str) or not self._right_type(chat, body.get("chat_type")):
            return self._outcome(limits.BAD_CHAT)
        content = replies.read(body, replies.PUSH)
        file = self._file(content)
        if file is None:
            return self._outcome(limits.BAD_MEDIA)
        return self._outcome(self._enterprise.push(chat, content, file))

    def _begin_upload(self, _request: str, body: Mapping[str, Any]) -> Outcome:
        if id := self._uploads.begin(body):
            return Outcome(body={"upload_id": id})
        return Outcome(limits.OVER_LIMIT, problem="上传每分钟 30 次、每小时 1000 次")

    def _add_piece(self, _request: str, body: Mapping[str, Any]) -> Outcome:
        self._uploads.add(body)
        return Outcome()

    def _finish_upload(self, _request: str, body: Mapping[str, Any]) -> Outcome:
        return Outcome(body=self._uploads.finish(body))

    def _file(self, content: Content) -> bytes | None:
        """What the media_id stands for; None where it is good for nothing."""
        if not content.media_id:
            return b""
        return self._uploads.get(content.type, content.media_id)

    def _right_type(self, chat: str, type: Any) -> bool:
        """1 is a single chat, 2 a group; it may be left out."""
        if type is None:
            return True
        return bool(type == (2 if chat in self._enterprise.groups else 1))

    def _of(self, request: str, kind: Kind, within: timedelta) -> Exchange | None:
        """What this req_id is of, if it is of that kind and not too long ago. That what is too late
        has the code of what is unknown is unverified.
        """
        exchange = self._enterprise.exchange(request)
        if exchange is None or exchange.kind != kind:
            return None
        return exchange if self._enterprise.clock.now() - exchange.at <= within else None

    def _blame(self, request: str, problem: str) -> None:
        if exchange := self._enterprise.exchange(request):
            exchange.end(problem)

    def _outcome(self, code: int) -> Outcome:
        return Outcome(code, problem=limits.PROBLEMS.get(code, ""))
