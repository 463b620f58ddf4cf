"""Time zones, quiet hours, holidays and shifted workdays (调休)."""

import re
from dataclasses import dataclass
from datetime import date
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import holidays
from holidays import HolidayBase

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


@dataclass(frozen=True, slots=True)
class Day:
    """What a date is in China: `shifted` is a weekend day that is worked (调休).

    `provisional` marks a year whose shifts the State Council has not published yet.
    """

    workday: bool
    holiday: str
    shifted: bool
    provisional: bool


def day_of(day: date) -> Day:
    """By the `holidays` data of the State Council's yearly notices."""
    calendar = _calendar(day.year)
    names = [name for name in calendar.get_list(day) if name]
    shifted = day.weekday() >= 5 and calendar.is_working_day(day)
    return Day(
        workday=calendar.is_working_day(day),
        holiday="、".join(names),
        shifted=shifted,
        provisional=not any(shift.year == day.year for shift in calendar.weekend_workdays),
    )


@cache
def _calendar(year: int) -> HolidayBase:
    return holidays.country_holidays("CN", years=year, language="zh_CN")
