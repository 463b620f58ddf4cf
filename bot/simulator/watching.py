"""What somebody who watches the platform hears: every push, call, message and event."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from bot.simulator.ledger import Sent


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request to the bot. `plain` and `reply_plain` are what the bodies hold when decrypted
    (the same in plain mode); `status` is 0 without an answer; `problem` is "" when all was well.
    """

    at: datetime
    milliseconds: int
    query: Mapping[str, str]
    plain: str
    body: str
    status: int
    reply_body: str
    reply_plain: str
    problem: str


@dataclass(frozen=True, slots=True)
class Push:
    """A message to the bot with every attempt, repeats by PushFaults included, oldest first.
    `what` is in a few words: "text 打卡", "event subscribe".
    """

    openid: str
    what: str
    message: Mapping[str, Any]
    attempts: tuple[Attempt, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """A call to the API. `openid` is whom it is about, "" for nobody in particular; `request` and
    `answer` are JSON with tokens and secrets masked (of a file only its name and size); `fault` is
    the name of what went wrong by chance, else "".
    """

    at: datetime
    openid: str
    path: str
    request: str
    answer: str
    fault: str


class Watcher(Protocol):
    """Hears everything once, in one thread or another; nothing is locked meanwhile.

    What is not overridden does nothing.
    """

    def attempted(self, push: Push, /) -> None:
        """A push is over: answered, or given up."""
        return

    def called(self, call: Call, /) -> None:
        """The bot called the API."""
        return

    def delivered(self, sent: Sent, /) -> None:
        """A message reached somebody."""
        return

    def told(self, event: Mapping[str, Any], /) -> None:
        """Something that the bot has to be told: the fields for Platform.tell."""
        return

    def typing(self, openid: str, on: bool, /) -> None:
        """The member sees, or no longer sees, that the account is writing."""
        return


class _Nobody(Watcher):
    pass


NOBODY: Watcher = _Nobody()
