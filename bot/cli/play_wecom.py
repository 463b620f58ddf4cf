"""The WeCom side of the demo and of dialogues: its bot, and a group of the first community."""

import re
from datetime import datetime
from typing import Any

from bot.domain.messages import Channel
from bot.errors import SandboxProblem
from bot.simulator.office import userid_of
from bot.simulator.wecom.enterprise import Bot, Enterprise
from bot.simulator.wecom.exchange import Exchange
from bot.simulator.wecom.people import Item, Line, People
from bot.simulator.wecom.watching import Shown
from bot.storage.models import GroupChat
from bot.storage.session import UnitOfWork, insert_new
from content.schema_play import Place

# Known to everybody, and good for this machine's own demo only: nothing else listens.
BOT = Bot(
    id="aibDEMO00001", name="学伴", secret="demobotsecret", token="demobottoken",  # noqa: S106
    encoding_aes_key="demo5demo4demo3demo2demo1demo0demo9demo8dem",
)  # fmt: skip
GROUP, _OTHER_GROUP = "wrDEMO00000001", "wrDEMO00000002"
_CHATS: dict[Place, str] = {"group": GROUP, "other_group": _OTHER_GROUP}
_PATIENCE = 5.0
_SPECIAL = re.compile(r"<(\w+)(?::(.*))?>")
_PICTURE = b"\x89PNG\r\n\x1a\n0000"


def long_section(ws_url: str) -> dict[str, Any]:
    """The bot's configuration for the long connection there."""
    return {"bot_id": BOT.id, "secret": BOT.secret, "name": BOT.name, "ws_url": ws_url}


def callback_section(api_base: str) -> dict[str, Any]:
    """The bot's configuration for a callback whose platform is there."""
    return {
        "mode": "callback", "token": BOT.token, "encoding_aes_key": BOT.encoding_aes_key,
        "name": BOT.name, "api_base": api_base,
    }  # fmt: skip


def link_group(session: UnitOfWork, community_id: int, now: datetime) -> None:
    """The group is the community's from now on; nothing happens where it is."""
    insert_new(
        session, GroupChat, channel=Channel.WECOM_BOT, account=BOT.id, value=GROUP,
        community_id=community_id, linked_by=None, linked_at=now,
    )  # fmt: skip


class WecomChats:
    """Plays the turns of dialogues that happen in WeCom; `line` is the way to the bot."""

    def __init__(self, enterprise: Enterprise, line: Line) -> None:
        self._enterprise = enterprise
        self._people = People(enterprise, line)
        enterprise.add_group(GROUP, "示例群")
        enterprise.add_group(_OTHER_GROUP, "别的群")

    def send(self, place: Place, who: str, text: str) -> str:
        """What the bot says to it, "" for nothing. Raises SandboxProblem for what the platform
        would refuse.
        """
        userid, group = self._member(who), _CHATS.get(place, "")
        chat = group or userid
        before = self._said(chat)
        special = _SPECIAL.fullmatch(text)
        if special is None:
            named = f"@{BOT.name} {text}" if group else text
            return _answered(self._people.say(userid, named, group)).text
        kind, words = special[1], special[2] or ""
        if kind == "tap":
            return self._tap(userid, chat, words, before)
        if kind == "image" and (group or words):
            items: list[Item] = [("text", f"@{BOT.name} {words}".strip()), ("image", _PICTURE)]
            return _answered(self._people.mixed(userid, items, group)).text
        if kind == "image":
            return _answered(self._people.picture(userid, _PICTURE)).text
        if kind == "voice" and not group:
            return _answered(self._people.voice(userid, words)).text
        if kind == "enter_chat" and not group:
            entered = self._people.enter_chat(userid)
            return _answered(entered).text if entered else ""
        raise SandboxProblem(f"{text} cannot be sent there")

    def _tap(self, userid: str, chat: str, number: str, before: list[Shown]) -> str:
        """Button `number` of the newest card: what the card says then, and what the bot says."""
        message = next((one for one in reversed(before) if one.card_of(userid)), None)
        card = message.card_of(userid) if message else None
        keys = [button["key"] for button in (card or {}).get("button_list", ())]
        key = next((key for key in keys if key.partition(" ")[0] == number), None)
        if message is None or key is None:
            raise SandboxProblem(f"there is no card with a button {number}")
        exchange = _answered(self._people.tap(userid, message, key))
        self._enterprise.until(lambda: len(self._said(chat)) > len(before), _PATIENCE)
        said = [one.text for one in self._said(chat)[len(before) :]]
        return "\n".join([((exchange.card or {}).get("main_title") or {})["title"], *said])

    def _member(self, who: str) -> str:
        userid = userid_of(who)
        if userid not in self._enterprise.members:
            self._enterprise.add_member(userid, who)
            for chatid in _CHATS.values():
                self._enterprise.join_group(chatid, userid)
        return userid

    def _said(self, chat: str) -> list[Shown]:
        """The bot's messages there."""
        return [one for one in self._enterprise.messages(chat) if not one.sender]


def _answered(exchange: Exchange) -> Exchange:
    exchange.wait(_PATIENCE)
    if exchange.problem:
        raise SandboxProblem(exchange.problem)
    return exchange
