"""参加 and 请假: who comes, who may know it, and until when it can be changed."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from bot.bootstrap import Application, default_community
from bot.domain.person import Role
from bot.services import community, person
from bot.storage.models import AuditEntry, MeetingReply, Person
from tests.branch import PLANNED, Branch
from tests.conftest import HandClock
from tests.members import Member, at_once, rows


@pytest.fixture
def branch(application: Application, clock: HandClock) -> Branch:
    return Branch(application, clock)


def test_in_a_group_only_that_it_was_heard(branch: Branch) -> None:
    branch.plan(PLANNED + "党课")
    group = Member(branch.application, "oA", group="G")
    leader = Member(branch.application, "oLeader", group="G")
    assert group.say("请假 1 我生病了") == "\n记下了。"
    for word in ("会议", "会议 1"):
        for said in (group.say(word), leader.say(word)):
            assert "党课" in said
            for private in ("生病", "请假", "应到", "你："):
                assert private not in said
    assert group.say("撤销") == "\n撤回了。"
    assert rows(branch.application, MeetingReply) == 0


def test_a_cry_for_help_is_no_reason(branch: Branch) -> None:
    branch.plan(PLANNED + "党课")
    branch.plan("开会 12月8日 19:00 302 支委会")
    said = branch.a.say("请假 2 我不想活了")
    assert "12356" in said
    assert "你请假：支委会" in said
    with branch.application.database.read() as session:
        assert session.scalars(select(MeetingReply.reason)).all() == [""]
    # Which meeting would have been asked; that is not on the screen, so no number answers it.
    branch.b.say("请假 我不想活了")
    branch.b.say("2")
    assert rows(branch.application, MeetingReply) == 1


def test_a_reason_has_an_end(branch: Branch) -> None:
    branch.plan(PLANNED + "党课")
    assert "100 字以内" in branch.a.say("请假 1 " + "忙" * 101)
    assert rows(branch.application, MeetingReply) == 0
    assert "你请假" in branch.a.say("请假 1 " + "忙" * 100)


def test_answers_end_when_the_meeting_begins(branch: Branch) -> None:
    branch.plan(PLANNED + "党课")
    branch.at("2026-12-05T18:55")
    branch.a.say("请假 1 堵车")
    branch.at("2026-12-05T19:00")
    assert "没有 1 号会议" in branch.b.say("参加 1")
    assert "撤不回" in branch.a.say("撤销")
    # Whoever calls the roll still sees who does not come.
    assert "请假：一位没登记名字的成员，堵车" in branch.leader.say("会议 1")
    branch.at("2026-12-06T19:00")
    assert "没有 1 号会议" in branch.leader.say("会议 1")


def test_every_look_at_an_excuse_is_written_down(branch: Branch) -> None:
    branch.plan(PLANNED + "党课")
    branch.a.say("请假 1 看病")
    branch.leader.say("请假 1 出差")
    branch.leader.say("会议")
    branch.b.say("会议 1")
    assert looks(branch) == []
    branch.leader.say("会议 1")
    assert looks(branch) == [(1, 2)]


def looks(branch: Branch) -> Sequence[tuple[int | None, int | None]]:
    with branch.application.database.read() as session:
        found = session.scalars(
            select(AuditEntry).where(AuditEntry.action == "meeting_reply seen")
        ).all()
        return [(row.actor_id, row.subject_id) for row in found]


def test_who_is_being_deleted_does_not_count(branch: Branch) -> None:
    branch.plan(PLANNED + "党课")
    branch.a.say("请假 1 看病")
    with branch.application.database.begin() as session:
        session.execute(update(Person).where(Person.id == 2).values(hidden_at=branch.clock.now()))
    said = branch.leader.say("会议 1")
    assert "应到 2 人：参加 0，请假 0，没答 2" in said
    assert "看病" not in said


def test_two_answers_at_once_are_one(branch: Branch) -> None:
    branch.plan(PLANNED + "党课")
    said = at_once(lambda: branch.a.say("参加 1"), lambda: branch.a.say("请假 1 出差"))
    assert all("记下了" in text for text in said)
    assert rows(branch.application, MeetingReply) == 1


def test_an_undo_of_an_older_answer_leaves_the_newer(branch: Branch) -> None:
    branch.plan(PLANNED + "党课")
    group = Member(branch.application, "oA", group="G")
    group.say("请假 1 出差")
    branch.clock.forward(timedelta(minutes=1))
    branch.a.say("参加 1")
    assert "撤不回" in group.say("撤销")
    assert "（你：参加）" in branch.a.say("会议")


def test_a_reminder_of_another_community_is_answered_without_switching(branch: Branch) -> None:
    with branch.application.database.begin() as session:
        second = community.add(
            session, "二支部", default_community(branch.application.settings), branch.clock.now(),
            packs=("party-branch",),
        )  # fmt: skip
        person.grant(session, 1, second.id, Role.ORGANISER, branch.clock.now())
        person.grant(session, 2, second.id, Role.MEMBER, branch.clock.now())
    branch.leader.say("切换")
    branch.leader.say("1")
    branch.plan(PLANNED + "党课")
    assert "现在是「示例支部」" in branch.a.say("帮助")
    assert "你请假：党课" in branch.a.say("请假 1 出差")
    assert "没有 1 号会议" in branch.b.say("请假 1 出差")
    assert "没有 1 号会议" in Member(branch.application, "oA", group="G").say("参加 1")
