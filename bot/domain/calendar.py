"""Times of day and time zones, as people write them in settings."""

import re
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_CLOCK = r"([01]\d|2[0-3]):[0-5]\d"
_QUIET_HOURS = re.compile(f"{_CLOCK}-{_CLOCK}")


def timezone_problem(name: str) -> str | None:
    """Why this is no time zone of the IANA database; None when it is one."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return f"{name!r} is no time zone; write e.g. Asia/Shanghai"
    return None


def quiet_hours_problem(text: str) -> str | None:
    """Why this is no span of quiet hours; None when it is one."""
    if _QUIET_HOURS.fullmatch(text):
        return None
    return f"{text!r} is not like 22:00-08:00"
