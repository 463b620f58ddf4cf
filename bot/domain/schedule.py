"""When something is due: every Friday, on a month's last workday, three days before a meeting.

A rule is local to a time zone and stored as its text, which schedule_text.parse_rule reads back.
Slots are moments in UTC; nothing here reads a clock.
"""

import calendar
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from itertools import islice, takewhile
from zoneinfo import ZoneInfo

from bot.domain.calendar import day_of
from bot.domain.dates import WEEKDAYS

LAST = -1
MOST_WORKDAYS = 23  # that a month can have
MOST_UNITS = 999  # before or after an event
_NUMERALS = ("", *"一二三四五六七八九")
_LEAP_YEAR = 2000
# Far enough from the first date that no time zone and no holiday leads before it.
_EARLIEST = date(1, 2, 1).toordinal()
# A local date may lie a day from the UTC date, and an absent day leads to the next.
_BACK_DAYS = 3
# Longer than any run of days off that a slot is moved across.
_BACK_DAYS_WHEN_MOVED = 40
# 每年10月1日 遇假日跳过 is never due.
_SEARCH_YEARS = 20


class OnHoliday(StrEnum):
    """What becomes of a slot on a 假日; BEFORE and AFTER lead to the nearest workday.

    For a rule by date (每月5日) that is any day which is no workday. A rule that means the
    weekends too (每天, 每周六) has 假日 only where a public holiday belongs to the days off.
    """

    KEEP = ""
    SKIP = "跳过"
    BEFORE = "提前"
    AFTER = "顺延"


class Unit(StrEnum):
    """Of the distance from an event; the value is how it is written."""

    MINUTES = "分钟"
    HOURS = "小时"
    DAYS = "天"
    WORKDAYS = "个工作日"
    MONTHS = "个月"


_EXACT = {Unit.MINUTES: timedelta(minutes=1), Unit.HOURS: timedelta(hours=1)}


@dataclass(frozen=True, slots=True)
class EveryDay:
    """每天."""


@dataclass(frozen=True, slots=True)
class EveryWorkday:
    """每个工作日, worked weekends (调休) among them."""


@dataclass(frozen=True, slots=True)
class Weekly:
    """每周一、三: ascending weekdays, Monday is 0. ValueError for other numbers or none."""

    weekdays: tuple[int, ...]

    def __post_init__(self) -> None:
        in_order = self.weekdays == tuple(sorted(set(self.weekdays)))
        if not self.weekdays or not in_order or not set(self.weekdays) <= set(range(7)):
            raise ValueError(f"no weekdays: {self.weekdays}")


@dataclass(frozen=True, slots=True)
class MonthDay:
    """每月5日, 每月最后一天: 1 to 31 or LAST; a month without the day has it on its last day."""

    day: int

    def __post_init__(self) -> None:
        if self.day != LAST and not 1 <= self.day <= 31:
            raise ValueError(f"no day of a month: {self.day}")


@dataclass(frozen=True, slots=True)
class MonthWeekday:
    """每月第二个周五: 1 to 5 or LAST, Monday is 0; a month without a fifth has no slot."""

    nth: int
    weekday: int

    def __post_init__(self) -> None:
        if (self.nth != LAST and not 1 <= self.nth <= 5) or not 0 <= self.weekday < 7:
            raise ValueError(f"no weekday of a month: {self.nth}, {self.weekday}")


@dataclass(frozen=True, slots=True)
class MonthWorkday:
    """每月第一个工作日: 1 to MOST_WORKDAYS or LAST; a month with fewer has no slot."""

    nth: int

    def __post_init__(self) -> None:
        if self.nth != LAST and not 1 <= self.nth <= MOST_WORKDAYS:
            raise ValueError(f"no workday of a month: {self.nth}")


@dataclass(frozen=True, slots=True)
class YearDay:
    """每年7月1日; 29 February is the 28th in other years. ValueError for 30 February."""

    month: int
    day: int

    def __post_init__(self) -> None:
        date(_LEAP_YEAR, self.month, self.day)


@dataclass(frozen=True, slots=True)
class FromEvent:
    """提前7天 is -7 days, 之后2个月 is 2 months; 0 days (当天) is the event's own date."""

    count: int
    unit: Unit

    def __post_init__(self) -> None:
        if abs(self.count) > MOST_UNITS or (not self.count and self.unit is not Unit.DAYS):
            raise ValueError(f"no distance from an event: {self.count} {self.unit.name}")


When = (
    EveryDay | EveryWorkday | Weekly | MonthDay | MonthWeekday | MonthWorkday | YearDay | FromEvent
)


@dataclass(frozen=True, slots=True)
class Rule:
    """When, at which local time (whole minutes), and what becomes of it on a holiday.

    Hours and minutes from an event have no time of their own; days, workdays and months from it
    keep the event's where `at` is None; every other rule has one. Rules by workdays and from
    events know no holiday. ValueError where these do not agree.
    """

    when: When
    at: time | None = None
    on_holiday: OnHoliday = OnHoliday.KEEP

    def __post_init__(self) -> None:
        if self.at is not None and (self.at.second or self.at.microsecond or self.at.tzinfo):
            raise ValueError(f"no local time in whole minutes: {self.at!r}")
        if self.on_holiday and isinstance(self.when, EveryWorkday | MonthWorkday | FromEvent):
            raise ValueError("workdays and distances from an event know no holiday")
        if self.at is None and not (isinstance(self.when, FromEvent) and self.when.count):
            raise ValueError("a rule of the calendar needs a time")
        if self.at is not None and isinstance(self.when, FromEvent) and self.when.unit in _EXACT:
            raise ValueError("hours and minutes from an event have no other time")

    @property
    def text(self) -> str:
        """Short Chinese that parse_rule reads back as the same rule: 每月5日 19:00 遇假日顺延."""
        words = [_words(self.when)]
        if self.at is not None:
            words.append(f"{self.at:%H:%M}")
        if self.on_holiday:
            words.append(f"遇假日{self.on_holiday}")
        return " ".join(words)


@dataclass(frozen=True, slots=True)
class Slot:
    """A moment in UTC; provisional where workdays of a year counted whose shifts are unknown."""

    at: datetime
    provisional: bool


def next_slot(
    rule: Rule, after: datetime, timezone: str, anchor: datetime | None = None
) -> Slot | None:
    """The first slot later than `after`; None when there is none any more.

    `after` is aware and `timezone` a name of the IANA database. A rule from an event has one
    slot, by `anchor`, the event's aware time: ValueError without it. A local time that the clocks
    skip is due when they have skipped it, one that they repeat the first time; no local date has
    two slots.
    """
    return next(_slots(rule, after, ZoneInfo(timezone), anchor), None)


def slots_between(
    rule: Rule,
    start: datetime,
    end: datetime,
    timezone: str,
    anchor: datetime | None = None,
    limit: int = 1000,
) -> Iterator[Slot]:
    """The slots later than `start` and up to `end`, at most `limit`, computed one by one.

    As for next_slot; ValueError comes with the first slot that is asked for.
    """
    slots = _slots(rule, start, ZoneInfo(timezone), anchor)
    return islice(takewhile(lambda slot: slot.at <= end, slots), limit)


def _slots(rule: Rule, after: datetime, zone: ZoneInfo, anchor: datetime | None) -> Iterator[Slot]:
    try:
        if isinstance(rule.when, FromEvent):
            slot = _event_slot(rule.when, rule.at, anchor, zone)
            if slot.at > after:
                yield slot
        elif rule.at is not None:
            yield from _calendar_slots(rule, rule.at, after, zone)
    except OverflowError:
        # Dates end with the year 9999.
        return


def _calendar_slots(rule: Rule, at: time, after: datetime, zone: ZoneInfo) -> Iterator[Slot]:
    back = _BACK_DAYS_WHEN_MOVED if rule.on_holiday is OnHoliday.AFTER else _BACK_DAYS
    start = date.fromordinal(max(after.toordinal() - back, _EARLIEST))
    latest, previous = start, None
    for found, unsure in _days(rule.when, start):
        if found.year - latest.year > _SEARCH_YEARS:
            return
        moved = _moved(rule, found)
        if moved is None:
            continue
        day, doubtful = moved
        moment = _moment(day, at, zone)
        latest = day
        # Two dates move to one workday, or out of a day that the zone skipped to the next.
        local = moment.astimezone(zone).date()
        if local != previous and moment > after:
            yield Slot(moment, unsure or doubtful)
        previous = local


def _days(when: When, start: date) -> Iterator[tuple[date, bool]]:
    """The rule's dates in order, from about `start` on, each with whether it is provisional."""
    match when:
        case EveryDay():
            yield from ((day, False) for day in _from(start))
        case Weekly(weekdays):
            yield from ((day, False) for day in _from(start) if day.weekday() in weekdays)
        case EveryWorkday():
            for day in _from(start):
                if (known := day_of(day)).workday:
                    yield day, known.provisional
        case YearDay(month, number):
            for year in range(start.year, date.max.year + 1):
                yield _clamped(year, month, number), False
        case MonthDay() | MonthWeekday() | MonthWorkday():
            for month in range(_month_number(start), _month_number(date.max) + 1):
                found = _in_month(when, month // 12, month % 12 + 1)
                if found is not None:
                    yield found, isinstance(when, MonthWorkday) and day_of(found).provisional


def _in_month(when: MonthDay | MonthWeekday | MonthWorkday, year: int, month: int) -> date | None:
    first_weekday, length = calendar.monthrange(year, month)
    match when:
        case MonthDay(day):
            return _clamped(year, month, length if day == LAST else day)
        case MonthWeekday(nth, weekday):
            weeks = range(1 + (weekday - first_weekday) % 7, length + 1, 7)
            if nth > len(weeks):
                return None
            return date(year, month, weeks[-1 if nth == LAST else nth - 1])
        case MonthWorkday(nth):
            numbers = range(1, length + 1)[:: -1 if nth == LAST else 1]
            days = (date(year, month, number) for number in numbers)
            workdays = (day for day in days if day_of(day).workday)
            return next(islice(workdays, abs(nth) - 1, None), None)


def _moved(rule: Rule, day: date) -> tuple[date, bool] | None:
    """Where the rule puts one of its dates, and whether that is provisional; None: nowhere."""
    if not rule.on_holiday:
        return day, False
    known = day_of(day)
    if known.workday:
        return day, known.provisional
    before, after = _workday_from(day, -1), _workday_from(day, 1)
    doubtful = any(day_of(each).provisional for each in (before, day, after))
    if not isinstance(rule.when, MonthDay | YearDay) and not _is_public(before, after):
        return day, doubtful
    if rule.on_holiday is OnHoliday.SKIP:
        return None
    return before if rule.on_holiday is OnHoliday.BEFORE else after, doubtful


def _is_public(before: date, after: date) -> bool:
    """Whether the days off between two workdays are more than a weekend."""
    days = map(date.fromordinal, range(before.toordinal() + 1, after.toordinal()))
    return any(day_of(day).holiday or day.weekday() < 5 for day in days)


def _event_slot(when: FromEvent, at: time | None, anchor: datetime | None, zone: ZoneInfo) -> Slot:
    if anchor is None or anchor.tzinfo is None:
        raise ValueError("a rule from an event needs the event's aware time")
    if when.unit in _EXACT:
        return Slot(anchor.astimezone(UTC) + when.count * _EXACT[when.unit], False)
    local = anchor.astimezone(zone)
    day, provisional = local.date(), False
    match when.unit:
        case Unit.DAYS:
            day += timedelta(days=when.count)
        case Unit.MONTHS:
            day = _months_from(day, when.count)
        case Unit.WORKDAYS:
            for _ in range(abs(when.count)):
                day = _workday_from(day, 1 if when.count > 0 else -1)
            provisional = day_of(day).provisional or day_of(local.date()).provisional
    moment = _moment(day, local.time().replace(fold=0) if at is None else at, zone)
    return Slot(moment, provisional)


def _moment(day: date, at: time, zone: ZoneInfo) -> datetime:
    """The first time that the zone's clocks show this or, where they skip it, a later time."""
    shown = datetime.combine(day, at)
    late = shown.replace(tzinfo=zone).astimezone(UTC)
    if late.astimezone(zone).replace(tzinfo=None) == shown:
        return late
    # With fold, a skipped time is read by the offset after the gap: a moment before it.
    early = shown.replace(tzinfo=zone, fold=1).astimezone(UTC).replace(microsecond=0)

    def clock(second: int) -> datetime:
        return (early + timedelta(seconds=second)).astimezone(zone).replace(tzinfo=None)

    seconds = range(int((late - early).total_seconds()) + 1)
    return early + timedelta(seconds=bisect_left(seconds, shown, key=clock))


def _from(start: date) -> Iterator[date]:
    return map(date.fromordinal, range(start.toordinal(), date.max.toordinal() + 1))


def _workday_from(day: date, step: int) -> date:
    """The nearest workday other than the day itself, onwards (1) or backwards (-1)."""
    day += timedelta(days=step)
    while not day_of(day).workday:
        day += timedelta(days=step)
    return day


def _months_from(day: date, months: int) -> date:
    number = _month_number(day) + months
    if not _month_number(date.min) <= number <= _month_number(date.max):
        raise OverflowError("date value out of range")
    return _clamped(number // 12, number % 12 + 1, day.day)


def _month_number(day: date) -> int:
    return day.year * 12 + day.month - 1


def _clamped(year: int, month: int, number: int) -> date:
    return date(year, month, min(number, calendar.monthrange(year, month)[1]))


def _words(when: When) -> str:
    match when:
        case EveryDay():
            return "每天"
        case EveryWorkday():
            return "每个工作日"
        case Weekly(weekdays):
            return f"每周{'、'.join(WEEKDAYS[weekday] for weekday in weekdays)}"
        case MonthDay(day):
            return "每月最后一天" if day == LAST else f"每月{day}日"
        case MonthWeekday(nth, weekday):
            return f"每月{_ordinal(nth)}个周{WEEKDAYS[weekday]}"
        case MonthWorkday(nth):
            return f"每月{_ordinal(nth)}个工作日"
        case YearDay(month, day):
            return f"每年{month}月{day}日"
        case FromEvent(count, unit):
            return f"{'提前' if count < 0 else '之后'}{abs(count)}{unit}" if count else "当天"


def _ordinal(nth: int) -> str:
    """第二十一; 最后一."""
    if nth == LAST:
        return "最后一"
    tens, ones = divmod(nth, 10)
    return f"第{('', '十', '二十')[tens]}{_NUMERALS[ones]}"
