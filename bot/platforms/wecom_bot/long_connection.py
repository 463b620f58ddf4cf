"""A WeCom 智能机器人 on its long connection: messages in, replies and pushes out.

Source: developer.work.weixin.qq.com/document/path/101463.
"""

import queue
import threading
from collections.abc import Callable, Iterable
from datetime import datetime
from zlib import crc32

import structlog

from bot.domain.delivery import Outcome, Push, Remedy
from bot.domain.messages import TEXT_LIMITS, Channel, InboundMessage, Reply
from bot.domain.pace import Pace
from bot.domain.paging import page
from bot.errors import MalformedMessage, PlatformRefused, PlatformSilent
from bot.platforms.wecom_bot import payload, replies
from bot.platforms.wecom_bot.connection import (
    Connection,
    Credentials,
    Frame,
    Patience,
    new_request,
)
from bot.platforms.wecom_bot.errcodes import remedy_of
from bot.platforms.wecom_bot.replies import Phrases
from bot.platforms.wecom_bot.replying import (
    LIMITS,
    PUSH,
    RESPOND,
    UPDATE,
    WELCOME,
    Answer,
    Replying,
    message_body,
)

log = structlog.get_logger(__name__)

# One conversation is always in the same lane, so that its messages are answered in order.
_LANES = 4
_STOP_SECONDS = 4.0
_LIMIT = TEXT_LIMITS[Channel.WECOM_BOT]
_COMMANDS = {"enter_chat": WELCOME, "click": UPDATE}

Receive = Callable[[InboundMessage], Reply]


class LongConnection:
    """Answers by `receive`, which several threads call at once; and a Transport. It is begun once,
    and ended once. `name` is what the bot is called in groups.
    """

    def __init__(
        self,
        credentials: Credentials,
        name: str,
        phrases: Phrases,
        receive: Receive,
        now: Callable[[], datetime],
        elapsed: Callable[[], float],
        patience: Patience | None = None,
        ended: Callable[[], None] = lambda: None,
    ) -> None:
        """`ended` is called when everything has stopped."""
        self._name = name
        self._phrases = phrases
        self._receive = receive
        self._now = now
        self._elapsed = elapsed
        self._ended = ended
        self._pace = Pace(LIMITS)
        self._connection = Connection(
            credentials, self._heard, self._is_live, elapsed, patience or Patience()
        )
        self._replying = Replying(self._connection, self._pace, now)
        self._lanes: list[queue.SimpleQueue[tuple[str, InboundMessage] | None]] = [
            queue.SimpleQueue() for _ in range(_LANES)
        ]
        loops = [self._connection.run, self._replying.run]
        self._threads = [threading.Thread(target=loop, daemon=True) for loop in loops]
        self._workers = [
            threading.Thread(target=self._lane, args=(lane,), daemon=True) for lane in self._lanes
        ]

    @property
    def live(self) -> bool:
        """Whether messages come in, and can go out."""
        return self._connection.live

    def remember(self, said: Iterable[tuple[str, datetime]]) -> None:
        """What the bot has said in conversations within the last hour, oldest first: before
        start(), so that the platform's limits hold over a restart.
        """
        for conversation, at in said:
            self._pace.take(conversation, at)

    def start(self) -> None:
        for thread in [*self._threads, *self._workers]:
            thread.start()

    def stop(self) -> None:
        """What was heard is answered as far as it may be now; then the line is let go. What comes
        at the very end has its effect, and is told with the next reply.
        """
        if self.live:
            self._replying.settle(_STOP_SECONDS)
        self._connection.stop()
        for lane in self._lanes:
            lane.put(None)
        self._join(self._workers)
        self._replying.stop()
        self._join(self._threads)
        self._ended()

    def _join(self, threads: list[threading.Thread]) -> None:
        """Wait for all of them, but no longer than that."""
        end = self._elapsed() + _STOP_SECONDS
        for thread in threads:
            thread.join(max(0.0, end - self._elapsed()))

    def busy_until(self, conversation: str, now: datetime) -> datetime | None:
        """When the conversation can take another message; None for at once."""
        free = self._pace.next_free(conversation, now)
        return free if free > now else None

    def send(self, push: Push) -> Outcome:
        """See Transport."""
        if not self.live:
            return Outcome(Remedy.RETRY, reason="there is no connection")
        if not self._pace.take(push.address, self._now()):
            return Outcome(Remedy.RETRY, reason="the conversation has had enough for now")
        words = page(push.notice, 0, _LIMIT, self._phrases.more)
        try:
            self._connection.ask(PUSH, message_body(push.address, words))
        except PlatformRefused as refused:
            return Outcome(remedy_of(refused.code), refused.code, str(refused))
        except PlatformSilent as silent:
            return Outcome(Remedy.UNCLEAR if silent.unclear else Remedy.RETRY, reason=str(silent))
        return Outcome(Remedy.DONE)

    def _is_live(self, live: bool) -> None:
        self._replying.wake()

    def _heard(self, frame: Frame) -> None:
        try:
            message = payload.parse(frame["body"], self._now(), self._name)
            request = str(frame["headers"]["req_id"])
        except (MalformedMessage, KeyError, TypeError, AttributeError):
            # What comes over a line that we have opened ourselves needs no answer for this.
            log.warning("frame_unreadable")
            return
        lane = crc32(message.conversation.encode()) % _LANES
        self._lanes[lane].put((request, message))

    def _lane(self, lane: queue.SimpleQueue[tuple[str, InboundMessage] | None]) -> None:
        while (item := lane.get()) is not None:
            request, message = item
            try:
                self._answer(request, message)
            except Exception:
                # One message that breaks our own code must not end the thread.
                log.exception("message_broke")

    def _answer(self, request: str, message: InboundMessage) -> None:
        reply = self._receive(message)
        fields = replies.render(reply, message, self._phrases)
        if not fields:
            return
        words, where = replies.words(reply, self._phrases), message.conversation
        command = _COMMANDS.get(message.event, RESPOND)
        self._replying.put(where, Answer(command, request, fields, message.sent_at, words))
        if command == UPDATE and words:
            said = message_body(where, words)
            self._replying.put(where, Answer(PUSH, new_request(PUSH), said, message.sent_at))
