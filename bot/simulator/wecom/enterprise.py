"""What the platform knows of one enterprise and its one bot."""

import itertools
import secrets
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any

from bot.clock import Clock
from bot.errors import SandboxProblem
from bot.simulator.wecom import limits
from bot.simulator.wecom.exchange import Exchange
from bot.simulator.wecom.replies import Content
from bot.simulator.wecom.watching import NOBODY, Kind, Shown, Traffic, Watcher, Way

_LEDGER = 5000


@dataclass(frozen=True)
class Bot:
    """What the platform and the bot's configuration both know. `token` and `encoding_aes_key` are
    for the callback, `secret` for the long connection.
    """

    id: str = "aibSANDBOX00001"
    name: str = "学伴"
    secret: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    encoding_aes_key: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Group:
    """A group chat that the bot is in; `members` are userids."""

    chatid: str
    name: str
    members: frozenset[str]


@dataclass
class _Stream:
    number: int
    begun: datetime
    finished: bool = False


class Enterprise:
    """Members, groups, and every message of their conversations with the bot. Several threads may
    use it. A conversation is named by its chatid, or by the userid for a single chat.

    `ledger` is the traffic with the bot, oldest first; `talked` the conversations that the bot may
    push to; `watch` hears of everything.
    """

    def __init__(self, bot: Bot, clock: Clock, *, watch: Watcher = NOBODY) -> None:
        self.bot, self.clock, self.watch = bot, clock, watch
        self.members: dict[str, str] = {}
        self.groups: dict[str, Group] = {}
        self.talked: set[str] = set()
        self.ledger: deque[Traffic] = deque(maxlen=_LEDGER)
        self._chats: defaultdict[str, dict[int, Shown]] = defaultdict(dict)
        self._exchanges: dict[str, Exchange] = {}
        self._open: defaultdict[str, list[Exchange]] = defaultdict(list)
        self._streams: defaultdict[str, dict[str, _Stream]] = defaultdict(dict)
        self._tasks: dict[str, tuple[str, int]] = {}
        self._counts = limits.Counts()
        self._numbers = itertools.count(1)
        self._news: deque[Callable[[], None]] = deque()
        self._changed = threading.Condition(threading.RLock())

    def add_member(self, userid: str, name: str = "") -> None:
        """Raises SandboxProblem when the id is taken."""
        with self._changed:
            self._check_free(userid)
            self.members[userid] = name or userid

    def add_group(self, chatid: str, name: str, members: tuple[str, ...] = ()) -> None:
        """A group with the bot in it. Raises SandboxProblem for a taken id or a stranger."""
        with self._changed:
            self._check_free(chatid)
            if strangers := set(members) - set(self.members):
                raise SandboxProblem(f"{'、'.join(sorted(strangers))} 不是企业成员")
            self.groups[chatid] = Group(chatid, name, frozenset(members))

    def join_group(self, chatid: str, userid: str) -> None:
        """A member is in the group from now on. Raises SandboxProblem for a stranger."""
        with self._changed:
            group = self.groups[chatid]
            if userid not in self.members:
                raise SandboxProblem(f"{userid!r} 不是企业成员")
            self.groups[chatid] = replace(group, members=group.members | {userid})

    def messages(self, chat: str) -> list[Shown]:
        """The conversation as it stands, oldest first."""
        with self._changed:
            return list(self._chats[chat].values())

    def used(self, chat: str) -> tuple[int, int]:
        """The bot's messages there in the last minute and in the last hour."""
        with self._changed:
            return self._counts.used(chat, self.clock.now())

    def until(self, holds: Callable[[], bool], seconds: float = 5.0) -> bool:
        """Wait until that holds, at most so long: whether it does. It is asked under our lock
        after every change of a conversation, of the ledger, or of the connection.
        """
        with self._changed:
            return self._changed.wait_for(holds, seconds)

    # For what people do

    def begin(
        self, kind: Kind, sender: str, chat: str, body: Mapping[str, Any], task_id: str = ""
    ) -> Exchange:
        """Something that the bot is to hear of."""
        with self.changing():
            exchange = Exchange(
                id=secrets.token_urlsafe(24), request=secrets.token_hex(16), kind=kind,
                sender=sender, chat=chat, body=body, at=self.clock.now(), task_id=task_id,
            )  # fmt: skip
            self._exchanges[exchange.request] = exchange
            if kind == "message":
                self.talked.add(chat)
                self._open[sender].append(exchange)
            return exchange

    def show(self, chat: str, sender: str, content: Content, file: bytes = b"") -> None:
        """What a member says, in a conversation."""
        with self.changing():
            self._add(chat, sender, "people", content, file)

    def under_way(self, sender: str) -> int:
        """How many messages of this member wait for an answer."""
        with self._changed:
            self._open[sender] = [one for one in self._open[sender] if not one.over]
            return len(self._open[sender])

    # For what the bot says

    def exchange(self, request: str) -> Exchange | None:
        """The one with this req_id."""
        with self._changed:
            return self._exchanges.get(request)

    def reply(
        self, exchange: Exchange, content: Content, way: Way = "reply", file: bytes = b""
    ) -> int:
        """A new message, or how a stream goes on: the error code. Raises SandboxProblem for a card
        whose task_id was used before.
        """
        with self.changing():
            if stream := self._streams[exchange.id].get(content.stream):
                return self._go_on(exchange, stream, content)
            message, code = self._say(exchange.chat, content, way, file)
            if message:
                if content.stream:
                    begun = _Stream(message.number, message.at, content.finish)
                    self._streams[exchange.id][content.stream] = begun
                exchange.saw(message)
            return code

    def push(self, chat: str, content: Content, file: bytes = b"") -> int:
        """A message of the bot's own accord: the error code. Raises SandboxProblem for a card
        whose task_id was used before.
        """
        with self.changing():
            if chat not in self.talked:
                return limits.BAD_CHAT
            return self._say(chat, content, "push", file)[1]

    def update_card(self, exchange: Exchange, card: Mapping[str, Any], userids: list[str]) -> None:
        """The card that was tapped looks like this now, for these members or for everybody."""
        with self.changing():
            chat, number = self._tasks[exchange.task_id]
            old = self._chats[chat][number]
            if userids:
                cards = {**(old.cards or {}), **dict.fromkeys(userids, card)}
                new = replace(old, cards=cards)
            else:
                new = replace(old, card=card, cards=None)
            self._change(new)
            exchange.saw(new)
            exchange.end()

    def expire(self, exchange: Exchange) -> None:
        """Its streams stay as they are."""
        with self.changing():
            for stream in self._streams[exchange.id].values():
                self._stop(exchange, stream)

    def card(self, task_id: str) -> Shown | None:
        """The message whose card has this task_id."""
        with self._changed:
            chat, number = self._tasks.get(task_id, ("", 0))
            return self._chats[chat].get(number)

    def record(self, traffic: Traffic) -> None:
        with self.changing():
            self.ledger.append(traffic)
            self._news.append(partial(self.watch.passed, traffic))

    def connection_is(self, live: bool) -> None:
        with self.changing():
            self._news.append(partial(self.watch.connected, live))

    @contextmanager
    def changing(self) -> Iterator[None]:
        """The lock, to be taken once; whoever watches hears of what happened after it, from one
        thread or another.
        """
        with self._changed:
            yield
            self._changed.notify_all()
        while self._news:
            try:
                news = self._news.popleft()
            except IndexError:  # another thread was faster
                return
            news()

    def _say(self, chat: str, content: Content, way: Way, file: bytes) -> tuple[Shown | None, int]:
        self._check_task(content.card)
        if not self._counts.take(chat, self.clock.now()):
            return None, limits.OVER_LIMIT
        message = self._add(chat, "", way, content, file)
        self._remember_task(message)
        return message, 0

    def _add(self, chat: str, sender: str, way: Way, content: Content, file: bytes) -> Shown:
        message = Shown(
            next(self._numbers), chat, sender, way, content.type, self.clock.now(),
            text=content.text, stream=content.stream, finished=content.finish,
            card=content.card, pictures=content.pictures, file=file, feedback=content.feedback,
        )  # fmt: skip
        self._chats[chat][message.number] = message
        self._news.append(partial(self.watch.shown, message))
        return message

    def _go_on(self, exchange: Exchange, stream: _Stream, content: Content) -> int:
        if self.clock.now() - stream.begun > limits.STREAM_TIME:
            self._stop(exchange, stream)
        if stream.finished:
            return limits.STREAM_EXPIRED
        old = self._chats[exchange.chat][stream.number]
        if content.card is not None and old.card is not None:
            raise SandboxProblem("一条消息只能带一次卡片")
        self._check_task(content.card)
        new = replace(
            old, text=content.text, finished=content.finish, pictures=content.pictures,
            card=content.card or old.card,
        )  # fmt: skip
        if content.card is not None:
            self._remember_task(new)
        self._advance(exchange, stream, new)
        return 0

    def _stop(self, exchange: Exchange, stream: _Stream) -> None:
        if not stream.finished:
            old = self._chats[exchange.chat][stream.number]
            self._advance(exchange, stream, replace(old, finished=True))

    def _advance(self, exchange: Exchange, stream: _Stream, message: Shown) -> None:
        stream.finished = message.finished
        self._change(message)
        exchange.saw(message)

    def _change(self, message: Shown) -> None:
        self._chats[message.chat][message.number] = message
        self._news.append(partial(self.watch.changed, message))

    def _check_task(self, card: Mapping[str, Any] | None) -> None:
        if card is not None and card.get("task_id") in self._tasks:
            raise SandboxProblem("卡片的 task_id 已经用过")

    def _remember_task(self, message: Shown) -> None:
        if message.card is not None and (task_id := message.card.get("task_id")):
            self._tasks[task_id] = message.chat, message.number

    def _check_free(self, id: str) -> None:
        if not id or id in self.members or id in self.groups:
            raise SandboxProblem(f"已经有 {id!r} 了")
