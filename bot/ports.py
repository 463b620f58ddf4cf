"""Protocols that have two ends: an implementation for each database or platform."""

from typing import Protocol


class LeaderLock(Protocol):
    """One scheduler at a time, for efficiency only: correctness rests on unique keys."""

    def held(self) -> bool:
        """Take the lock if it is free: whether this process has it now. Never waits."""

    def release(self) -> None: ...
