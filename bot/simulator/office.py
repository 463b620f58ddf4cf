"""WeCom as the chat page shows it: its groups, and everybody's own chat with the bot."""

import itertools
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from bot.errors import SandboxProblem
from bot.simulator.bubbles import of_shown
from bot.simulator.feed import Feed
from bot.simulator.wecom import limits
from bot.simulator.wecom.callback import Callback, CallbackFaults
from bot.simulator.wecom.connection import ConnectionFaults, LongConnection
from bot.simulator.wecom.enterprise import Enterprise
from bot.simulator.wecom.exchange import Exchange
from bot.simulator.wecom.people import Item, Line, People
from bot.simulator.wecom.replies import Content
from bot.simulator.wecom.watching import Shown, Traffic, Watcher
from bot.simulator.world import spoken_time

_BUBBLES, _RAW = 300, 100
_TEXT_LIMIT = 2000
# How long 正在输入 stands unless something comes.
_TYPING_SECONDS = 15.0
# How long the line stays refused.
_REFUSING_SECONDS = 20.0
_CHANCES = ("duplicate", "reorder", "malformed", "lost")

# Keeps a picture for the page: its content and its type ("image/png") to its media id.
Store = Callable[[bytes, str], str]


def userid_of(name: str) -> str:
    """A member's userid, the same for the same name."""
    return "m" + sha256(name.encode()).hexdigest()[:11]


@dataclass
class _Chat:
    """`numbers` are the bubbles' ids by the platform's number of the message."""

    bubbles: dict[int, dict[str, Any]] = field(default_factory=dict)
    numbers: dict[int, int] = field(default_factory=dict)
    raw: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=_RAW))


class _Beside(Line):
    """Calls the bot in a thread of its own, so that nobody waits for it."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def admit(self, userid: str, /) -> None:
        self._line.admit(userid)

    def file(self, content: bytes, /) -> dict[str, str]:
        return self._line.file(content)

    def deliver(self, exchange: Exchange, /) -> None:
        threading.Thread(target=self._line.deliver, args=(exchange,), daemon=True).start()


class Office(Watcher):
    """What members do, and what they see. A chat is named by its chatid, or by the userid for
    somebody's own chat with the bot.
    """

    def __init__(
        self, enterprise: Enterprise, line: LongConnection | Callback, feed: Feed, store: Store,
    ) -> None:  # fmt: skip
        self.enterprise, self.line, self.feed = enterprise, line, feed
        self._store = store
        way = line if isinstance(line, LongConnection) else _Beside(line)
        self._people = People(enterprise, way)
        self._chats: defaultdict[str, _Chat] = defaultdict(_Chat)
        self._numbers = itertools.count(1)
        self._lock = threading.RLock()
        enterprise.watch = self

    def kept(self) -> dict[str, Any]:
        """Members and chats, for recall()."""
        with self._lock:
            return {
                "members": list(self.enterprise.members.values()),
                "talked": sorted(self.enterprise.talked),
                "chats": {name: list(chat.bubbles.values()) for name, chat in self._chats.items()},
            }

    def recall(self, kept: Mapping[str, Any]) -> None:
        """What another office was like when it ended; its cards can no longer be tapped."""
        for name in kept["members"]:
            with suppress(SandboxProblem):
                self.add(name)
        self.enterprise.talked.update(kept["talked"])
        for name, bubbles in kept["chats"].items():
            for bubble in bubbles:
                number = next(self._numbers)
                self._chats[name].bubbles[number] = {**bubble, "id": number, "finished": True}

    # People

    @property
    def group(self) -> str:
        """The chatid of the group that everybody is in."""
        return next(iter(self.enterprise.groups))

    def add(self, name: str) -> None:
        """A member, in every group from now on. Raises SandboxProblem when there is such a one."""
        self.enterprise.add_member(userid_of(name), name)
        for chatid in self.enterprise.groups:
            self.enterprise.join_group(chatid, userid_of(name))
        self.feed.add("state")

    def knows(self, chat: str) -> bool:
        return chat in self.enterprise.groups or chat in self.enterprise.members

    @property
    def live(self) -> bool:
        """Whether a message would reach the bot, as far as one knows."""
        return not isinstance(self.line, LongConnection) or self.line.live

    def wait_live(self, seconds: float) -> bool:
        return not isinstance(self.line, LongConnection) or self.line.wait_live(seconds)

    def bubbles(self, chat: str) -> list[dict[str, Any]]:
        """The chat, oldest first."""
        with self._lock:
            return list(self._chats[chat].bubbles.values())

    def raw(self, chat: str) -> list[dict[str, Any]]:
        """What went over the line for this chat, and for none in particular; oldest first."""
        with self._lock:
            rows = [*self._chats[chat].raw, *self._chats[""].raw]
        return sorted(rows, key=lambda row: int(row["id"]))[-_RAW:]

    def limits(self, chat: str) -> list[dict[str, Any]]:
        """How much the bot has said there, and how much it may."""
        minute, hour = self.enterprise.used(chat)
        return [
            {"name": "这一分钟", "used": minute, "limit": limits.A_MINUTE},
            {"name": "这一小时", "used": hour, "limit": limits.AN_HOUR},
        ]

    # What people do

    def say(self, userid: str, text: str, chat: str = "", *, named: bool = True) -> None:
        """A text; in a group to the bot, or (not `named`) past it."""
        text = self._to_bot(text[:_TEXT_LIMIT], chat, named=named)
        if chat and not named:
            self._past_it(userid, chat, Content("text", text))
        else:
            self._follow(self._people.say(userid, text, chat))

    def picture(
        self, userid: str, content: bytes, text: str = "", chat: str = "", *, named: bool = True
    ) -> None:
        """A picture, with words or (in the own chat) alone."""
        text = self._to_bot(text[:_TEXT_LIMIT], chat, named=named)
        if chat and not named:
            self._past_it(userid, chat, Content("mixed", text, pictures=(content,)))
        elif not text:
            self._follow(self._people.picture(userid, content))
        else:
            items: Sequence[Item] = [("text", text), ("image", content)]
            self._follow(self._people.mixed(userid, items, chat))

    def voice(self, userid: str, text: str) -> None:
        """In the own chat: the platform makes it these words."""
        self._follow(self._people.voice(userid, text[:_TEXT_LIMIT]))

    def enter(self, userid: str) -> None:
        """Somebody opens their own chat; the bot hears of it once a day, and while it is there."""
        if self.live and (exchange := self._people.enter_chat(userid)):
            self._follow(exchange)

    def tap(
        self, userid: str, chat: str, bubble: int, key: str,
        selected: Mapping[str, Sequence[str]] | None = None,
    ) -> None:  # fmt: skip
        """A button of the card in this bubble."""
        with self._lock:
            numbers = {id: number for number, id in self._chats[chat].numbers.items()}
        message = self._message(chat, numbers.get(bubble, 0))
        if message is None:
            raise SandboxProblem("这张卡片是以前的，点不了了")
        self._follow(self._people.tap(userid, message, key, selected))

    def _to_bot(self, text: str, chat: str, *, named: bool) -> str:
        return f"@{self.enterprise.bot.name} {text}".strip() if chat and named else text

    def _past_it(self, userid: str, chat: str, content: Content) -> None:
        group = self.enterprise.groups.get(chat)
        if group is None or userid not in group.members:
            raise SandboxProblem("这个人不在群里")
        self.enterprise.show(chat, userid, content)

    def _follow(self, exchange: Exchange) -> None:
        threading.Thread(target=self._until_over, args=(exchange,), daemon=True).start()

    def _until_over(self, exchange: Exchange) -> None:
        self.feed.add("typing", chat=exchange.chat, on=True)
        exchange.wait(_TYPING_SECONDS)
        self.feed.add("typing", chat=exchange.chat, on=False)
        if exchange.problem:
            note = {"kind": "text", "text": "", "label": "平台说：", "problem": exchange.problem}
            self._put(exchange.chat, {"side": "note", "via": "reply", **note})

    # What goes wrong

    def chances(self) -> dict[str, float]:
        """How likely each fault of the line is, by name."""
        faults = self.line.faults
        return {name: getattr(faults, name) for name in _CHANCES if hasattr(faults, name)}

    def set_chance(self, name: str, share: float) -> None:
        if name not in self.chances():
            raise SandboxProblem(f"没有“{name}”这种故障")
        setattr(self.line.faults, name, share)
        self.feed.add("state")

    @property
    def refusing(self) -> bool:
        faults: ConnectionFaults | CallbackFaults = self.line.faults
        return isinstance(faults, ConnectionFaults) and faults.refusing

    def break_line(self, how: str) -> None:
        """cut: it breaks; kick: another program has it; refuse: and nobody is let in for a while.

        Raises SandboxProblem where there is no such line.
        """
        line = self.line
        if not isinstance(line, LongConnection) or how not in ("cut", "kick", "refuse"):
            raise SandboxProblem("这里没有长连接")
        if how == "kick":
            line.kick()
        else:
            line.faults.refusing = how == "refuse"
            line.cut()
        if how == "refuse":
            timer = threading.Timer(_REFUSING_SECONDS, self._let_in, (line,))
            timer.daemon = True
            timer.start()
        self.feed.add("state")

    def _let_in(self, line: LongConnection) -> None:
        line.faults.refusing = False
        self.feed.add("state")

    # What the platform tells us (Watcher)

    def shown(self, message: Shown, /) -> None:
        self._draw(message.chat, message.number)

    def changed(self, message: Shown, /) -> None:
        self._draw(message.chat, message.number)

    def passed(self, traffic: Traffic, /) -> None:
        # A ping every half minute would push out what is worth reading.
        if traffic.what == "ping":
            return
        number = self.feed.add("raw", chat=traffic.chat)
        row = {
            "id": number, "type": "frame", "chat": traffic.chat, "at": spoken_time(traffic.at),
            "to_bot": traffic.to_bot, "what": traffic.what, "text": traffic.text,
            "code": traffic.code, "problem": traffic.problem,
            "milliseconds": traffic.milliseconds,
        }  # fmt: skip
        with self._lock:
            self._chats[traffic.chat].raw.append(row)

    def connected(self, live: bool, /) -> None:
        self.feed.add("state")

    def _message(self, chat: str, number: int) -> Shown | None:
        found = (one for one in self.enterprise.messages(chat) if one.number == number)
        return next(found, None)

    def _draw(self, chat: str, number: int) -> None:
        """As it stands now: news of two changes may come in either order."""
        with self._lock:
            message = self._message(chat, number)
            if message is None:
                return
            pictures = [f"/media/{self._store(one, _type_of(one))}" for one in message.pictures]
            numbers = self._chats[chat].numbers
            bubble = {
                "side": "me" if message.sender else "bot",
                "via": "push" if message.way == "push" else "reply",
                "who": self.enterprise.members.get(message.sender, ""),
                **of_shown(message, pictures),
            }
            numbers[number] = self._put(chat, bubble, numbers.get(number))

    def _put(self, chat: str, bubble: Mapping[str, Any], id: int | None = None) -> int:
        """A new bubble, or how the one with this id looks now: its id."""
        with self._lock:
            bubbles = self._chats[chat].bubbles
            number = id or next(self._numbers)
            at = bubbles[number]["at"] if number in bubbles else self._now()
            whole = {"id": number, "chat": chat, "at": at, **bubble}
            bubbles[number] = whole
            while len(bubbles) > _BUBBLES:
                bubbles.pop(next(iter(bubbles)))
            self.feed.add("bubble", bubble=whole)
            return number

    def _now(self) -> str:
        return spoken_time(self.enterprise.clock.now())


def _type_of(picture: bytes) -> str:
    return "image/png" if picture.startswith(b"\x89PNG") else "image/jpeg"
