"""A member's calendar: read as a phone reads it, and by nobody without its address."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from icalendar import Calendar
from sqlalchemy import select
from werkzeug.test import Client, TestResponse

from bot import logs
from bot.bootstrap import Application, build, default_community, prepare_database, tick_once
from bot.config import Settings
from bot.domain.person import Role
from bot.services import calendar_feed, community, person
from bot.storage.models import CalendarFeed
from bot.web.app import create_app
from tests.conftest import HandClock
from tests.members import ACCOUNT, Member, at_once, organiser, rows
from tests.platform import enrol

PUBLIC = "https://xueban.example.edu.cn"


@pytest.fixture
def public_url() -> str:
    return ""


@pytest.fixture
def public(settings: Settings, clock: HandClock) -> Iterator[Application]:
    """The application with an address that phones can reach."""
    server = settings.server.model_copy(update={"public_url": PUBLIC})
    built = replace(build(settings.model_copy(update={"server": server}), "web"), clock=clock)
    prepare_database(built)
    enrol(built, "oA", account=ACCOUNT)
    yield built
    built.database.dispose()


@pytest.fixture
def leader(public: Application) -> Member:
    return organiser(public, "oLeader")


@pytest.fixture
def phone(public: Application) -> Client:
    return create_app(public).test_client()


def path_of(said: str) -> str:
    found = re.search(rf"{PUBLIC}(/calendar/[\w-]{{43}}\.ics)", said)
    assert found
    return found[1]


def do(member: Member, *words: str) -> None:
    for text in words:
        member.say(text)


def events(response: TestResponse) -> list[Any]:
    assert response.status_code == 200
    return list(Calendar.from_ical(response.data).walk("VEVENT"))


def test_a_phone_reads_the_meetings(public: Application, leader: Member, phone: Client) -> None:
    do(leader, "开会 12月5日 19:00 三楼，302；东侧 主题党日", "确认")
    said = Member(public, "oA").say("日历")
    assert "苹果" in said
    assert "安卓" in said
    response = phone.get(path_of(said))
    assert response.content_type == "text/calendar; charset=utf-8"
    assert response.cache_control.private
    assert response.headers["ETag"]
    (event,) = events(response)
    start = event.decoded("dtstart")
    assert (start.isoformat(), start.tzinfo) == (
        "2026-12-05T19:00:00+08:00",
        ZoneInfo("Asia/Shanghai"),
    )
    assert event.decoded("dtend") - start == timedelta(hours=1)
    assert str(event["summary"]) == "主题党日"
    assert str(event["location"]) == "三楼,302;东侧"
    assert str(event["description"]) == "示例支部"
    assert (event["sequence"], str(event["status"])) == (1, "CONFIRMED")
    (alarm,) = event.walk("VALARM")
    assert alarm.decoded("trigger") == -timedelta(hours=1)
    assert event.decoded("last-modified") == event.decoded("dtstamp") == public.clock.now()


def test_the_file_is_as_the_standard_wants_it(
    public: Application, leader: Member, phone: Client
) -> None:
    title = "学习贯彻" * 30
    do(leader, f"开会 12月5日 19:00 302 {title}", "确认")
    body = phone.get(path_of(Member(public, "oA").say("日历"))).data
    lines = body.split(b"\r\n")
    assert lines.pop() == b""
    assert all(len(line) <= 75 and b"\n" not in line for line in lines)
    whole = body.replace(b"\r\n ", b"").decode()
    assert f"SUMMARY:{title}" in whole
    assert "DTSTART;TZID=Asia/Shanghai:20261205T190000" in whole
    assert "BEGIN:VTIMEZONE" in whole
    assert "REFRESH-INTERVAL;VALUE=DURATION:PT4H" in whole


def test_nobody_is_named_in_it(public: Application, leader: Member, phone: Client) -> None:
    do(leader, "开会 12月5日 19:00 302 党课", "确认", "请假 1 看病")
    member = Member(public, "oA")
    do(member, "请假 1 出差")
    text = phone.get(path_of(member.say("日历"))).get_data(as_text=True)
    for word in ("oA", "oLeader", "看病", "出差", "ORGANIZER", "ATTENDEE"):
        assert word not in text


def test_a_change_and_a_cancellation_arrive_under_the_same_number(
    public: Application, leader: Member, phone: Client, clock: HandClock
) -> None:
    do(leader, "开会 12月5日 19:00 302 党课", "确认")
    path = path_of(Member(public, "oA").say("日历"))
    (first,) = events(phone.get(path))
    clock.forward(timedelta(hours=1))
    do(leader, "改会 1 12月6日 20:00 西区", "确认")
    (second,) = events(phone.get(path))
    assert second["uid"] == first["uid"]
    assert (second["sequence"], str(second["location"])) == (2, "西区")
    assert second.decoded("dtstart").isoformat() == "2026-12-06T20:00:00+08:00"
    assert second.decoded("last-modified") == clock.now()
    do(leader, "取消 1", "确认")
    (third,) = events(phone.get(path))
    assert (third["uid"], str(third["status"]), third["sequence"]) == (first["uid"], "CANCELLED", 3)
    assert third.walk("VALARM") == []


def test_what_has_not_changed_is_not_sent_again(
    public: Application, leader: Member, phone: Client, clock: HandClock
) -> None:
    do(leader, "开会 12月5日 19:00 302 党课", "确认")
    path = path_of(Member(public, "oA").say("日历"))
    etag = phone.get(path).headers["ETag"]
    clock.forward(timedelta(days=3))
    again = phone.get(path, headers={"If-None-Match": etag})
    assert (again.status_code, again.data) == (304, b"")
    do(leader, "取消 1", "确认")
    assert phone.get(path, headers={"If-None-Match": etag}).status_code == 200


def test_old_meetings_go_and_those_of_other_communities_are_not_there(
    public: Application, leader: Member, phone: Client, clock: HandClock
) -> None:
    with public.database.begin() as session:
        second = community.add(
            session, "二支部", default_community(public.settings), clock.now(),
            packs=("party-branch",),
        )  # fmt: skip
        person.grant(session, 2, second.id, Role.ORGANISER, clock.now())
        second_id = second.id
    do(
        leader,
        "开会 12月5日 19:00 302 一课",
        "确认",
        "切换",
        "1",
        "开会 12月6日 19:00 303 二课",
        "确认",
    )
    path = path_of(Member(public, "oA").say("日历"))
    assert [str(event["summary"]) for event in events(phone.get(path))] == ["一课"]
    with public.database.begin() as session:
        person.grant(session, 1, second_id, Role.MEMBER, clock.now())
    both = events(phone.get(path))
    assert [(str(one["summary"]), str(one["description"])) for one in both] == [
        ("一课", "示例支部"), ("二课", "二支部"),
    ]  # fmt: skip
    assert len({one["uid"] for one in both}) == 2
    clock.forward(timedelta(days=42, hours=11))
    assert [str(event["summary"]) for event in events(phone.get(path))] == ["二课"]
    with public.database.begin() as session:
        person.revoke(session, 1, second_id, Role.MEMBER, clock.now())
    assert events(phone.get(path)) == []


def test_a_new_address_closes_the_old_one_at_once(public: Application, phone: Client) -> None:
    member = Member(public, "oA")
    old = path_of(member.say("日历"))
    assert path_of(member.say("日历")) == old
    assert "旧地址马上打不开" in member.say("日历 换地址")
    assert phone.get(old).status_code == 200
    new = path_of(member.say("确认"))
    assert new != old
    assert phone.get(old).status_code == 404
    assert phone.get(new).status_code == 200
    assert path_of(member.say("日历")) == new
    assert rows(public, CalendarFeed) == 1


def test_two_who_ask_at_once_get_one_address(public: Application) -> None:
    member = Member(public, "oA")
    said = at_once(lambda: member.say("日历"), lambda: member.say("日历"))
    assert path_of(said[0]) == path_of(said[1])


def test_it_is_gone_with_its_owner(public: Application, phone: Client, clock: HandClock) -> None:
    member = Member(public, "oA")
    path = path_of(member.say("日历"))
    assert "日历订阅 1 条" in member.say("我的数据")
    do(member, "删除", "确认")
    assert phone.get(path).status_code == 404
    assert rows(public, CalendarFeed) == 1
    clock.forward(timedelta(days=14, minutes=1))
    tick_once(public)
    assert rows(public, CalendarFeed) == 0
    assert phone.get(path).status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/calendar/.ics",
        "/calendar/x.ics",
        "/calendar/%00.ics",
        "/calendar/%F0%9F%8E%89.ics",
        "/calendar/" + "a" * 5000 + ".ics",
        "/calendar/../healthz.ics",
        "/calendar/",
    ],
)
def test_what_is_no_token_is_not_found(phone: Client, path: str) -> None:
    assert phone.get(path).status_code == 404


def test_the_token_is_in_no_log(
    public: Application, phone: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    path = path_of(Member(public, "oA").say("日历"))
    with public.database.read() as session:
        token = session.scalars(select(CalendarFeed.token)).one()
    assert token in path
    phone.get(path)
    phone.get(path.replace(".ics", ".png"))
    assert token not in "".join(capsys.readouterr())
    assert token not in logs.Masking(()).mask(f'GET "{PUBLIC}{path}" 200')


@pytest.mark.parametrize(
    ("url", "open_to_phones"),
    [
        (PUBLIC, True),
        ("http://localhost:8000", True),
        ("http://127.0.0.1:8000", True),
        ("http://xueban.example.edu.cn", False),
        ("http://localhost.example.cn", False),
        ("", False),
    ],
)
def test_only_a_safe_address_is_given(url: str, open_to_phones: bool) -> None:
    assert calendar_feed.reachable(url) is open_to_phones


def test_without_a_public_address_that_is_said(application: Application) -> None:
    enrol(application, "oA", account=ACCOUNT)
    member = Member(application, "oA")
    assert "还没有能从外面安全访问的地址" in member.say("日历")
    assert rows(application, CalendarFeed) == 0
    assert "请私聊我" in Member(application, "oA", group="G").say("日历")
