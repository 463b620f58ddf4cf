"""Meetings: reminders that follow them, and what organisers are told of the way."""

import json
from datetime import timedelta
from typing import get_args

import pytest
from sqlalchemy import select, update

from bot.bootstrap import Application, tick_once
from bot.domain.person import CommunityView
from bot.services import firing, meeting
from bot.services.firing import Chunk
from bot.services.meeting_reminder import KINDS, REMINDER
from bot.storage.models import Delivery, Schedule
from content.schema import Reminder
from tests.branch import ALL_KINDS, OURS, PLANNED, Branch
from tests.conftest import HandClock
from tests.members import ACCOUNT, Member, at_once
from tests.platform import enrol


@pytest.fixture
def public_url() -> str:
    return ""


@pytest.fixture
def branch(application: Application, clock: HandClock) -> Branch:
    return Branch(application, clock)


def test_reminders_are_what_the_pack_says(branch: Branch) -> None:
    branch.plan(PLANNED + "主题党日")
    assert branch.due() == [
        ("meeting_plan", "11-28 19:00"),
        ("meeting_reminder", "12-03 19:00"),
        ("meeting_reminder", "12-04 19:00"),
        ("meeting_reminder", "12-05 18:00"),
    ]
    branch.leader.say("取消 1")
    branch.leader.say("确认")
    branch.plan(PLANNED + "党课")
    assert [slot for _, slot in branch.due()] == ["11-28 19:00", "12-04 19:00", "12-05 18:00"]


def test_what_is_nearer_than_the_lead_is_not_declared(branch: Branch) -> None:
    branch.plan("开会 11月24日 10:00 302 党课")
    assert [slot for _, slot in branch.due()] == ["11-23 19:00", "11-24 09:00"]
    branch.plan("开会 11月23日 09:30 302 支委会")
    assert len(branch.due()) == 2
    assert "到时" not in branch.leader.say("开会 11月23日 09:40 302 支委会")


def test_reminders_move_with_the_meeting_and_end_with_it(branch: Branch) -> None:
    branch.plan(PLANNED + "党课")
    branch.leader.say("改会 1 12月6日 20:00")
    assert "改好了" in branch.leader.say("确认")
    assert [slot for _, slot in branch.due()] == ["11-29 19:00", "12-05 19:00", "12-06 19:00"]
    branch.leader.say("取消 1")
    assert "取消了" in branch.leader.say("确认")
    assert branch.due() == []

    branch.plan(PLANNED + "党课")
    assert "撤销了" in branch.leader.say("撤销")
    assert branch.due() == []
    with branch.application.database.read() as session:
        assert len(session.scalars(select(Schedule.id).where(OURS)).all()) == 9


def test_everybody_is_reminded_once_until_the_meeting_begins(branch: Branch) -> None:
    branch.plan(PLANNED + "党课")
    branch.at("2026-12-04T19:00")
    branch.fire()
    branch.fire()
    assert [person for person, _ in branch.told("meeting_reminder")] == [1, 2, 3]
    assert branch.told("meeting_reminder")[0][1] == (
        "会议提醒 党课\n12月5日（周六）19:00，302\n来不了请回复：请假 1 原因"
    )
    assert "会议提醒 党课：12月5日（周六）19:00，302" in branch.a.say("收件箱") + branch.b.say(
        "你好"
    )
    branch.at("2026-12-05T19:00")
    assert "会议提醒" not in branch.b.say("收件箱")


def test_organisers_prepare_a_meeting_even_if_they_are_not_told_of_meetings(
    branch: Branch,
) -> None:
    branch.plan(PLANNED + "党课")
    branch.leader.say("退订 会议")
    branch.a.say("请假 1 出差")
    branch.b.say("参加 1")
    branch.at("2026-11-28T19:00")
    branch.fire()
    ((person, text),) = branch.told("meeting_plan")
    assert person == 1
    assert "准备会议 党课\n12月5日（周六）19:00，302\n已经回复：参加 1 人，请假 1 人。" in text
    assert "群文案 1" in text
    # What waits for an organiser is something else.
    branch.leader.say("待办")
    assert "准备会议" in branch.leader.say("收件箱")


@pytest.mark.parametrize(
    ("when", "slots"),
    [
        ("12月5日 08:30", ["11-28 19:00", "12-04 21:30"]),
        ("12月5日 23:00", ["11-28 19:00", "12-04 19:00", "12-05 21:30"]),
    ],
)
def test_an_hour_before_is_not_at_night(branch: Branch, when: str, slots: list[str]) -> None:
    """Nor twice on one evening: the later one is enough, and what is read back says so."""
    branch.pushing()
    evening = slots[-1]
    said = branch.leader.say(f"开会 {when} 302 党课")
    assert ("19:00、" in said) is (len(slots) == 3)
    assert "定好了" in branch.leader.say("确认")
    assert [slot for _, slot in branch.due()] == slots
    hour_before = branch.due()[-1]
    assert hour_before == ("meeting_reminder", evening)
    branch.at(f"2026-{evening.replace(' ', 'T')}:05")
    branch.fire()
    assert [slot for slot, *_ in branch.fired()] == slots
    assert branch.due() == []
    with branch.application.database.read() as session:
        latest = session.scalars(
            select(Delivery.visible_at)
            .where(Delivery.about == "meeting:1:1")
            .order_by(Delivery.id.desc())
        ).first()
    assert latest is not None
    assert timedelta(0) < latest - branch.clock.now() < timedelta(minutes=8)


def test_planned_late_in_the_evening_it_comes_at_its_own_hour(branch: Branch) -> None:
    branch.at("2026-12-04T22:30")
    branch.plan("开会 12月5日 08:30 302 党课")
    assert branch.due() == [("meeting_reminder", "12-05 07:30")]
    branch.at("2026-12-05T07:30")
    branch.fire()
    assert branch.fired() == [("12-05 07:30", "done", "", 3)]
    assert branch.due() == []


def test_what_cannot_be_pushed_before_the_meeting_waits_in_the_mailbox(branch: Branch) -> None:
    branch.pushing()
    branch.at("2026-12-04T22:30")
    branch.plan("开会 12月5日 07:30 302 党课")
    branch.at("2026-12-05T06:30")
    branch.fire()
    assert "会议提醒 党课" in branch.a.say("收件箱")


def test_after_the_meeting_a_missed_reminder_is_recorded_and_not_sent(branch: Branch) -> None:
    branch.plan(PLANNED + "党课")
    branch.at("2026-12-05T19:00")
    branch.fire()
    assert [entry[1:] for entry in branch.fired()] == [("skipped", "too late", 0)] * 3
    assert branch.told("meeting_reminder") == branch.told("meeting_plan") == []


def test_before_the_meeting_a_missed_reminder_is_sent_once(branch: Branch) -> None:
    branch.plan(PLANNED + "党课")
    branch.at("2026-12-05T18:59")
    branch.fire()
    branch.fire()
    assert [entry[1:] for entry in branch.fired()] == [
        ("done", "", 1), ("skipped", "a later one was due as well", 0), ("done", "", 3),
    ]  # fmt: skip
    assert branch.due() == []


def test_who_is_excused_is_not_reminded(branch: Branch) -> None:
    branch.plan(PLANNED + "党课")
    branch.a.say("请假 1 出差")
    branch.at("2026-12-04T19:00")
    branch.fire()
    assert [person for person, _ in branch.told("meeting_reminder")] == [1, 3]
    # What waits for somebody who then says so has lost its point.
    assert "会议提醒" not in branch.b.say("请假 1")
    assert "会议提醒" in branch.leader.say("收件箱")


def test_the_excused_are_left_out_of_every_chunk(branch: Branch) -> None:
    branch.plan(PLANNED + "党课")
    openids = [f"oM{number}" for number in range(20)]
    enrol(branch.application, *openids, account=ACCOUNT)
    for openid in openids[:7]:
        Member(branch.application, openid).say("请假 1")
    branch.at("2026-12-04T19:00")
    tick_once(branch.application)
    done: int | None = 0
    while done is not None:
        with branch.application.database.begin() as session:
            done = firing.expand(session, ALL_KINDS, branch.clock.now(), chunk=3)
    people = [person for person, _ in branch.told("meeting_reminder")]
    assert people == [1, 2, 3, *range(11, 24)]


def test_a_reminder_that_was_due_just_before_the_change_is_stopped(branch: Branch) -> None:
    """Its firing is written, and nobody has been told yet."""
    branch.plan(PLANNED + "党课")
    branch.at("2026-12-04T19:00")
    tick_once(branch.application)
    branch.leader.say("改会 1 12月6日 20:00")
    assert "改好了" in branch.leader.say("确认")
    branch.expand()
    assert branch.told("meeting_reminder") == []
    assert branch.fired()[-1][1:] == ("skipped", "changed", 0)


@pytest.mark.parametrize(
    ("words", "reason"), [("改会 1 12月6日 20:00", "changed"), ("取消 1", "cancelled")]
)
def test_a_schedule_of_an_older_version_says_nothing(
    branch: Branch, words: str, reason: str
) -> None:
    """Should one be left: as of a program that did not end it."""
    branch.plan(PLANNED + "党课")
    branch.leader.say(words)
    branch.leader.say("确认")
    with branch.application.database.begin() as session:
        session.execute(update(Schedule).where(Schedule.key.like("%:2:%")).values(state="ended"))
        session.execute(
            update(Schedule)
            .where(Schedule.key == "meeting:1:1:3")
            .values(state="active", next_slot=branch.clock.now())
        )
    branch.fire()
    assert [entry[1:] for entry in branch.fired()] == [("skipped", reason, 0)]


def test_a_change_and_a_reminder_at_once_never_remind_of_the_old_time(branch: Branch) -> None:
    branch.plan(PLANNED + "党课")
    branch.leader.say("改会 1 12月6日 20:00")
    with branch.application.database.begin() as session:
        session.execute(update(Schedule).where(OURS).values(next_slot=branch.clock.now()))
    at_once(branch.fire, lambda: branch.leader.say("确认"))
    branch.expand()
    with branch.application.database.read() as session:
        found = session.scalars(select(Delivery)).all()
        stale = [row for row in found if row.about == "meeting:1:1" and row.state != "cancelled"]
    assert stale == []


def test_counts_are_of_people_however_often_they_were_told(branch: Branch) -> None:
    branch.plan("开会 11月24日 09:00 302 党课")
    branch.clock.forward(timedelta(minutes=30))
    with branch.application.database.begin() as session:
        session.execute(
            update(Schedule)
            .where(Schedule.kind == REMINDER.name, Schedule.state == "active")
            .values(next_slot=branch.clock.now())
        )
    branch.fire()
    assert len(branch.told("meeting_reminder")) == 6
    branch.a.say("收件箱")
    with branch.application.database.begin() as session:
        # Pushed to the third, as a verified account would have.
        session.execute(update(Delivery).where(Delivery.person_id == 3).values(state="sent"))
    branch.b.say("退订 会议")
    said = branch.leader.say("撤销")
    # The organiser has not looked either.
    assert "1 人还没看到" in said
    assert "2 人已看到，会告诉其中 1 人取消了" in said
    assert "会议取消：党课" in branch.a.say("收件箱")
    assert "会议取消" not in branch.b.say("收件箱")


def test_an_announcement_that_was_pushed_counts_as_seen(branch: Branch) -> None:
    branch.leader.say("发通知 交材料")
    branch.leader.say("确认")
    with branch.application.database.begin() as session:
        session.execute(update(Delivery).where(Delivery.person_id == 2).values(state="sent"))
    assert "1 人还没看到，不会再看到；1 人已经看到" in branch.leader.say("撤销")


def test_what_is_said_of_the_way_is_true(branch: Branch) -> None:
    assert "（各自下次发消息时看到）" in branch.leader.say(PLANNED + "党课")
    assert "各自下次发消息时看到" in branch.leader.say("发通知 交材料")
    branch.pushing()
    assert "到时的提醒" not in (said := branch.leader.say(PLANNED + "党课"))
    assert "会推送，推送不到的下次发消息时看到" in said
    assert "到时还会提醒：12月4日" in said
    assert "会议会推送给你" in branch.leader.say("日历")
    assert "推送在每天 19:00 那条里；12:30 起发 学习卡 能看到" in branch.leader.say(
        "安排 学习卡 每天 12:30"
    )
    assert "推送在第二天 19:00 那条里" in branch.leader.say("安排 学习卡 每天 20:30")
    assert "12月5日（周六）19:00 起推送给 3 人" in branch.leader.say(
        "选视频 12月 榜样 https://a.cn/1"
    )
    read_back = branch.leader.say("发通知 交材料")
    assert "11月23日（周一）19:00 起推送，推送不到的下次发消息时看到" in read_back
    assert "19:00 起推送" in branch.leader.say("确认")


def test_a_meeting_stands_in_its_own_community(branch: Branch) -> None:
    with branch.application.database.begin() as session:
        assert meeting.standing(session, 1, 99, 1) == "gone"
    branch.plan(PLANNED + "党课")
    with branch.application.database.begin() as session:
        assert meeting.standing(session, 2, 1, 1) == "gone"


def test_a_content_names_meeting_and_version(branch: Branch) -> None:
    branch.plan(PLANNED + "党课")
    with branch.application.database.read() as session:
        stored = session.scalars(select(Schedule.content).where(OURS)).all()
        assert {tuple(json.loads(text).items()) for text in stored} == {
            (("meeting", 1), ("version", 1))
        }
        home = CommunityView(1, "示例支部", "Asia/Shanghai", "party-branch")
        audience = REMINDER.audience(session, home, {"meeting": 1}, Chunk())
    assert audience == [1, 2, 3]
    assert set(get_args(Reminder.model_fields["kind"].annotation)) == set(KINDS)
