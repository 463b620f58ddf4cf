"""Rules in the forms that people write: 每周一三五晚7点, 每月最后一天 19:00, 30 19 5 * *."""

import re
import unicodedata
from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import time

from bot.domain.dates import NUMERAL, WEEKDAYS, DateProblem, find_time, value_of
from bot.domain.schedule import (
    LAST,
    EveryDay,
    EveryWorkday,
    FromEvent,
    MonthDay,
    MonthWeekday,
    MonthWorkday,
    OnHoliday,
    Rule,
    Unit,
    Weekly,
    When,
    YearDay,
)

_LEAP_YEAR = 2000
# Every month has these days; cron leaves a month without the 31st out, a rule does not.
_CRON_DAYS = 28


@dataclass(frozen=True, slots=True)
class RuleProblem:
    """Why a text gives no rule: a key of the messages and its fields."""

    key: str
    fields: dict[str, str]


def parse_rule(text: str) -> Rule | RuleProblem:
    """The rule that a text (Chinese, or cron in five fields) says.

    Keys of problems: schedule.none; schedule.no_time; schedule.impossible with the words `what`;
    schedule.cron_numbers; and for a wrong time of day dates.no_time and dates.midnight with `time`.
    """
    wide = unicodedata.normalize("NFKC", text).strip()
    fields = wide.lower().split()
    if len(fields) == 5 and all(_CRON_FIELD.fullmatch(field) for field in fields):
        return _cron(fields)
    on_holiday, wide = _find_on_holiday(wide)
    for pattern, read in _FORMS:
        if found := pattern.search(wide):
            rest = f"{wide[: found.start()]} {wide[found.end() :]}"
            try:
                when = read(found)
            except ValueError:
                return _impossible("".join(found[0].split()))
            return _rule(when, rest, on_holiday)
    return RuleProblem("schedule.none", {})


def parse_change(text: str, before: Rule) -> Rule | RuleProblem:
    """As parse_rule, of a rule that takes the place of `before`: 改到早上8点 keeps the days,
    每月5日 the time, and 工作日 or 周一到周五 need no 每.
    """
    wide = _TO.sub("", unicodedata.normalize("NFKC", text).strip())
    wide = _EACH.sub(r"每\g<0>", wide)
    found = parse_rule(wide)
    if isinstance(found, Rule) or before.at is None:
        return found
    if found.key == "schedule.no_time" and not _PART_OF_DAY.search(wide):
        return parse_rule(f"{wide} {before.at:%H:%M}")
    if found.key != "schedule.none":
        return found
    clock = find_time(wide, evening=False)
    if isinstance(clock, DateProblem):
        return RuleProblem(clock.key, clock.fields)
    at, rest = clock
    return found if at is None or _FILLERS.sub("", rest) else replace(before, at=at)


def _rule(when: When, rest: str, on_holiday: OnHoliday) -> Rule | RuleProblem:
    clock = find_time(rest, evening=False)
    if isinstance(clock, DateProblem):
        return RuleProblem(clock.key, clock.fields)
    at, rest = clock
    if _FILLERS.sub("", rest):
        return RuleProblem("schedule.none", {})
    if isinstance(when, FromEvent):
        if on_holiday:
            return _impossible(f"遇假日{on_holiday}")
        return _event_rule(when, at, part_of_day=bool(_PART_OF_DAY.search(rest)))
    if at is None:
        return RuleProblem("schedule.no_time", {})
    if isinstance(when, EveryWorkday | MonthWorkday):
        on_holiday = OnHoliday.KEEP
    return Rule(when, at, on_holiday)


def _event_rule(when: FromEvent, at: time | None, part_of_day: bool) -> Rule | RuleProblem:
    if at is None and (part_of_day or not when.count):
        return RuleProblem("schedule.no_time", {})
    if at is not None and when.unit in (Unit.HOURS, Unit.MINUTES):
        return RuleProblem("schedule.none", {})
    return Rule(when, at)


def _impossible(what: str) -> RuleProblem:
    return RuleProblem("schedule.impossible", {"what": what})


def _pattern(text: str) -> re.Pattern[str]:
    """A space in the text stands for any number of them."""
    return re.compile(text.replace(" ", r"\s*"))


_TO = re.compile(r"^(?:改|换|挪|调|定|放)?(?:到|成|为|在)\s*")
_EACH = re.compile(r"^(?:工作日(?!\s*每)|(?:周|星期|礼拜)(?=[一二三四五六日天末1-7]))")
_CRON_FIELD = re.compile(r"[\da-z*?/,#-]+")
_PART_OF_DAY = re.compile(r"凌晨|早上|早晨|上午|中午|下午|傍晚|晚上|晚|早")
_FILLERS = re.compile(rf"[\s,，、。.;；:()的在于]|{_PART_OF_DAY.pattern}")

_ON_HOLIDAY = _pattern(
    r"(?:[遇逢] 到?)? (?:法定 )?(?:节假日|假日|节日|假期|放假) [时则就,]? "
    r"(?:(?P<SKIP>跳过|除外|取消|停|不发|不算)|(?P<BEFORE>提前|提早)|(?P<AFTER>顺延|延后|推迟|往后)|(?P<KEEP>照常|照发|不变))"
    r"(?: [到至] [前后上下]? 一? 个? 工作日)?"
)


def _find_on_holiday(text: str) -> tuple[OnHoliday, str]:
    found = _ON_HOLIDAY.search(text)
    if not found or not found.lastgroup:
        return OnHoliday.KEEP, text
    return OnHoliday[found.lastgroup], f"{text[: found.start()]} {text[found.end() :]}"


_WEEK = r"(?:周|星期|礼拜)"
_NAMED = rf"{_WEEK} (?P<weekday>[一二三四五六日天1-7])"
# 每周三五点 is Wednesday at five; 每周一二十点 is Monday at eight in the evening.
_ONE_OF_WEEK = (
    rf"(?:(?:每 个? )?{_WEEK} )?(?:[一三四五六日天末]|二(?!十)|[1-7](?!\d|:))(?! [点时:])"
)
_BETWEEN = r"(?:[、,和及与]|[到至~–—-]+)"
_WEEKDAYS_FORM = _pattern(
    rf"每 个? (?={_WEEK})(?P<days>{_ONE_OF_WEEK}(?: {_BETWEEN}? {_ONE_OF_WEEK})*)"
)
_NO_WEEKDAY = re.compile(r"[每个周星期礼拜\s]")
_SPAN_OF_WEEK = re.compile(
    r"(?P<start>[一二三四五六日天1-7])(?:[到至~–—-]+(?P<end>[一二三四五六日天末1-7]))?|末"
)
_NTH = rf"(?:第 (?P<nth>{NUMERAL}) 个?|(?P<first>首) 个|(?P<last>(?:倒数 第一|最后 一?|末) 个?))"
_END = r"(?P<end>月? [底末]|最后 一? [天日])"
_IN_MONTH = r"每 个? 月 的? "
_AMOUNT = (
    rf"(?P<count>\d{{1,4}}|{NUMERAL}|半) 个? (?P<half>半)? 个? "
    r"(?P<unit>工作日|小时|钟头|分钟?|天|日|周|星期|礼拜|月|年)"
)
_EVENT = r"(?:开?会议? |活动 )?"
_BEFORE = rf"(?:提前|提早|{_EVENT}(?:开始 )?(?:之|以)?前)"
_AFTER = rf"(?:{_EVENT}(?:开始 |结束 )?(?:之|以)?后)"


def _weekly(found: re.Match[str]) -> When:
    days: set[int] = set()
    for one in _SPAN_OF_WEEK.finditer(_NO_WEEKDAY.sub("", found["days"])):
        if one[0] == "末":
            days |= {5, 6}
        else:
            days |= _span(_weekday(one["start"]), _weekday(one["end"] or one["start"]))
    return Weekly(tuple(sorted(days)))


def _span(start: int, end: int) -> set[int]:
    """周五到周一 goes over the end of the week."""
    return {(start + step) % 7 for step in range((end - start) % 7 + 1)}


def _weekday(word: str) -> int:
    if word.isdigit():
        return int(word) - 1
    return WEEKDAYS.index("日" if word in "天末" else word)


def _month_day(found: re.Match[str]) -> When:
    return MonthDay(LAST if found["end"] else value_of(found["day"]))


def _nth(found: re.Match[str]) -> int:
    return 1 if found["first"] else LAST if found["last"] else value_of(found["nth"])


def _month_weekday(found: re.Match[str]) -> When:
    return MonthWeekday(_nth(found), _weekday(found["weekday"]))


def _month_workday(found: re.Match[str]) -> When:
    return MonthWorkday(_nth(found))


def _year_day(found: re.Match[str]) -> When:
    month = value_of(found["month"])
    if found["end"] and 1 <= month <= 12:
        return YearDay(month, monthrange(_LEAP_YEAR, month)[1])
    return YearDay(month, value_of(found["day"] or "0"))


def _from_event(sign: int) -> Callable[[re.Match[str]], When]:
    def read(found: re.Match[str]) -> When:
        unit, units = _UNITS[found["unit"]]
        if found["count"] == "半" or found["half"]:
            # 半小时, 一个半小时, 半年: in the next smaller unit.
            if found["unit"] not in _HALVES:
                raise ValueError(f"no half: {found[0]}")
            whole = 0 if found["count"] == "半" else value_of(found["count"])
            unit, half = _HALVES[found["unit"]]
            return FromEvent(sign * (2 * whole + 1) * half, unit)
        if not (count := value_of(found["count"])):
            raise ValueError(f"no distance: {found[0]}")
        return FromEvent(sign * count * units, unit)

    return read


_HALVES = {"小时": (Unit.MINUTES, 30), "钟头": (Unit.MINUTES, 30), "年": (Unit.MONTHS, 6)}
_UNITS = {
    "分": (Unit.MINUTES, 1),
    "分钟": (Unit.MINUTES, 1),
    "小时": (Unit.HOURS, 1),
    "钟头": (Unit.HOURS, 1),
    "天": (Unit.DAYS, 1),
    "日": (Unit.DAYS, 1),
    "周": (Unit.DAYS, 7),
    "星期": (Unit.DAYS, 7),
    "礼拜": (Unit.DAYS, 7),
    "工作日": (Unit.WORKDAYS, 1),
    "月": (Unit.MONTHS, 1),
    "年": (Unit.MONTHS, 12),
}
_YEAR_DAY = rf"每 一? 年 的? (?P<month>{NUMERAL}) 月 的? (?:(?P<day>{NUMERAL}) [日号]|{_END})"
# The first that is found counts; what it leaves must be a time and little else.
_FORMS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], When]], ...] = (
    (_pattern(_YEAR_DAY), _year_day),
    (_pattern(rf"{_IN_MONTH}{_NTH} {_NAMED}"), _month_weekday),
    (_pattern(rf"{_IN_MONTH}{_NTH} 工作日"), _month_workday),
    (_pattern(rf"{_IN_MONTH}(?:(?P<day>{NUMERAL}) [日号]|{_END})"), _month_day),
    (_WEEKDAYS_FORM, _weekly),
    (_pattern(r"每 一? 个? 工作日|工作日 每天"), lambda found: EveryWorkday()),
    (_pattern(r"每 一? [天日]|天天|每 (?=[早晚])"), lambda found: EveryDay()),
    (_pattern(rf"{_BEFORE} {_AMOUNT}"), _from_event(-1)),
    (_pattern(rf"{_AFTER} {_AMOUNT}"), _from_event(1)),
    (_pattern(rf"{_AMOUNT} (?:之|以)? 前"), _from_event(-1)),
    (_pattern(rf"{_AMOUNT} (?:之|以)? 后"), _from_event(1)),
    (_pattern(rf"{_EVENT}当[天日]"), lambda found: FromEvent(0, Unit.DAYS)),
)


_CRON_WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_CRON_MONTHS = [
    *("jan", "feb", "mar", "apr", "may", "jun"),
    *("jul", "aug", "sep", "oct", "nov", "dec"),
]
_CRON_WEEKDAY = re.compile(r"(?P<start>[a-z]+)(?:-(?P<end>[a-z]+))?")


def _cron(fields: list[str]) -> Rule | RuleProblem:
    minute, hour, day, month, weekdays = fields
    if any(part[:1].isdigit() for part in re.split("[,/-]", weekdays)):
        return RuleProblem("schedule.cron_numbers", {})
    none = RuleProblem("schedule.none", {})
    if not (minute.isdigit() and hour.isdigit()):
        return none
    try:
        at = time(int(hour), int(minute))
    except ValueError:
        return _impossible(f"{minute} {hour}")
    try:
        when = _cron_when(day, month, weekdays)
    except ValueError:
        return _impossible(f"{day} {month}")
    return Rule(when, at) if when else none


def _cron_when(day: str, month: str, weekdays: str) -> When | None:
    """None for what no rule says, ValueError for a date that there is not."""
    if weekdays not in ("*", "?"):
        # cron takes a day of the month and a weekday together as either of them.
        return _cron_weekdays(weekdays) if (day in ("*", "?") and month == "*") else None
    if month == "*":
        if day in ("*", "?"):
            return EveryDay()
        if day in ("last", "l"):
            return MonthDay(LAST)
        if not day.isdigit():
            return None
        when = MonthDay(int(day))
        return when if when.day <= _CRON_DAYS else None
    number = _CRON_MONTHS.index(month) + 1 if month in _CRON_MONTHS else month
    if not (str(number).isdigit() and day.isdigit()):
        return None
    yearly = YearDay(int(number), int(day))
    return None if (yearly.month, yearly.day) == (2, 29) else yearly


def _cron_weekdays(text: str) -> When | None:
    days: set[int] = set()
    for part in text.split(","):
        found = _CRON_WEEKDAY.fullmatch(part)
        start = _cron_weekday(found["start"]) if found else None
        end = _cron_weekday(found["end"] or found["start"]) if found else None
        if start is None or end is None:
            return None
        days |= _span(start, end)
    return EveryDay() if len(days) == 7 else Weekly(tuple(sorted(days)))


def _cron_weekday(name: str) -> int | None:
    """mon or monday."""
    known = len(name) == 3 or name.endswith("day")
    return _CRON_WEEKDAYS.index(name[:3]) if known and name[:3] in _CRON_WEEKDAYS else None
