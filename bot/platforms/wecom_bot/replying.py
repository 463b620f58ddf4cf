"""What is said on the long connection: in order within a conversation, at the platform's pace.

A reply waits where a conversation has had its 30 in a minute or 1,000 in an hour, and while there
is no connection. It is sent again when the line broke before it was acknowledged: its stream has
the same id, so that the platform shows it once.
"""

import threading
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog

from bot.domain.delivery import Remedy
from bot.domain.pace import Pace
from bot.errors import PlatformProblem, PlatformRefused, PlatformSilent
from bot.platforms.wecom_bot.connection import Connection, Frame, check, new_request
from bot.platforms.wecom_bot.errcodes import remedy_of

log = structlog.get_logger(__name__)

# Replies and pushes together, in one conversation (document/path/101463). A second more than the
# minute, since the platform counts when they arrive.
LIMITS = ((30, timedelta(seconds=61)), (1000, timedelta(hours=1, seconds=5)))
RESPOND, WELCOME, UPDATE, PUSH = (
    "aibot_respond_msg", "aibot_respond_welcome_msg", "aibot_respond_update_msg", "aibot_send_msg",
)  # fmt: skip
# A welcome, or a card that was tapped, is answered within this or not at all.
_AT_ONCE = timedelta(seconds=5)
# To what was asked so long ago nothing is answered any more.
_REPLY_TIME = timedelta(hours=23)
# The platform does not know the request, perhaps since the line is another one.
_UNKNOWN_REQUEST = 846605
_TRIES = 5
# What the platform has refused for now is tried again after this.
_REST = timedelta(seconds=5)
_LOOK = 0.2


@dataclass(slots=True)
class Answer:
    """One frame that is to be sent; `words` are what it says, should it become a push."""

    command: str
    request: str
    body: Mapping[str, Any]
    asked_at: datetime
    words: str = ""
    tries: int = 0
    not_before: datetime | None = None

    def too_late(self, now: datetime) -> bool:
        most = _REPLY_TIME if self.command in (RESPOND, PUSH) else _AT_ONCE
        return now - self.asked_at > most


class Replying:
    """Sends answers one after the other in each conversation, from a thread of its own."""

    def __init__(self, connection: Connection, pace: Pace, now: Callable[[], datetime]) -> None:
        self._connection = connection
        self._pace = pace
        self._now = now
        self._waiting: dict[str, deque[Answer]] = {}
        self._under_way: dict[str, Answer] = {}
        self._changed = threading.Condition()
        self._stopping = False

    def put(self, conversation: str, answer: Answer) -> None:
        with self._changed:
            self._waiting.setdefault(conversation, deque()).append(answer)
            self._changed.notify_all()

    def wake(self) -> None:
        """There is a connection, or there is none any more."""
        with self._changed:
            self._changed.notify_all()

    def run(self) -> None:
        """Until stop()."""
        while not self._stopping:
            try:
                self._round()
            except Exception:
                # One answer that breaks our own code must not end the thread.
                log.exception("replying_broke")

    def _round(self) -> None:
        with self._changed:
            found = self._next() if self._connection.live and not self._stopping else None
            if found is None:
                self._changed.wait(_LOOK if self._waiting else 1.0)
                return
        self._send(*found)

    def settle(self, seconds: float) -> None:
        """Wait until all has gone out that may go out now, but no longer than that."""
        with self._changed:
            self._changed.wait_for(self._is_settled, seconds)

    def _is_settled(self) -> bool:
        now = self._now()
        return not self._under_way and all(
            self._pace.next_free(conversation, now) > now for conversation in self._waiting
        )

    def stop(self) -> None:
        """Nothing more is sent."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()

    def _next(self) -> tuple[str, Answer] | None:
        """The first answer of a conversation that may have one now; it is under way from then."""
        now = self._now()
        for conversation in list(self._waiting):
            if conversation in self._under_way:
                continue
            answers = self._waiting[conversation]
            while answers and answers[0].too_late(now):
                log.warning("reply_too_late", command=answers.popleft().command)
            if not answers:
                del self._waiting[conversation]
            elif answers[0].not_before and answers[0].not_before > now:
                continue
            elif answers[0].command == UPDATE or self._pace.take(conversation, now):
                self._under_way[conversation] = answers[0]
                return conversation, answers[0]
        return None

    def _send(self, conversation: str, answer: Answer) -> None:
        try:
            sent = self._connection.send(answer.command, answer.request, answer.body)
        except PlatformSilent:
            answer.tries -= 1  # nothing was sent
            self._over(conversation, answer, again=True)
            with self._changed:
                self._changed.wait(_LOOK)
            return
        timer = threading.Timer(self._connection.patience.answer, self._overdue, (answer, sent))
        timer.daemon = True
        timer.start()
        sent.add_done_callback(partial(self._answered, conversation, answer, timer))

    def _overdue(self, answer: Answer, sent: Future[Frame]) -> None:
        self._connection.forget(answer.request)
        with suppress(InvalidStateError):
            sent.set_exception(PlatformSilent("the reply", "no acknowledgement", unclear=True))

    def _answered(
        self, conversation: str, answer: Answer, timer: threading.Timer, sent: Future[Frame]
    ) -> None:
        timer.cancel()
        try:
            check(answer.command, sent.result())
        except PlatformRefused as refused:
            again = self._instead(conversation, answer, refused)
            self._over(conversation, answer, again=again)
        except PlatformProblem:
            # A stream is known by its id and shown once, a message of our own may be shown twice.
            self._over(conversation, answer, again=answer.command != PUSH)
        else:
            self._over(conversation, answer, again=False)

    def _instead(self, conversation: str, answer: Answer, refused: PlatformRefused) -> bool:
        """A reply to a request that is unknown by now is said as a message of its own; what cannot
        be taken now is said later.
        """
        if remedy_of(refused.code) is Remedy.RETRY:
            answer.not_before = self._now() + _REST * 2**answer.tries
            return True
        if refused.code == _UNKNOWN_REQUEST and answer.command == RESPOND and answer.words:
            answer.command, answer.request = PUSH, new_request(PUSH)
            answer.body = message_body(conversation, answer.words)
            return True
        log.error("reply_refused", command=answer.command, code=refused.code)
        return False

    def _over(self, conversation: str, answer: Answer, *, again: bool) -> None:
        """It was sent; `again` leaves it where it is, to be sent once more."""
        with self._changed:
            self._under_way.pop(conversation, None)
            answer.tries += again
            if not again or answer.tries >= _TRIES:
                if again:
                    log.error("reply_lost", command=answer.command)
                answers = self._waiting.get(conversation)
                if answers and answers[0] is answer:
                    answers.popleft()
                if answers is not None and not answers:
                    del self._waiting[conversation]
            self._changed.notify_all()


def message_body(conversation: str, words: str) -> dict[str, Any]:
    """A message of our own accord, to a group chat or a member who has written to the bot."""
    return {"chatid": conversation, "msgtype": "markdown", "markdown": {"content": words}}
