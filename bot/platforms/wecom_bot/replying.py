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

from bot.domain.pace import Pace
from bot.errors import PlatformProblem, PlatformRefused, PlatformSilent
from bot.platforms.wecom_bot.connection import Connection, Frame, check, new_request

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
_TRIES = 3
_LOOK = 0.2
_OVERDUE = "no acknowledgement"


@dataclass(slots=True)
class Answer:
    """One frame that is to be sent; `words` are what it says, should it become a push."""

    command: str
    request: str
    body: Mapping[str, Any]
    asked_at: datetime
    words: str = ""
    tries: int = 0

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
        while True:
            with self._changed:
                if self._stopping:
                    return
                found = self._next() if self._connection.live else None
                if found is None:
                    self._changed.wait(_LOOK if self._waiting else None)
                    continue
                conversation, answer = found
            self._send(conversation, answer)

    def stop(self, seconds: float) -> None:
        """What waits may still go out for so long."""
        with self._changed:
            self._changed.wait_for(lambda: not (self._waiting or self._under_way), seconds)
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
            elif answers[0].command == UPDATE or self._pace.take(conversation, now):
                self._under_way[conversation] = answers[0]
                return conversation, answers[0]
        return None

    def _send(self, conversation: str, answer: Answer) -> None:
        try:
            sent = self._connection.send(answer.command, answer.request, answer.body)
        except PlatformSilent:
            self._over(conversation, answer, again=True)
            with self._changed:
                self._changed.wait(_LOOK)
            return
        timer = threading.Timer(self._connection.patience.answer, self._overdue, (sent,))
        timer.daemon = True
        timer.start()
        sent.add_done_callback(partial(self._answered, conversation, answer, timer))

    def _overdue(self, sent: Future[Frame]) -> None:
        with suppress(InvalidStateError):
            sent.set_exception(PlatformSilent("the reply", _OVERDUE, unclear=True))

    def _answered(
        self, conversation: str, answer: Answer, timer: threading.Timer, sent: Future[Frame]
    ) -> None:
        timer.cancel()
        try:
            check(answer.command, sent.result())
        except PlatformRefused as refused:
            again = self._instead(conversation, answer, refused)
            self._over(conversation, answer, again=again)
        except PlatformProblem as problem:
            # A line that breaks says nothing about this answer; no acknowledgement may.
            answer.tries += _OVERDUE in str(problem)
            self._over(conversation, answer, again=True)
        else:
            self._over(conversation, answer, again=False)

    def _instead(self, conversation: str, answer: Answer, refused: PlatformRefused) -> bool:
        """A reply to a request that is unknown by now is said as a message of its own."""
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
