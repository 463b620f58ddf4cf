"""Rules of schedules: what people write, when it is due, and nothing twice."""

import calendar
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, pairwise
from time import tzset
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.calendar import day_of
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
    Slot,
    Unit,
    Weekly,
    When,
    YearDay,
    next_slot,
    slots_between,
)
from bot.domain.schedule_text import RuleProblem, parse_rule

SHANGHAI = "Asia/Shanghai"
ZONES = [SHANGHAI, "Europe/Berlin", "America/New_York", "America/Sao_Paulo", "Pacific/Apia"]

CANONICAL = [
    ("每天 08:30", Rule(EveryDay(), time(8, 30))),
    ("每个工作日 09:00", Rule(EveryWorkday(), time(9))),
    ("每周一、三 19:00", Rule(Weekly((0, 2)), time(19))),
    ("每月5日 19:00", Rule(MonthDay(5), time(19))),
    ("每月最后一天 19:00", Rule(MonthDay(LAST), time(19))),
    ("每月第二个周五 19:00", Rule(MonthWeekday(2, 4), time(19))),
    ("每月最后一个周五 19:00", Rule(MonthWeekday(LAST, 4), time(19))),
    ("每月第一个工作日 09:00", Rule(MonthWorkday(1), time(9))),
    ("每月第二十一个工作日 09:00", Rule(MonthWorkday(21), time(9))),
    ("每月最后一个工作日 09:00", Rule(MonthWorkday(LAST), time(9))),
    ("每年7月1日 09:00", Rule(YearDay(7, 1), time(9))),
    ("提前7天 19:00", Rule(FromEvent(-7, Unit.DAYS), time(19))),
    ("提前7天", Rule(FromEvent(-7, Unit.DAYS))),
    ("当天 08:00", Rule(FromEvent(0, Unit.DAYS), time(8))),
    ("提前1小时", Rule(FromEvent(-1, Unit.HOURS))),
    ("提前30分钟", Rule(FromEvent(-30, Unit.MINUTES))),
    ("提前3个工作日 19:00", Rule(FromEvent(-3, Unit.WORKDAYS), time(19))),
    ("之后2个月 09:00", Rule(FromEvent(2, Unit.MONTHS), time(9))),
    ("每天 00:00 遇假日跳过", Rule(EveryDay(), time(0), OnHoliday.SKIP)),
    ("每月5日 19:00 遇假日提前", Rule(MonthDay(5), time(19), OnHoliday.BEFORE)),
    ("每年7月1日 09:00 遇假日顺延", Rule(YearDay(7, 1), time(9), OnHoliday.AFTER)),
]
WRITTEN = [
    ("每个月 5 号 晚7点", "每月5日 19:00"),
    ("每月１５日　１９：００", "每月15日 19:00"),
    ("每月三十一号19点", "每月31日 19:00"),
    ("每月底 19:00", "每月最后一天 19:00"),
    ("每个月月底19点", "每月最后一天 19:00"),
    ("每月的最后一天 晚上7点", "每月最后一天 19:00"),
    ("每月首个工作日 9点", "每月第一个工作日 09:00"),
    ("每月倒数第一个工作日 9:00", "每月最后一个工作日 09:00"),
    ("每月第1个周一 9:00", "每月第一个周一 09:00"),
    ("每月最后一个星期五19:00", "每月最后一个周五 19:00"),
    ("每周一三五 早上八点半", "每周一、三、五 08:30"),
    ("每周一，三，五 19：30", "每周一、三、五 19:30"),
    ("每周一、周三和周五 19:00", "每周一、三、五 19:00"),
    ("每周一到周五 8点", "每周一、二、三、四、五 08:00"),
    ("每星期五至星期一 9:00", "每周一、五、六、日 09:00"),
    ("每周一至周末 9:00", "每周一、二、三、四、五、六、日 09:00"),
    ("每周末 10点", "每周六、日 10:00"),
    ("每礼拜天晚上8点", "每周日 20:00"),
    ("每周1、3 7:30", "每周一、三 07:30"),
    ("每周5 7点", "每周五 07:00"),
    ("每周三五点", "每周三 17:00"),
    ("每周三八点", "每周三 08:00"),
    ("每周一二 十点", "每周一、二 10:00"),
    ("每周一二十点", "每周一 20:00"),
    ("19:00 每周三", "每周三 19:00"),
    ("晚上七点，每周三", "每周三 19:00"),
    ("每晚8点", "每天 20:00"),
    ("每日中午12点", "每天 12:00"),
    ("每年十二月三十一号 下午三点一刻", "每年12月31日 15:15"),
    ("每年2月底 9:00", "每年2月29日 09:00"),
    ("会前一天 晚上7点", "提前1天 19:00"),
    ("三天前 晚上8点", "提前3天 20:00"),
    ("一周前", "提前7天"),
    ("提前半小时", "提前30分钟"),
    ("提前一个半小时", "提前90分钟"),
    ("会议开始前1小时", "提前1小时"),
    ("提前半年 9:00", "提前6个月 09:00"),
    ("提前1年", "提前12个月"),
    ("1个月之后 09:00", "之后1个月 09:00"),
    ("会后两天 9:00", "之后2天 09:00"),
    ("开会当天早上8点", "当天 08:00"),
    ("每月5日 19:00 遇节假日顺延到下一个工作日", "每月5日 19:00 遇假日顺延"),
    ("每月5日(遇法定节假日提前) 19:00", "每月5日 19:00 遇假日提前"),
    ("每周五 19:00，节假日除外", "每周五 19:00 遇假日跳过"),
    ("每周五 19:00 遇假日照常", "每周五 19:00"),
    ("每月第一个工作日 9:00 遇假日顺延", "每月第一个工作日 09:00"),
    ("0 9 * * mon-fri", "每周一、二、三、四、五 09:00"),
    ("0 9 * * FRI-Monday", "每周一、五、六、日 09:00"),
    ("0 9 * * mon,wed", "每周一、三 09:00"),
    ("0 9 * * sun-sat", "每天 09:00"),
    ("0 9 * * ?", "每天 09:00"),
    ("30 19 5 * *", "每月5日 19:30"),
    ("00 09 1 7 *", "每年7月1日 09:00"),
    ("0 9 31 dec *", "每年12月31日 09:00"),
    ("0 9 last * *", "每月最后一天 09:00"),
]
REFUSED = [
    ("", "schedule.none", {}),
    ("主题党日", "schedule.none", {}),
    ("19:00", "schedule.none", {}),
    ("每周 19:00", "schedule.none", {}),
    ("每月 19:00", "schedule.none", {}),
    ("每两周周三 19:00", "schedule.none", {}),
    ("隔周三 19:00", "schedule.none", {}),
    ("每月1号和15号 9点", "schedule.none", {}),
    ("每月十五十日 9点", "schedule.none", {}),
    ("每周三 19:00 20:00", "schedule.none", {}),
    ("每周三 19:00 交心得", "schedule.none", {}),
    ("提前1小时 19:00", "schedule.none", {}),
    ("提前1天2小时", "schedule.none", {}),
    ("每小时", "schedule.none", {}),
    ("每周三", "schedule.no_time", {}),
    ("每天早上", "schedule.no_time", {}),
    ("提前一天晚上", "schedule.no_time", {}),
    ("当天", "schedule.no_time", {}),
    ("每年2月30日 9:00", "schedule.impossible", {"what": "每年2月30日"}),
    ("每年 13 月 1 日 9:00", "schedule.impossible", {"what": "每年13月1日"}),
    ("每月32日 19:00", "schedule.impossible", {"what": "每月32日"}),
    ("每月0日 19:00", "schedule.impossible", {"what": "每月0日"}),
    ("每月第六个周一 9:00", "schedule.impossible", {"what": "每月第六个周一"}),
    ("每月第24个工作日 9:00", "schedule.impossible", {"what": "每月第24个工作日"}),
    ("提前0天 9:00", "schedule.impossible", {"what": "提前0天"}),
    ("提前1000天", "schedule.impossible", {"what": "提前1000天"}),
    ("提前半天", "schedule.impossible", {"what": "提前半天"}),
    ("提前7天 19:00 遇假日提前", "schedule.impossible", {"what": "遇假日提前"}),
    ("每周三 25:00", "dates.no_time", {"time": "25:00"}),
    ("每天晚12点", "dates.midnight", {"time": "晚12点"}),
    ("0 9 * * 1", "schedule.cron_numbers", {}),
    ("0 9 * * 1-5", "schedule.cron_numbers", {}),
    ("0 9 * * mon,3", "schedule.cron_numbers", {}),
    ("*/5 * * * *", "schedule.none", {}),
    ("0 9,18 * * *", "schedule.none", {}),
    ("0 9 1,15 * *", "schedule.none", {}),
    ("0 9 1 * mon", "schedule.none", {}),
    ("0 9 * 7 *", "schedule.none", {}),
    ("0 9 * * xyz", "schedule.none", {}),
    ("0 9 * * fri#2", "schedule.none", {}),
    ("0 9 31 * *", "schedule.none", {}),
    ("0 9 29 2 *", "schedule.none", {}),
    ("0 9 32 * *", "schedule.impossible", {"what": "32 *"}),
    ("0 9 30 2 *", "schedule.impossible", {"what": "30 2"}),
    ("0 25 * * *", "schedule.impossible", {"what": "0 25"}),
]
# Rule, local time after which, and the next slots' local times; 2026's notice of holidays is out.
DUE = [
    ("每天 08:30", "2026-12-31T08:30", ["2027-01-01T08:30", "2027-01-02T08:30"]),
    ("每周四 19:00", "2026-12-31T18:59", ["2026-12-31T19:00", "2027-01-07T19:00"]),
    ("每周一、三 19:00", "2026-11-23T19:00", ["2026-11-25T19:00", "2026-11-30T19:00"]),
    (
        "每月31日 19:00",
        "2026-01-31T19:00",
        ["2026-02-28T19:00", "2026-03-31T19:00", "2026-04-30T19:00"],
    ),
    ("每月最后一天 19:00", "2028-01-31T19:00", ["2028-02-29T19:00", "2028-03-31T19:00"]),
    ("每月5日 19:00", "2026-12-05T19:00", ["2027-01-05T19:00"]),
    ("每年2月29日 09:00", "2026-03-01T00:00", ["2027-02-28T09:00", "2028-02-29T09:00"]),
    ("每年7月1日 09:00", "2026-07-01T09:00", ["2027-07-01T09:00"]),
    ("每月第二个周五 19:00", "2026-11-13T19:00", ["2026-12-11T19:00"]),
    ("每月第五个周五 19:00", "2026-11-01T00:00", ["2027-01-29T19:00", "2027-04-30T19:00"]),
    ("每月最后一个周五 19:00", "2026-02-01T00:00", ["2026-02-27T19:00", "2026-03-27T19:00"]),
    # National Day is off until 7 October, Saturday the 10th is worked.
    ("每月第一个工作日 09:00", "2026-09-30T09:00", ["2026-10-08T09:00", "2026-11-02T09:00"]),
    ("每个工作日 09:00", "2026-09-30T09:00", ["2026-10-08T09:00", "2026-10-09T09:00"]),
    ("每个工作日 09:00", "2026-10-09T09:00", ["2026-10-10T09:00", "2026-10-12T09:00"]),
    # Spring Festival is off from 15 to 23 February, the Saturdays around it are worked.
    ("每个工作日 09:00", "2026-02-13T09:00", ["2026-02-14T09:00", "2026-02-24T09:00"]),
    ("每月最后一个工作日 09:00", "2026-02-01T00:00", ["2026-02-28T09:00", "2026-03-31T09:00"]),
    ("每月第二十三个工作日 09:00", "2026-01-01T00:00", ["2026-07-31T09:00", "2026-12-31T09:00"]),
    ("每天 08:30 遇假日跳过", "2026-09-30T08:30", ["2026-10-08T08:30"]),
    ("每天 08:30 遇假日跳过", "2026-10-09T08:30", ["2026-10-10T08:30", "2026-10-11T08:30"]),
    ("每天 08:30 遇假日顺延", "2026-09-30T08:30", ["2026-10-08T08:30", "2026-10-09T08:30"]),
    ("每天 08:30 遇假日提前", "2026-09-29T08:30", ["2026-09-30T08:30", "2026-10-08T08:30"]),
    ("每周日 19:00 遇假日跳过", "2026-09-20T19:00", ["2026-10-11T19:00", "2026-10-18T19:00"]),
    # Mid-Autumn 2015 was a Sunday that no weekday made good.
    ("每周日 19:00 遇假日跳过", "2015-09-20T19:00", ["2015-10-11T19:00", "2015-10-18T19:00"]),
    ("每周六 19:00 遇假日跳过", "2026-09-19T19:00", ["2026-10-10T19:00", "2026-10-17T19:00"]),
    ("每周一、五 19:00 遇假日顺延", "2026-02-13T19:00", ["2026-02-24T19:00", "2026-02-27T19:00"]),
    ("每周五 19:00 遇假日顺延", "2026-10-07T20:00", ["2026-10-08T19:00", "2026-10-09T19:00"]),
    ("每月5日 19:00 遇假日提前", "2026-09-29T00:00", ["2026-09-30T19:00", "2026-11-05T19:00"]),
    ("每月5日 19:00 遇假日提前", "2026-10-01T00:00", ["2026-11-05T19:00", "2026-12-04T19:00"]),
    ("每月5日 19:00 遇假日顺延", "2026-10-05T20:00", ["2026-10-08T19:00", "2026-11-05T19:00"]),
    ("每月5日 19:00 遇假日跳过", "2026-09-29T00:00", ["2026-11-05T19:00", "2027-01-05T19:00"]),
    ("每月10日 19:00 遇假日跳过", "2026-10-01T00:00", ["2026-10-10T19:00", "2026-11-10T19:00"]),
    ("每年10月1日 09:00 遇假日提前", "2026-01-01T00:00", ["2026-09-30T09:00"]),
]
# Rule, the event's local time, the slot's local time.
FROM_EVENTS = [
    ("提前7天 19:00", "2027-01-05T14:30", "2026-12-29T19:00"),
    ("提前7天", "2027-01-05T14:30", "2026-12-29T14:30"),
    ("当天 08:00", "2026-12-05T14:30", "2026-12-05T08:00"),
    ("提前1小时", "2026-12-05T00:30", "2026-12-04T23:30"),
    ("提前30分钟", "2026-12-05T14:30", "2026-12-05T14:00"),
    ("之后2小时", "2026-12-31T23:00", "2027-01-01T01:00"),
    ("提前1个月", "2026-03-31T14:30", "2026-02-28T14:30"),
    ("之后1个月 09:00", "2028-01-31T14:30", "2028-02-29T09:00"),
    ("提前12个月", "2028-02-29T14:30", "2027-02-28T14:30"),
    ("提前3个工作日 19:00", "2026-10-08T14:30", "2026-09-28T19:00"),
    ("提前1个工作日", "2026-10-05T14:30", "2026-09-30T14:30"),
    ("之后2个工作日 09:00", "2026-02-13T14:30", "2026-02-24T09:00"),
]
# Zone, rule, local time after which, and the slots with their offsets.
CLOCK_CHANGES = [
    (
        "Europe/Berlin",
        "每天 02:30",
        "2026-03-28T02:30",
        ["2026-03-29T03:00+02:00", "2026-03-30T02:30+02:00"],
    ),
    (
        "Europe/Berlin",
        "每年3月29日 02:59",
        "2026-03-28T02:30",
        ["2026-03-29T03:00+02:00", "2027-03-29T02:59+02:00"],
    ),
    (
        "Europe/Berlin",
        "每天 02:30",
        "2026-10-24T02:30",
        ["2026-10-25T02:30+02:00", "2026-10-26T02:30+01:00"],
    ),
    (
        "America/Sao_Paulo",
        "每天 00:00",
        "2018-11-03T00:00",
        ["2018-11-04T01:00-02:00", "2018-11-05T00:00-02:00"],
    ),
    (
        "America/Sao_Paulo",
        "每天 23:30",
        "2018-02-16T23:30",
        ["2018-02-17T23:30-02:00", "2018-02-18T23:30-03:00"],
    ),
    # Samoa had no 30 December 2011, a Friday.
    (
        "Pacific/Apia",
        "每天 09:00",
        "2011-12-29T09:00",
        ["2011-12-31T00:00+14:00", "2012-01-01T09:00+14:00"],
    ),
    (
        "Pacific/Apia",
        "每周五 09:00",
        "2011-12-29T09:00",
        ["2011-12-31T00:00+14:00", "2012-01-06T09:00+14:00"],
    ),
]


@pytest.fixture
def host_zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", request.param)
    tzset()
    yield
    monkeypatch.undo()
    tzset()


def rule_of(text: str) -> Rule:
    rule = parse_rule(text)
    assert isinstance(rule, Rule), rule
    return rule


def at_local(text: str, timezone: str = SHANGHAI) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(timezone)).astimezone(UTC)


def slots_of(rule: Rule, after: datetime, timezone: str, count: int) -> list[Slot]:
    end = datetime.max.replace(tzinfo=UTC)
    return list(slots_between(rule, after, end, timezone, limit=count))


def due(text: str, after: str, timezone: str, count: int) -> list[str]:
    """With offsets."""
    slots = slots_of(rule_of(text), at_local(after, timezone), timezone, count)
    zone = ZoneInfo(timezone)
    return [slot.at.astimezone(zone).isoformat(timespec="minutes") for slot in slots]


@pytest.mark.parametrize(("text", "rule"), CANONICAL)
def test_a_rule_has_one_text(text: str, rule: Rule) -> None:
    assert rule.text == text
    assert parse_rule(text) == rule


@pytest.mark.parametrize(("text", "expected"), WRITTEN)
def test_rules_that_people_write(text: str, expected: str) -> None:
    assert rule_of(text).text == expected


@pytest.mark.parametrize(("text", "key", "fields"), REFUSED)
def test_what_is_no_rule(text: str, key: str, fields: dict[str, str]) -> None:
    assert parse_rule(text) == RuleProblem(key, fields)


@pytest.mark.parametrize(
    ("when", "at", "on_holiday"),
    [
        (EveryDay(), None, OnHoliday.KEEP),
        (EveryDay(), time(9, 0, 1), OnHoliday.KEEP),
        (EveryDay(), time(9, tzinfo=UTC), OnHoliday.KEEP),
        (MonthWorkday(1), time(9), OnHoliday.AFTER),
        (FromEvent(-1, Unit.DAYS), None, OnHoliday.AFTER),
        (FromEvent(-1, Unit.HOURS), time(9), OnHoliday.KEEP),
        (FromEvent(0, Unit.DAYS), None, OnHoliday.KEEP),
    ],
)
def test_a_rule_that_contradicts_itself(when: When, at: time | None, on_holiday: OnHoliday) -> None:
    with pytest.raises(ValueError, match=r"holiday|time"):
        Rule(when, at, on_holiday)


@pytest.mark.parametrize("weekdays", [(), (1, 0), (1, 1), (7,)])
def test_weekdays_are_ascending(weekdays: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="no weekdays"):
        Weekly(weekdays)


@pytest.mark.parametrize("host_zone", ["UTC", "Asia/Shanghai", "America/New_York"], indirect=True)
@pytest.mark.parametrize(("text", "after", "expected"), DUE)
@pytest.mark.usefixtures("host_zone")
def test_when_it_is_due(text: str, after: str, expected: list[str]) -> None:
    assert due(text, after, SHANGHAI, len(expected)) == [f"{at}+08:00" for at in expected]


@pytest.mark.parametrize("host_zone", ["UTC", "America/New_York"], indirect=True)
@pytest.mark.parametrize(("text", "event", "expected"), FROM_EVENTS)
@pytest.mark.usefixtures("host_zone")
def test_when_it_is_due_from_an_event(text: str, event: str, expected: str) -> None:
    rule, anchor, at = rule_of(text), at_local(event), at_local(expected)
    slot = next_slot(rule, at - timedelta(seconds=1), SHANGHAI, anchor)
    assert slot is not None
    assert slot.at == at
    assert next_slot(rule, at, SHANGHAI, anchor) is None
    assert list(slots_between(rule, at - timedelta(days=1), at, SHANGHAI, anchor)) == [slot]


def test_an_event_across_a_clock_change() -> None:
    after, berlin = at_local("2026-03-01T00:00"), "Europe/Berlin"
    event = at_local("2026-03-29T03:30", berlin)
    hour = next_slot(rule_of("提前1小时"), after, berlin, event)
    day = next_slot(rule_of("之后1天"), after, berlin, event - timedelta(days=1))
    assert hour == Slot(at_local("2026-03-29T01:30", berlin), False)
    assert day == Slot(at_local("2026-03-29T03:00", berlin), False)
    repeated = datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo(berlin), fold=1)
    skipped = next_slot(rule_of("提前210天"), after, berlin, repeated)
    assert skipped == Slot(at_local("2026-03-29T03:00", berlin), False)


@pytest.mark.parametrize("anchor", [None, datetime(2026, 12, 5, 14, 30)])  # noqa: DTZ001
def test_a_rule_from_an_event_needs_the_event(anchor: datetime | None) -> None:
    with pytest.raises(ValueError, match="aware"):
        next_slot(rule_of("提前7天"), at_local("2026-11-23T09:00"), SHANGHAI, anchor)


@pytest.mark.parametrize(("timezone", "text", "after", "expected"), CLOCK_CHANGES)
def test_when_the_clocks_change(timezone: str, text: str, after: str, expected: list[str]) -> None:
    assert due(text, after, timezone, len(expected)) == expected


@pytest.mark.parametrize(
    ("text", "after", "provisional"),
    [
        ("每个工作日 09:00", "2026-12-30T09:00", False),
        ("每个工作日 09:00", "2026-12-31T09:00", True),
        ("每月第一个工作日 09:00", "2026-12-31T09:00", True),
        ("每月5日 19:00 遇假日顺延", "2026-12-31T09:00", True),
        ("每月5日 19:00", "2026-12-31T09:00", False),
        ("每年1月1日 09:00 遇假日提前", "2026-12-31T08:00", True),
        # The first notice is that of 2001.
        ("每年1月1日 09:00 遇假日提前", "2000-12-01T08:00", True),
    ],
)
def test_what_hangs_on_a_year_without_published_shifts(
    text: str, after: str, provisional: bool
) -> None:
    slot = next_slot(rule_of(text), at_local(after), SHANGHAI)
    assert slot is not None
    assert slot.provisional is provisional


@pytest.mark.parametrize(
    ("event", "provisional"), [("2026-12-10T14:30", False), ("2027-01-04T14:30", True)]
)
def test_workdays_from_an_event_may_be_provisional(event: str, provisional: bool) -> None:
    slot = next_slot(
        rule_of("提前3个工作日"), at_local("2026-11-23T09:00"), SHANGHAI, at_local(event)
    )
    assert slot is not None
    assert slot.provisional is provisional


@pytest.mark.parametrize("timezone", [SHANGHAI, "America/New_York", "Pacific/Kiritimati"])
@pytest.mark.parametrize(
    "text",
    ["每天 23:59", "每个工作日 00:00", "每月最后一天 23:59 遇假日顺延", "每年12月31日 23:59"],
)
def test_dates_end(text: str, timezone: str) -> None:
    rule, end = rule_of(text), datetime.max.replace(tzinfo=UTC)
    assert next_slot(rule, end, timezone) is None
    assert len(slots_of(rule, end - timedelta(days=10), timezone, 100)) <= 11
    assert next_slot(rule, datetime.min.replace(tzinfo=UTC), timezone) is not None


@pytest.mark.parametrize("text", ["之后999天", "之后999个月", "之后999个工作日", "之后999小时"])
def test_an_event_at_the_end_of_dates(text: str) -> None:
    anchor = datetime(9999, 12, 31, 12, tzinfo=UTC)
    assert next_slot(rule_of(text), at_local("2026-11-23T09:00"), SHANGHAI, anchor) is None


def test_what_is_always_a_holiday_is_never_due() -> None:
    rule = rule_of("每年10月1日 09:00 遇假日跳过")
    assert next_slot(rule, at_local("2026-11-23T09:00"), SHANGHAI) is None


def test_slots_between_two_moments() -> None:
    rule, start = rule_of("每天 09:00"), at_local("2026-11-23T09:00")
    slots = list(slots_between(rule, start, start + timedelta(days=3), SHANGHAI))
    assert [slot.at for slot in slots] == [start + timedelta(days=day) for day in (1, 2, 3)]
    assert list(slots_between(rule, start, start, SHANGHAI)) == []
    far = slots_between(rule, start, start + timedelta(days=100_000), SHANGHAI, limit=2)
    assert list(far) == slots[:2]


TIMES = st.builds(time, st.integers(0, 23), st.integers(0, 59))
WEEKLY = st.sets(st.integers(0, 6), min_size=1).map(lambda days: Weekly(tuple(sorted(days))))
MOVING: st.SearchStrategy[When] = st.one_of(
    st.just(EveryDay()),
    WEEKLY,
    st.builds(MonthDay, st.integers(1, 31) | st.just(LAST)),
    st.builds(MonthWeekday, st.integers(1, 5) | st.just(LAST), st.integers(0, 6)),
    st.dates(date(2000, 1, 1), date(2000, 12, 31)).map(lambda day: YearDay(day.month, day.day)),
)
BY_WORKDAYS: st.SearchStrategy[When] = st.just(EveryWorkday()) | st.builds(
    MonthWorkday, st.integers(1, 23) | st.just(LAST)
)
CALENDAR_RULES = st.builds(Rule, MOVING, TIMES, st.sampled_from(OnHoliday)) | st.builds(
    Rule, BY_WORKDAYS, TIMES
)
DISTANCES = st.integers(1, 999) | st.integers(-999, -1)
EVENT_RULES = st.one_of(
    st.builds(
        Rule,
        st.builds(FromEvent, DISTANCES, st.sampled_from([Unit.DAYS, Unit.MONTHS, Unit.WORKDAYS])),
        st.none() | TIMES,
    ),
    st.builds(Rule, st.builds(FromEvent, DISTANCES, st.sampled_from([Unit.HOURS, Unit.MINUTES]))),
    st.builds(Rule, st.just(FromEvent(0, Unit.DAYS)), TIMES),
)
# The years in which the zones' clocks and the holidays do the oddest things.
MOMENTS = st.one_of(
    st.datetimes(datetime(2025, 12, 1), datetime(2027, 3, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.datetimes(datetime(2018, 1, 1), datetime(2018, 12, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.datetimes(datetime(2011, 11, 1), datetime(2012, 1, 3), timezones=st.just(UTC)),  # noqa: DTZ001
)


@given(CALENDAR_RULES | EVENT_RULES)
def test_a_rule_is_read_back_from_its_text(rule: Rule) -> None:
    assert parse_rule(rule.text) == rule
    assert parse_rule(rule.text.replace(" ", "")) == rule


PIECES = st.sampled_from(
    [*"每年月日号周末一二三十第个最后前提遇假日晚点半:*-, 0159", "工作日", "星期", "19:00", "mon"]
)


@given(st.text(max_size=30) | st.lists(PIECES, max_size=12).map("".join))
def test_any_text_gives_a_rule_or_a_problem(text: str) -> None:
    found = parse_rule(text)
    assert isinstance(found, Rule | RuleProblem)
    if isinstance(found, Rule):
        assert parse_rule(found.text) == found


@settings(deadline=None)
@given(CALENDAR_RULES, MOMENTS, st.sampled_from(ZONES))
def test_slots_ascend_one_a_local_date(rule: Rule, after: datetime, timezone: str) -> None:
    slots = slots_of(rule, after, timezone, 12)
    moments = [after, *(slot.at for slot in slots)]
    assert all(one < other for one, other in pairwise(moments))
    dates = [slot.at.astimezone(ZoneInfo(timezone)).date() for slot in slots]
    assert len(set(dates)) == len(dates)
    for before, slot in zip(moments, slots, strict=False):
        assert next_slot(rule, before, timezone) == slot
        assert next_slot(rule, slot.at - timedelta(microseconds=1), timezone) == slot


@settings(deadline=None)
@given(CALENDAR_RULES, MOMENTS, st.sampled_from(ZONES))
def test_the_next_slot_is_the_first_of_all_days(rule: Rule, after: datetime, timezone: str) -> None:
    days = [after.date() + timedelta(days=day) for day in range(-40, 400)]
    expected = next((at for at in naive(rule, days, ZoneInfo(timezone)) if at > after), None)
    slot = next_slot(rule, after, timezone)
    if expected is not None:
        assert slot is not None
        assert slot.at == expected
    else:
        assert slot is None or slot.at.date() >= days[-1] - timedelta(days=30)


@settings(deadline=None)
@given(EVENT_RULES, MOMENTS, st.sampled_from(ZONES))
def test_an_event_has_one_slot(rule: Rule, anchor: datetime, timezone: str) -> None:
    start, end = anchor - timedelta(days=40_000), anchor + timedelta(days=40_000)
    (slot,) = slots_between(rule, start, end, timezone, anchor)
    assert isinstance(rule.when, FromEvent)
    if abs(rule.when.count) > 1:
        assert (slot.at > anchor) == (rule.when.count > 0)
    assert next_slot(rule, slot.at - timedelta(microseconds=1), timezone, anchor) == slot
    assert next_slot(rule, slot.at, timezone, anchor) is None


def naive(rule: Rule, days: list[date], zone: ZoneInfo) -> Iterator[datetime]:
    """The slots by trying every day."""
    shown: set[date] = set()
    for day in days:
        moved = naively_moved(rule, day) if naively_meant(rule.when, day) else None
        if moved is None:
            continue
        assert rule.at is not None
        moment = naive_moment(datetime.combine(moved, rule.at), zone)
        local = moment.astimezone(zone).date()
        if local not in shown:
            yield moment
        shown.add(local)


def naively_meant(when: When, day: date) -> bool:
    length = calendar.monthrange(day.year, day.month)[1]
    match when:
        case EveryDay():
            return True
        case EveryWorkday():
            return day_of(day).workday
        case Weekly(weekdays):
            return day.weekday() in weekdays
        case MonthDay(number):
            return day.day == (length if number == LAST else min(number, length))
        case MonthWeekday(nth, weekday):
            week = LAST if nth == LAST and day.day + 7 > length else (day.day + 6) // 7
            return (week, day.weekday()) == (nth, weekday)
        case MonthWorkday(nth):
            numbers = range(day.day, length + 1) if nth == LAST else range(1, day.day + 1)
            counted = sum(day_of(day.replace(day=number)).workday for number in numbers)
            return day_of(day).workday and counted == abs(nth)
        case YearDay(month, number):
            return (day.month, day.day) == (month, min(number, length))
        case FromEvent():
            return False


def naively_moved(rule: Rule, day: date) -> date | None:
    off = list(islice(days_off(day, -1), 1, None))[::-1] + list(days_off(day, 1))
    chosen = not isinstance(rule.when, MonthDay | YearDay)
    weekend = chosen and not any(each.weekday() < 5 or day_of(each).holiday for each in off)
    if not off or weekend or not rule.on_holiday:
        return day
    return {
        OnHoliday.SKIP: None,
        OnHoliday.BEFORE: off[0] - timedelta(days=1),
        OnHoliday.AFTER: off[-1] + timedelta(days=1),
    }[rule.on_holiday]


def days_off(day: date, step: int) -> Iterator[date]:
    while not day_of(day).workday:
        yield day
        day += timedelta(days=step)


def naive_moment(shown: datetime, zone: ZoneInfo) -> datetime:
    """Minute by minute from what is right by the highest offset of those days."""
    offsets = [(shown + timedelta(days=day)).replace(tzinfo=zone).utcoffset() for day in (-2, 2)]
    moment = shown.replace(tzinfo=UTC) - max(offset for offset in offsets if offset is not None)
    while moment.astimezone(zone).replace(tzinfo=None) < shown:
        moment += timedelta(minutes=1)
    return moment
