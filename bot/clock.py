"""The only place that reads the time. Everything below is handed `now`."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path


class Clock:
    """The machine's own time, in UTC."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class OffsetClock(Clock):
    """The demo's clock: real time plus the seconds that a file holds, read at every call.

    The file is shared by bot, worker and sandbox; without it the offset is 0.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    def now(self) -> datetime:
        return super().now() + self.offset()

    def offset(self) -> timedelta:
        try:
            return timedelta(seconds=float(self._file.read_text()))
        except (FileNotFoundError, ValueError):
            return timedelta()


def elapsed() -> float:
    """Seconds of a clock that never goes back, for measuring durations only."""
    return time.perf_counter()


def pause(seconds: float) -> None:
    time.sleep(seconds)
