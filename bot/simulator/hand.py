"""The hand on the clock that sandbox and bot share."""

from datetime import timedelta
from pathlib import Path

from bot.clock import OffsetClock


class Hand:
    """Moves the clock whose offset is in `file`; whoever reads the file follows."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.clock = OffsetClock(file)

    def forward(self, by: timedelta) -> None:
        self.set(self.clock.offset() + by)

    def set(self, offset: timedelta) -> None:
        """Readers see the old offset or the new one, never half of one."""
        part = self._file.with_suffix(".part")
        part.write_text(str(offset.total_seconds()))
        part.replace(self._file)
