"""Protocols that have two ends: an implementation for each database or platform."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from bot.domain.delivery import Outcome, Push


class LeaderLock(Protocol):
    """One scheduler at a time, for efficiency only: correctness rests on unique keys."""

    def held(self) -> bool:
        """Take the lock if it is free: whether this process has it now. Never waits."""

    def release(self) -> None: ...


class TokenStore(Protocol):
    """A platform's access token, shared by every process that uses the same account."""

    def current(self, name: str) -> str | None:
        """The token, or None when there is none or it is about to expire."""

    def renew(self, name: str, stale: str | None, fetch: Callable[[], tuple[str, datetime]]) -> str:
        """A token other than `stale`: somebody else's new one, or what `fetch` gets (with the time
        from when on it is not to be used). Of several callers one fetches, the others wait.
        """


class Transport(Protocol):
    """A platform that messages can be pushed through; may be used by several threads at once."""

    def send(self, push: Push) -> Outcome:
        """One call, with at most one more for a new token. Never raises for what the platform
        or the network does.
        """


class BulkTransport(Protocol):
    """A platform that takes the same message for many in one call; see Transport."""

    def send_all(self, pushes: Sequence[Push]) -> list[Outcome]:
        """An outcome for each, in the same order; they say the same."""
