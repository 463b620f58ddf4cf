"""What dialogues cannot show: restarts, races, groups, and what is stored before consent."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, text

from bot.bootstrap import Application, build, default_community
from bot.domain.messages import Channel, MessageType, Notice, Reply
from bot.domain.person import Role
from bot.domain.roster import RosterRow
from bot.services import access, community, conversation, deliveries, mailbox, person, roster
from bot.services.deliveries import Saying
from bot.storage.models import (
    Base,
    BindingRequest,
    CheckIn,
    Consent,
    Delivery,
    OneTimeCode,
    OpenQuestion,
    Person,
    RosterEntry,
)
from tests.conftest import HandClock
from tests.members import ACCOUNT, Member, at_once, organiser, rows
from tests.platform import enrol


def on_the_roster(application: Application, *names: str) -> list[str]:
    """Import these people; their codes."""
    with application.database.begin() as session:
        people = [RosterRow(name, str(number)) for number, name in enumerate(names, start=1)]
        roster.apply(session, 1, people, "test", application.clock.now())
        return [code for _, _, code in roster.new_codes(session, 1)]


def test_before_consent_only_what_answering_needs_is_stored(application: Application) -> None:
    stranger = Member(application, "oStranger")
    for words in (
        "打卡 我的笔记",
        "绑定",
        "绑定 张三 1",
        "什么是三会一课",
        "我的数据",
        "0",
        "帮助",
    ):
        stranger.say(words)
    with application.database.read() as session:
        filled = {
            table.name
            for table in Base.metadata.tables.values()
            if session.scalar(select(func.count()).select_from(table))
        }
    # What is counted is about nobody.
    assert filled <= {"inbox", "open_question", "community", "question_count"}


def test_consent_is_stored_with_version_time_and_channel(application: Application) -> None:
    member = Member(application, "oA")
    member.say("打卡")
    member.say("1")
    with application.database.read() as session:
        row = session.scalars(select(Consent)).one()
        assert (row.channel, row.given_at) == ("official_account", application.clock.now())
        assert row.version


def test_an_agreed_check_in_has_its_own_time(application: Application, clock: HandClock) -> None:
    member = Member(application, "oA")
    clock.time = clock.now().replace(hour=15, minute=58)  # 23:58 in Shanghai
    member.say("打卡 睡前")
    clock.forward(timedelta(minutes=5))
    assert "记到 11月23日 了" in member.say("1")


def test_a_menu_and_a_confirmation_survive_a_restart(application: Application) -> None:
    leader = organiser(application, "oLeader")
    leader.say("开会 12月5日 19:00 302 党课")
    stranger = Member(application, "oStranger")
    stranger.say("打卡 记得我")
    again = replace(build(application.settings, "web"), clock=application.clock)

    assert "定好了" in Member(again, "oLeader").say("确认")
    assert "记得我" in Member(again, "oStranger").say("1")
    again.database.dispose()


def test_a_menu_belongs_to_one_conversation(application: Application) -> None:
    enrol(application, "oA", account=ACCOUNT)
    private, group = Member(application, "oA"), Member(application, "oA", group="G")
    assert "要退订哪一类" in private.say("退订")
    assert "没有可选的编号" in group.say("1")
    assert "不再告诉你：会议" in private.say("1")


def test_0_is_about_the_newer_of_menu_and_confirmation(application: Application) -> None:
    leader = organiser(application, "oLeader")
    leader.say("退订")
    leader.say("开会 12月5日 19:00 302 党课")
    assert "回 0 就不办" in leader.say("1")
    assert "不办了" in leader.say("0")
    assert "没有要确认的事" in leader.say("确认")
    assert "没有可选的编号" in leader.say("0")

    leader.say("开会 12月5日 19:00 302 党课")
    leader.say("退订")
    assert "不办了" not in leader.say("0")
    assert "定好了" in leader.say("确认")


def test_a_code_used_twice_at_once_binds_one(application: Application) -> None:
    with application.database.begin() as session:
        code = access.issue_code(session, 1, Role.ORGANISER, application.clock.now())
    both = [Member(application, "oA"), Member(application, "oB")]
    for member in both:
        member.say(f"绑定 {code}")
    said = at_once(*(lambda member=member: member.say("1") for member in both))

    assert sorted("组织者。" in text for text in said) == [False, True]
    assert sum("口令不对" in text for text in said) == 1
    assert rows(application, Person) == 1
    with application.database.read() as session:
        assert session.scalars(select(OneTimeCode)).one().used_at is not None


def test_two_people_ask_for_one_number_at_once(application: Application) -> None:
    on_the_roster(application, "王芳")
    both = [Member(application, "oA"), Member(application, "oB")]
    for member in both:
        member.say("绑定 王芳 1")
    said = at_once(*(lambda member=member: member.say("1") for member in both))

    assert sum("已请" in text for text in said) == 1
    assert sum("已经有人用了或正在申请" in text for text in said) == 1
    assert rows(application, BindingRequest) == 1


def test_two_organisers_decide_at_once(application: Application) -> None:
    leaders = [organiser(application, "oL1"), organiser(application, "oL2")]
    on_the_roster(application, "王芳")
    Member(application, "oA").say("绑定 王芳 1")
    Member(application, "oA").say("1")
    said = at_once(lambda: leaders[0].say("同意 1"), lambda: leaders[1].say("拒绝 1"))

    assert sum("没有 1 号待办" in text for text in said) == 1
    with application.database.read() as session:
        state = session.scalars(select(BindingRequest.state)).one()
        bound = session.scalars(select(RosterEntry.person_id)).one()
    assert (state == "agreed") is (bound is not None)
    assert rows(application, Delivery) == 3


def test_a_confirmation_sent_twice_at_once_acts_once(application: Application) -> None:
    leader = organiser(application, "oLeader")
    enrol(application, "oA", account=ACCOUNT)
    leader.say("发通知 交材料")
    said = at_once(lambda: leader.say("确认"), lambda: leader.say("确认"))

    assert sum("1 人会看到" in text for text in said) == 1
    assert sum("没有要确认的事" in text for text in said) == 1
    assert rows(application, Delivery) == 1


def test_in_a_group_nothing_rides_and_nothing_private_is_said(application: Application) -> None:
    leader = organiser(application, "oLeader")
    enrol(application, "oA", account=ACCOUNT)
    leader.say("发通知 交材料")
    leader.say("确认")
    group = Member(application, "oA", group="G")

    assert "打卡成功" in group.say("打卡")
    assert "提醒" not in group.say("帮助")
    for word in ("收件箱", "我的", "我的数据", "导出", "删除", "绑定", "退订", "切换"):
        assert group.say(word) == f"\n请私聊我发「{word}」。"
    assert "提醒" in Member(application, "oA").say("你好")


def test_riding_lines_fit_what_the_reply_leaves(application: Application) -> None:
    enrol(application, "oA", account=ACCOUNT)
    with application.database.begin() as session:
        for number in range(5):
            notice = Notice("t", lines=(f"{number}" + "很长" * 40,))
            saying = Saying("t", f"a{number}", notice)
            deliveries.tell(session, [1], 1, saying, application.clock.now())
    for size in range(0, 2048, 64):
        with application.database.begin() as session:
            reply = mailbox.ride(
                session, Member(application, "oA").message("x"), 1, replace_text(size), 2048, mailbox.Words("另有 {count} 条：", "看全文", ""),
                application.clock.now(),
            )  # fmt: skip
            session.execute(Delivery.__table__.update().values(rides=0))  # type: ignore[attr-defined]
        whole = "\n".join([*reply.notice.lines, *reply.riders]) if reply.notice else ""
        assert len(whole.encode()) <= 2048
        assert bool(reply.riders) is (size < 2048 - 200) or size > 1700


def replace_text(size: int) -> Any:
    return Reply(Notice("t", lines=("x" * size,)))


def test_holding_twice_is_one_delivery(application: Application) -> None:
    enrol(application, "oA", account=ACCOUNT)
    with application.database.begin() as session:
        new = [
            deliveries.tell(session, [1], 1, Saying("t", "x", Notice("t")), application.clock.now())
            for _ in range(2)
        ]
    assert new == [1, 0]
    assert rows(application, Delivery) == 1


def test_somebody_in_two_communities_switches(application: Application) -> None:
    enrol(application, "oA", account=ACCOUNT)
    with application.database.begin() as session:
        second = community.add(
            session, "二支部", default_community(application.settings), application.clock.now(),
            packs=("party-branch",),
        )  # fmt: skip
        person.grant(session, 1, second.id, Role.MEMBER, application.clock.now())
    member = Member(application, "oA")

    assert "现在是「示例支部」" in member.say("帮助")
    assert "1 二支部" in member.say("切换")
    assert "现在是「二支部」" in member.say("1")
    member.say("打卡")
    with application.database.read() as session:
        assert session.scalars(select(CheckIn.community_id)).one() == second.id
    assert "「二支部」" in member.say("我的")


def test_a_wrong_action_number_leaves_the_menu_open(application: Application) -> None:
    member = Member(application, "oA")
    member.say("打卡")
    member.say("7")
    assert rows(application, OpenQuestion) == 1
    assert "打卡成功" in member.say("1")


def test_a_confirmation_acts_where_it_was_asked_and_needs_the_role_still(
    application: Application,
) -> None:
    leader = organiser(application, "oLeader")
    enrol(application, "oA", account=ACCOUNT)
    with application.database.begin() as session:
        second = community.add(
            session, "二支部", default_community(application.settings), application.clock.now(),
            packs=("party-branch",),
        )  # fmt: skip
        person.grant(session, 1, second.id, Role.MEMBER, application.clock.now())
    leader.say("发通知 机密")
    leader.say("切换")
    leader.say("1")
    assert "1 人会看到" in leader.say("确认")
    with application.database.read() as session:
        assert session.scalars(select(Delivery.community_id)).one() == 1

    leader.say("切换")
    leader.say("1")
    leader.say("发通知 再一次")
    with application.database.begin() as session:
        person.revoke(session, 1, 1, Role.ORGANISER, application.clock.now())
    assert "不归你办了" in leader.say("确认")
    assert rows(application, Delivery) == 1


def test_one_roster_code_used_by_two_at_once_binds_one(application: Application) -> None:
    (code,) = on_the_roster(application, "王芳")
    both = [Member(application, "oA"), Member(application, "oB")]
    for member in both:
        member.say(f"绑定 {code}")
    said = at_once(*(lambda member=member: member.say("1") for member in both))

    assert sum("绑定好了" in text for text in said) == 1
    with application.database.read() as session:
        assert session.scalar(select(func.count()).where(Person.name == "王芳")) == 1


def test_an_entry_bound_by_code_ends_the_request_for_it(application: Application) -> None:
    leader = organiser(application, "oLeader")
    (code,) = on_the_roster(application, "王芳")
    asking, bound = Member(application, "oA"), Member(application, "oB")
    asking.say("绑定 王芳 1")
    assert "已请" in asking.say("1")
    assert "已经请组织者确认了" in asking.say("绑定 王芳 1")
    bound.say(f"绑定 {code}")
    assert "绑定好了" in bound.say("1")
    assert "没有 1 号待办" in leader.say("同意 1")
    assert "没有登记名字" in asking.say("绑定")


def test_one_person_is_one_entry_of_a_roster(application: Application) -> None:
    codes = on_the_roster(application, "王芳", "李明")
    member = Member(application, "oA")
    member.say(f"绑定 {codes[0]}")
    assert "绑定好了" in member.say("1")
    assert "另一个名字" in member.say(f"绑定 {codes[1]}")
    assert "另一个名字" in member.say("绑定 李明 2")


def test_who_leaves_asks_for_nothing_any_more(application: Application) -> None:
    leader = organiser(application, "oLeader")
    on_the_roster(application, "王芳")
    member = Member(application, "oA")
    member.say("绑定 王芳 1")
    member.say("1")
    member.say("删除")
    member.say("确认")
    assert "没有等你处理的事" in leader.say("待办")
    assert "没有 1 号待办" in leader.say("同意 1")


def test_two_changes_of_a_meeting_at_once(application: Application) -> None:
    """One wins; what is held for the members is what the meeting is."""
    leaders = [organiser(application, "oL1"), organiser(application, "oL2")]
    enrol(application, "oA", account=ACCOUNT)
    leaders[0].say("开会 12月5日 18:00 301 党课")
    leaders[0].say("确认")
    leaders[0].say("改会 1 12月5日 19:00 302")
    leaders[1].say("改会 1 12月5日 20:00 305")
    said = at_once(lambda: leaders[0].say("确认"), lambda: leaders[1].say("确认"))

    assert sum("改好了" in text for text in said) == 1
    assert sum("已经改过" in text for text in said) == 1
    shown = leaders[0].say("会议").split("）")[1][:5]
    assert shown in Member(application, "oA").say("收件箱")


def test_a_check_in_in_a_group_says_nothing_that_was_not_said_there(
    application: Application,
) -> None:
    enrol(application, "oA", account=ACCOUNT)
    Member(application, "oA").say("打卡 只对你说的话")
    group = Member(application, "oA", group="G")
    assert group.say("打卡 读完第3章") == "\n打卡成功。"
    assert "只对你说的话" in Member(application, "oA").say("导出")


def test_unfollowing_and_the_roster_code_bring_the_record_back(application: Application) -> None:
    (code,) = on_the_roster(application, "李明")
    member = Member(application, "oA")
    member.say(f"绑定 {code}")
    member.say("1")
    member.say("打卡 旧的")
    event = replace(
        member.message(""), type=MessageType.EVENT, event="unsubscribe", wants_reply=False
    )
    application.dispatcher.dispatch(event, application.clock.now())
    assert "没有可以撤销的事" in member.say("撤销")
    member.say(f"绑定 {code}")
    assert "绑定好了，李明" in member.say("1")
    assert "旧的" in member.say("导出")


@pytest.mark.parametrize(
    ("asked", "answer", "expected"),
    [
        ("绑定", "同意", "成员了"),
        ("绑定", "不用", "什么都没存"),
        ("打卡", "好的", "打卡成功"),
        ("打卡", "不", "什么都没存"),
        ("打卡", "选1", "打卡成功"),
        ("打卡", "1、", "打卡成功"),
        ("打卡", "第1个", "打卡成功"),
    ],
)
def test_answers_that_are_typed_out(
    application: Application, asked: str, answer: str, expected: str
) -> None:
    member = Member(application, "oA")
    member.say(asked)
    assert expected in member.say(answer)


@pytest.mark.parametrize(
    "words",
    ["绑定 王芳 １", "绑定 1 王芳", "綁定 王芳 1", "绑定 王芳 学号1", "绑定 姓名：王芳 学号：1",
     "绑定 王 芳 1", "绑定：王芳，1", "绑定王芳1"],
)  # fmt: skip
def test_a_name_and_a_number_in_any_form(application: Application, words: str) -> None:
    on_the_roster(application, "王芳")
    member = Member(application, "oA")
    member.say(words)
    assert "已请" in member.say("1") or "已請" in member.say("1")


@pytest.mark.parametrize("word", ["打卡", "绑定"])
def test_the_worker_forgets_old_menus(
    application: Application, clock: HandClock, word: str
) -> None:
    Member(application, "oA").say(word)
    clock.forward(timedelta(minutes=11))
    with application.database.begin() as session:
        assert conversation.clear(session, clock.now()) == 1
    assert rows(application, OpenQuestion) == 0


def test_two_questions_asked_at_once_leave_one_menu(application: Application) -> None:
    member = Member(application, "oA")
    said = at_once(*(lambda number=number: member.say(f"打卡 {number}") for number in range(4)))
    assert all("同意并打卡" in text for text in said)
    assert rows(application, OpenQuestion) == 1


def test_the_mailbox_is_read_by_its_partial_index(application: Application) -> None:
    """Every private reply asks it, so it must not read what is long done."""
    enrol(application, "oA", account=ACCOUNT)
    now = application.clock.now()
    with application.database.begin() as session:
        for number in range(300):
            deliveries.tell(session, [1], 1, Saying("t", f"a{number}", Notice("t")), now)
        session.execute(text("UPDATE delivery SET state = 'cancelled'"))
        explain = "EXPLAIN QUERY PLAN"
        if application.database.dialect == "postgresql":
            session.execute(text("ANALYZE delivery"))
            explain = "EXPLAIN"
        compiled = mailbox._WAITING.compile(application.database.engine)
        values: Any = {
            **compiled.params,
            "person_id": 1,
            "now": now,
            "value": "oA",
            "account": ACCOUNT,
            "channel": Channel.OFFICIAL_ACCOUNT,
            "own": "address:",
        }
        if compiled.positiontup:
            values = tuple(str(values[name]) for name in compiled.positiontup)
        plan = session.core.exec_driver_sql(f"{explain} {compiled}", values)
        assert "ix_delivery_open" in " ".join(str(row) for row in plan)
