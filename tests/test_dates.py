"""Dates as people write them; now is Monday, 2026-11-23, 09:00."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.dates import DateProblem, When, parse, spoken

NOW = datetime(2026, 11, 23, 9, 0)  # noqa: DTZ001  local on purpose

GOOD = [
    ("12月5日 19:00 302 主题党日", "2026-12-05T19:00", "302 主题党日"),
    ("12月5号晚上7点 主题党日", "2026-12-05T19:00", "主题党日"),
    ("下周三晚7点 302", "2026-12-02T19:00", "302"),
    ("12.5 19点", "2026-12-05T19:00", ""),
    ("12/5 19：30 会议室", "2026-12-05T19:30", "会议室"),
    ("12-5 上午9点半", "2026-12-05T09:30", ""),
    ("2026-12-05 19:00", "2026-12-05T19:00", ""),
    ("2027年1月3日 下午三点一刻", "2027-01-03T15:15", ""),
    ("1月5日 八点", "2027-01-05T08:00", ""),
    ("今晚8点 302", "2026-11-23T20:00", "302"),
    ("明天下午3点 302 支委会", "2026-11-24T15:00", "302 支委会"),
    ("后天 19:05", "2026-11-25T19:05", ""),
    ("大后天中午12点", "2026-11-26T12:00", ""),
    ("周三19:00", "2026-11-25T19:00", ""),
    ("周一 19:00", "2026-11-23T19:00", ""),
    ("本周五 14点", "2026-11-27T14:00", ""),
    ("下下周日 十点二十分", "2026-12-13T10:20", ""),
    ("星期天早上八点", "2026-11-29T08:00", ""),
    ("礼拜六晚上十点", "2026-11-28T22:00", ""),
    ("十二月五日 19点30分 西区 302 党课", "2026-12-05T19:30", "西区 302 党课"),
    ("12月5日（周六）19:00 302", "2026-12-05T19:00", "302"),
    ("302 主题党日 12月5日 19:00", "2026-12-05T19:00", "302 主题党日"),
    ("12月5日19:00在302开主题党日", "2026-12-05T19:00", "在302开主题党日"),
    ("12月5日19点302 主题党日", "2026-12-05T19:00", "302 主题党日"),
    ("下周三晚7点三楼会议室 党课", "2026-12-02T19:00", "三楼会议室 党课"),
    ("周五3点", "2026-11-27T15:00", ""),
    ("12月5日 19:00-21:00 302", "2026-12-05T19:00", "302"),
    ("下周三 19:00 线上 学习《3.5版》", "2026-12-02T19:00", "线上 学习《3.5版》"),
    ("１２月５日　１９：００", "2026-12-05T19:00", ""),
    ("11月24日 中午11点", "2026-11-24T11:00", ""),
]
BAD = [
    ("", "dates.none"),
    ("主题党日", "dates.none"),
    ("302", "dates.none"),
    ("2月30日 19:00", "dates.impossible"),
    ("13月1日", "dates.impossible"),
    ("2027年2月29日", "dates.impossible"),
    ("11月20日 19:00", "dates.past"),
    ("今天8点", "dates.past"),
    ("12月5日 25:00", "dates.no_time"),
    ("12月5日 19:75", "dates.no_time"),
    ("12月5日周三 19:00", "dates.weekday"),
    ("12月5日 晚12点", "dates.midnight"),
]


@pytest.mark.parametrize(("text", "expected", "rest"), GOOD)
def test_dates_that_people_write(text: str, expected: str, rest: str) -> None:
    when = parse(text, NOW)
    assert isinstance(when, When)
    assert when.time is not None
    assert f"{when.day}T{when.time:%H:%M}" == expected
    assert when.rest == rest


@pytest.mark.parametrize(("text", "key"), BAD)
def test_what_is_no_date(text: str, key: str) -> None:
    problem = parse(text, NOW)
    assert isinstance(problem, DateProblem)
    assert problem.key == key


def test_a_day_without_a_time() -> None:
    when = parse("12月5日 主题党日", NOW)
    assert isinstance(when, When)
    assert (when.time, when.rest) == (None, "主题党日")


@given(st.datetimes(datetime(2026, 11, 23, 9, 1), datetime(2027, 4, 30)))  # noqa: DTZ001
def test_what_is_read_back_is_read_again(when: datetime) -> None:
    found = parse(spoken(when.date(), when.time().replace(second=0, microsecond=0)), NOW)
    if when.replace(second=0, microsecond=0) <= NOW:
        return
    assert isinstance(found, When)
    assert (found.day, found.time) == (when.date(), when.time().replace(second=0, microsecond=0))


@given(st.text(max_size=60))
def test_any_text_gives_a_date_or_a_problem(text: str) -> None:
    assert isinstance(parse(text, NOW), When | DateProblem)
