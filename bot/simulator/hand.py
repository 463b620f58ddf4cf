"""The hand on the clock that sandbox and bot share."""

import threading
from datetime import datetime, timedelta, timezone
from pathlib import Path

from bot.clock import OffsetClock
from bot.errors import SandboxProblem

SHANGHAI = timezone(timedelta(hours=8))


class Hand:
    """Moves the clock whose offset is in `file`; whoever reads the file follows."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.RLock()
        self.clock = OffsetClock(file)

    def forward(self, by: timedelta) -> None:
        with self._lock:
            self.set(self.clock.offset() + by)

    def set(self, offset: timedelta) -> None:
        """Readers see the old offset or the new one, never half of one."""
        with self._lock:
            part = self._file.with_suffix(".part")
            part.write_text(str(offset.total_seconds()))
            part.replace(self._file)


def span_of(step: str, now: datetime) -> timedelta:
    """How far a button of the clock goes. Raises SandboxProblem for one that there is not."""
    local = now.astimezone(SHANGHAI)
    if step == "hour":
        return timedelta(hours=1)
    if step == "two_days":
        return timedelta(hours=48)
    eight = local.replace(hour=8, minute=0, second=0, microsecond=0)
    if step == "morning":
        return (eight if local < eight else eight + timedelta(days=1)) - local
    if step == "month":
        first = (eight.replace(day=1) + timedelta(days=32)).replace(day=1)
        return first - local
    raise SandboxProblem("没有这个按钮")
