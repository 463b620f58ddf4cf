"""Dates and times in the forms that people write: 下周三晚7点, 12.5 19点, 12月5日 19:00."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

WEEKDAYS = "一二三四五六日"
_DIGITS = {digit: value for value, digit in enumerate("零一二三四五六七八九")} | {"两": 2, "〇": 0}
_RELATIVE = {
    "今天": 0,
    "今日": 0,
    "今晚": 0,
    "明天": 1,
    "明日": 1,
    "明晚": 1,
    "后天": 2,
    "大后天": 3,
}
# 二三十 is none: only what value_of can read.
NUMERAL = (
    r"(?:\d{1,2}|[一二两三四五六七八九]?十[一二三四五六七八九]?|[零〇一二两三四五六七八九]{1,3})"
)
_DATE = re.compile(
    r"(?:(?P<year>20\d\d)\s*[年./-]\s*)?"
    rf"(?P<month>{NUMERAL})\s*(?:月\s*(?P<day>{NUMERAL})(?![\d点:])\s*[日号]?"
    rf"|[./-]\s*(?P<day2>\d{{1,2}})(?![:\d点版.]))"
)
_DAY = re.compile(r"大后天|今[天日晚]|明[天日晚]|后天")
_WEEKDAY = re.compile(r"(?P<which>下下|下个?|本|这个?)?(?:周|星期|礼拜)(?P<day>[一二三四五六日天])")
_PART = r"(?P<part>凌晨|早上|早晨|上午|中午|下午|傍晚|晚上|晚|早)?\s*"
_TIME = re.compile(
    rf"{_PART}(?:(?P<hour>\d{{1,2}}):(?P<minute>\d{{2}})"
    rf"|(?P<hour2>{NUMERAL})\s*[点时](?:(?P<half>半)|(?P<quarter>[一三])刻|(?P<minute2>{NUMERAL})分|(?P<minute3>[0-5]\d)(?!\d))?)"
    r"(?:整|钟)?(?:\s*(?:[-~到至—]|--)+\s*(?:\d{1,2}:\d{2}|\d{1,2}\s*[点时]半?))?"
)
_AFTERNOON = frozenset({"中午", "下午", "傍晚", "晚上", "晚"})
# A date without a year that lies further back than this means next year.
_NEXT_YEAR_DAYS = 180


@dataclass(frozen=True, slots=True)
class When:
    """A local date and time, and the words around them in their order."""

    day: date
    time: time | None
    rest: str


@dataclass(frozen=True, slots=True)
class DateProblem:
    """Why a text gives no date: a key of the messages and its fields."""

    key: str
    fields: dict[str, str]


def parse(text: str, now: datetime, before: datetime | None = None) -> When | DateProblem:
    """The date (and time, where there is one) in the text; `now` is local to the community.

    With `before`, the time that is to be changed, what is not said stays: a day alone keeps the
    time, a time alone the day, a place alone both.
    """
    wide = unicodedata.normalize("NFKC", text)
    found = _find_day(wide, now.date())
    if before is not None and isinstance(found, DateProblem) and found.key == "dates.none":
        found = before.date(), wide, False
    if isinstance(found, DateProblem):
        return found
    day, wide, evening = found
    clock = find_time(wide, evening)
    if isinstance(clock, DateProblem):
        return clock
    at, wide = clock
    if before is not None and at is None:
        at = before.time()
    if day < now.date() or (at and datetime.combine(day, at) <= now.replace(tzinfo=None)):
        return DateProblem("dates.past", {"date": spoken(day, at)})
    return When(day, at, " ".join(wide.split()).strip(",，.。 "))


def spoken(day: date, at: time | None = None) -> str:
    """12月5日（周六）19:00."""
    text = f"{day.month}月{day.day}日（周{WEEKDAYS[day.weekday()]}）"
    return f"{text}{at:%H:%M}" if at else text


def _find_day(text: str, today: date) -> tuple[date, str, bool] | DateProblem:
    """The day, the text without it, and whether it said 今晚 or 明晚."""
    weekday = _WEEKDAY.search(text)
    dates = list(_DATE.finditer(text))
    found = next((date for date in dates if date["day"]), dates[0] if dates else None)
    if found and not (found["day2"] and weekday and weekday.start() < found.start()):
        day = _calendar_day(found, today)
        if isinstance(day, DateProblem):
            return day
        if weekday and day.weekday() != _weekday_number(weekday):
            right = WEEKDAYS[day.weekday()]
            said = WEEKDAYS[_weekday_number(weekday)]
            fields = {"date": f"{day.month}月{day.day}日", "right": right, "said": said}
            return DateProblem("dates.weekday", fields)
        rest = _without(text, found)
        if weekday:
            rest = _WEEKDAY.sub(" ", rest, count=1).replace("()", " ").replace("( )", " ")
        return day, rest, False
    if found := _DAY.search(text):
        return (
            today + timedelta(_RELATIVE[found[0]]),
            _without(text, found),
            found[0].endswith("晚"),
        )
    if weekday:
        return _next_weekday(weekday, today), _without(text, weekday), False
    return DateProblem("dates.none", {})


def _calendar_day(found: re.Match[str], today: date) -> date | DateProblem:
    month, number = value_of(found["month"]), value_of(found["day"] or found["day2"])
    year = int(found["year"]) if found["year"] else today.year
    try:
        day = date(year, month, number)
        if not found["year"] and (today - day).days > _NEXT_YEAR_DAYS:
            day = date(year + 1, month, number)
    except ValueError:
        return DateProblem("dates.impossible", {"date": f"{month}月{number}日"})
    return day


def _weekday_number(found: re.Match[str]) -> int:
    return WEEKDAYS.index("日" if found["day"] == "天" else found["day"])


def _next_weekday(found: re.Match[str], today: date) -> date:
    """周三 is the next one, today included; 本周 and 下周 count weeks from Monday."""
    number, which = _weekday_number(found), found["which"] or ""
    if not which:
        return today + timedelta((number - today.weekday()) % 7)
    weeks = 2 if which == "下下" else 1 if which.startswith("下") else 0
    return today - timedelta(today.weekday()) + timedelta(weeks=weeks, days=number)


def find_time(text: str, evening: bool) -> tuple[time | None, str] | DateProblem:
    """The first time of day in a half-width text, or None, and the text without it.

    With `evening` (今晚) a bare 8点 is 20:00.
    """
    found = _TIME.search(text)
    if not found:
        return None, text
    hour = value_of(found["hour"] or found["hour2"])
    minute = _minute(found)
    part = found["part"] or ("晚" if evening else "")
    if part in _AFTERNOON and 1 <= hour < 12 and not (part == "中午" and hour == 11):
        hour += 12
    elif hour == 12 and part in ("晚上", "晚", "凌晨"):
        return DateProblem("dates.midnight", {"time": found[0].strip()})
    elif not part and not found["hour"] and 1 <= hour <= 6:
        # 周五3点: nobody meets before seven in the morning.
        hour += 12
    if (hour == 24 and minute == 0) or not (0 <= hour < 24 and 0 <= minute < 60):
        return DateProblem("dates.no_time", {"time": found[0].strip()})
    return time(hour, minute), _without(text, found)


def _minute(found: re.Match[str]) -> int:
    if found["half"]:
        return 30
    if found["quarter"]:
        return 15 * value_of(found["quarter"])
    text = found["minute"] or found["minute2"] or found["minute3"]
    return value_of(text) if text else 0


def _without(text: str, found: re.Match[str]) -> str:
    return f"{text[: found.start()]} {text[found.end() :]}"


def value_of(numeral: str) -> int:
    """12 or 十二, up to 99."""
    if numeral.isdigit():
        return int(numeral)
    tens, ten, ones = numeral.rpartition("十")
    if not ten:
        return sum(_DIGITS[digit] * 10**place for place, digit in enumerate(reversed(numeral)))
    return 10 * (_DIGITS[tens] if tens else 1) + (_DIGITS[ones] if ones else 0)
