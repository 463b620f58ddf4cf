"""接龙: a list of names that was pasted.

WeChat writes "#接龙", a title, perhaps "例 …", an empty line and "1. 张三 读完第3章"; people type
the like themselves, number it as they please and write behind a name what they please.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

LINE_LIMIT = 300
# How far back a list may be for another day than its own.
DAYS_BACK = 7
NAME_LIMIT = 40
NOTE_LIMIT = 200

_FEWEST = 2
_HEADER = re.compile(r"[\s/／]*[#＃【\[]*\s*(?:打卡|签到|学习)?群?接龙[】\]]*[\s:：,，.。!！]*")
# ① ⑴ ⒈ and keycaps are a digit and something.
_ENCLOSED = re.compile(
    r"^([\s>*•]*)((?:[\u2460-\u249b]|\U0001f51f|(?:\d\ufe0f?\u20e3)+))\ufe0f?", re.MULTILINE
)
_NUMBER = re.compile(
    r"""
    [\s>*•\#＃]*
    (?: [(（\[【] \s* \d{1,3} \s* [)）\]】]                     # (1)
      | \d{1,3} \s* [.．:：·—–-] (?! \d{1,4} (?![\d级]) )       # 1. but not 1.5, 12:30, 11-22
      | \d{1,3} \s* [、,，)）\]】。]                            # 1、
      | \d{1,3} \s+ (?! \d{1,4} (?![\d级]) | [年月日号] )       # 1 张三, but not 11 月
      | \d{1,3} (?= [^\W\da-z_] )                               # 1张三, but not 3月, 1周后, 2章
        (?! [年月日号时点分秒天个人次级届期班组节页条篇遍小题本课讲集]
          | 周[一二三四五六日天末内后前] | [周章] (?:\W|$) )
      | \d{1,3} \s* $                                           # nobody's yet
      | [一二三四五六七八九十]{1,3} \s* [、.．,，)）]
    )
    [\s.．、,，:：·]*
    """,
    re.VERBOSE,
)
_INLINE = re.compile(r"\s+(?=\d{1,3}\s*[.．、)）]\s*[^\W\d_])")
_EXAMPLE = re.compile(r"\s*(?:例(?:如|子)?|示例|样例|格式)(?:[\s:：.．]|$)")
_DATE = re.compile(
    r"(?:(?P<year>20\d\d)\s*[年./-]\s*)?(?<![\d.])(?P<month>\d{1,2})\s*"
    r"(?:月\s*(?P<day>\d{1,2})\s*[日号]?|[./-]\s*(?P<day2>\d{1,2})(?![\d点:.]))"
)
_RELATIVE = {"昨天": 1, "昨日": 1, "昨晚": 1, "前天": 2}
_FIRST_WORD = re.compile(r"[^\W_]*[^\W\d_][^\W_]*")


@dataclass(frozen=True, slots=True)
class Line:
    """What stands behind one number: its beginning up to the first word, and the rest."""

    name: str
    note: str

    @property
    def text(self) -> str:
        return f"{self.name} {self.note}".strip()


@dataclass(frozen=True, slots=True)
class PastedList:
    """`marked` says that it begins with 接龙, `title` is what stands above the first number."""

    marked: bool
    title: str
    lines: tuple[Line, ...]
    too_long: bool = False


def parse(text: str) -> PastedList | None:
    """The list in a text; None where it neither begins with 接龙 nor has two numbered lines.

    What stands there twice counts once. More than LINE_LIMIT lines are `too_long`, and not kept.
    """
    plain = _ENCLOSED.sub(_as_number, text)
    header = _HEADER.match(plain)
    rows = plain[header.end() if header else 0 :].splitlines()
    if sum(_NUMBER.match(row) is not None for row in rows) < _FEWEST:
        rows = [part for row in rows for part in _INLINE.split(row)]
    title, entries = _entries(rows)
    if header is None and len(entries) < _FEWEST:
        return None
    lines = tuple(dict.fromkeys(line for entry in entries if (line := _line(entry))))
    too_long = len(lines) > LINE_LIMIT
    return PastedList(header is not None, title, () if too_long else lines, too_long)


def day_in(title: str, sent: date) -> date:
    """The day that the title names, if it is one day within DAYS_BACK before that of sending;
    else the latter.
    """
    wide = unicodedata.normalize("NFKC", title)
    found = {sent - timedelta(days=back) for word, back in _RELATIVE.items() if word in wide}
    for match in _DATE.finditer(wide):
        for year in [int(match["year"])] if match["year"] else [sent.year, sent.year - 1]:
            day = _date(year, int(match["month"]), int(match["day"] or match["day2"]))
            if day and sent - timedelta(days=DAYS_BACK) <= day <= sent:
                found.add(day)
    return found.pop() if len(found) == 1 else sent


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _as_number(found: re.Match[str]) -> str:
    digits = "10" if found[2] == "\U0001f51f" else unicodedata.normalize("NFKC", found[2])
    return f"{found[1]}{re.sub(r'[^0-9]', '', digits)}. "


def _entries(rows: Sequence[str]) -> tuple[str, list[str]]:
    """What stands above the first number, and what behind each; a row without one goes on with
    that above it, unless it is an empty one or the list begins again.
    """
    title: list[str] = []
    entries: list[str] = []
    goes_on = False
    for row in rows:
        if _EXAMPLE.match(row):
            goes_on = False
        elif number := _NUMBER.match(row):
            entries.append(row[number.end() :])
            goes_on = True
        elif not row.strip() or _HEADER.match(row):
            goes_on = False
        elif goes_on:
            entries[-1] += f" {row.strip()}"
        elif not entries:
            title.append(row.strip())
    return " ".join(title), entries


def _line(entry: str) -> Line | None:
    """None for a number with nobody behind it, or with an example."""
    bare = re.sub(r"^[\W_]+", "", entry)
    if not bare or _EXAMPLE.match(bare):
        return None
    word = _FIRST_WORD.search(bare)
    end = word.end() if word else len(bare)
    return Line(bare[:end][:NAME_LIMIT].strip(), bare[end:][:NOTE_LIMIT].strip())
