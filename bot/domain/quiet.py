"""Quiet hours, the hour of the digest, and when exactly a call is made."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

DIGEST_AT = time(19, 0)
# What would come in quiet hours and cannot wait comes so long before they begin.
_BEFORE = timedelta(minutes=30)
_SPREAD_FROM, _SPREAD, _TOGETHER = 60, 361, 8
LATEST_SPREAD = timedelta(minutes=7)


@dataclass(frozen=True, slots=True)
class Hours:
    """A community's time zone and its quiet hours ("22:00-08:00"; both ends the same: none)."""

    timezone: str
    quiet: str

    def day(self, at: datetime) -> date:
        """The local calendar day."""
        return _day(self.timezone, at)

    def midnight(self, at: datetime) -> datetime:
        """When the local calendar day began."""
        return self.utc(self.day(at), time(0, 0))

    def after_quiet(self, at: datetime) -> datetime:
        """`at`, or the end of the quiet hours that it falls in."""
        return _after_quiet(self, at)

    def before_quiet(self, at: datetime) -> datetime:
        """`at`, or half an hour before the quiet hours that it falls in begin."""
        start, end = _span(self.quiet)
        local = at.astimezone(ZoneInfo(self.timezone))
        if not _within(local.time(), start, end):
            return at
        day = local.date() - timedelta(days=start > end and local.time() < end)
        return self.utc(day, start) - _BEFORE

    def digest(self, at: datetime) -> datetime:
        """The first hour of the digest that is not before `at`."""
        local = at.astimezone(ZoneInfo(self.timezone))
        day = local.date() + timedelta(days=local.time() > DIGEST_AT)
        return self.after_quiet(self.utc(day, DIGEST_AT))

    def next_digest(self, at: datetime) -> datetime:
        """The hour of the digest on the day after."""
        return self.digest(self.utc(self.day(at) + timedelta(days=1), time(0, 0)))

    def next_morning(self, at: datetime) -> datetime:
        """The first moment of the day after that is not quiet."""
        return self.after_quiet(self.utc(self.day(at) + timedelta(days=1), time(0, 0)))

    def utc(self, day: date, at: time) -> datetime:
        """This local time of that day."""
        return datetime.combine(day, at, ZoneInfo(self.timezone)).astimezone(UTC)


def spread(at: datetime, number: int) -> datetime:
    """1 to 7 minutes after a slot on minute 0 or 30, when everybody calls the platform; the same
    for the same number. Neighbours go together: their rows share a page of the database.
    """
    if at.minute not in (0, 30) or at.second:
        return at
    # A multiplier without a common divisor with the span: neighbouring groups lie far apart.
    return at + timedelta(seconds=_SPREAD_FROM + number // _TOGETHER * 157 % _SPREAD)


# Asked for each of many people at the same moment.
@lru_cache(maxsize=64)
def _day(timezone: str, at: datetime) -> date:
    return at.astimezone(ZoneInfo(timezone)).date()


@lru_cache(maxsize=64)
def _after_quiet(hours: Hours, at: datetime) -> datetime:
    start, end = _span(hours.quiet)
    local = at.astimezone(ZoneInfo(hours.timezone))
    if not _within(local.time(), start, end):
        return at
    day = local.date() + timedelta(days=start > end and local.time() >= start)
    return hours.utc(day, end)


@lru_cache(maxsize=64)
def _span(quiet: str) -> tuple[time, time]:
    start, end = quiet.split("-")
    return time.fromisoformat(start), time.fromisoformat(end)


def _within(at: time, start: time, end: time) -> bool:
    if start <= end:
        return start <= at < end
    return at >= start or at < end
