"""What dialogues cannot show of tickets: who can know what, races, and what is left behind."""

from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import func, select, text

from bot.bootstrap import Application, default_community, tick_once
from bot.domain.person import Role
from bot.services import access, community
from bot.storage.models import (
    AnonymousAsker,
    AuditEntry,
    Base,
    Delivery,
    InboxMessage,
    OpenQuestion,
    Ticket,
    TicketAnswer,
)
from tests.conftest import HandClock
from tests.members import ACCOUNT, Member, at_once, held, mentor, organiser, rows
from tests.platform import enrol

QUESTION = "党徽上的锤子代表什么"
OPENID = "oShyMember"


@pytest.fixture
def asker(application: Application) -> Member:
    enrol(application, OPENID, account=ACCOUNT)
    return Member(application, OPENID)


def person_of(application: Application) -> int:
    with application.database.read() as session:
        query = text("SELECT person_id FROM address WHERE value = :value")
        return int(session.execute(query, {"value": OPENID}).scalar_one())


def test_an_anonymous_ticket_leads_nowhere_but_to_its_own_table(
    application: Application, asker: Member
) -> None:
    helper = mentor(application, "oMentor")
    asker.say(QUESTION)
    assert "已匿名" in asker.say("2")
    person = person_of(application)

    assert "匿名提问者" in helper.say("待答")
    assert "答好了" in helper.say("答 1 工人的工具")
    with application.database.read() as session:
        ticket = session.scalars(select(Ticket)).one()
        assert (ticket.anonymous, ticket.asker_id) == (True, None)
        answer = session.scalars(select(Delivery).where(Delivery.topic == "answer")).one()
        assert (answer.person_id, answer.dedupe_key) == (None, "ticket:1:answer:1")
        for entry in session.scalars(select(AuditEntry)):
            assert entry.subject_id is None
        asked = session.scalars(select(OpenQuestion).where(OpenQuestion.sender == OPENID)).all()
        assert not any("1" in row.payload for row in asked)
        # What was said in this conversation names neither the question nor the ticket.
        for row in session.scalars(select(InboxMessage).where(InboxMessage.sender == OPENID)):
            assert QUESTION not in f"{row.text}{row.reply}"
            assert "编号" not in str(row.reply)
        assert session.scalars(select(AnonymousAsker)).one().value == OPENID
    assert held(application, QUESTION) <= {"ticket", "inbox", "delivery"}
    assert "匿名" not in asker.say("我的数据")
    assert person


def test_reading_the_answer_leaves_no_trace_either(application: Application, asker: Member) -> None:
    helper = mentor(application, "oMentor")
    asker.say(f"匿名提问 {QUESTION}")
    asker.say("1")
    helper.say("答 1 工人的工具")
    asker.say("打卡")
    assert "工人的工具" in asker.say("收件箱")
    with application.database.read() as session:
        for row in session.scalars(select(InboxMessage).where(InboxMessage.sender == OPENID)):
            kept = f"{row.text}{row.reply}{row.riders}"
            assert "工人的工具" not in kept
            assert QUESTION not in kept


def test_no_moment_is_shared(application: Application, clock: HandClock) -> None:
    """Somebody who agrees while asking: nothing of theirs bears the time of the question."""
    mentor(application, "oMentor")
    clock.forward(timedelta(minutes=7))
    shy = Member(application, OPENID)
    shy.say(QUESTION)
    shy.say("2")
    assert "已匿名" in shy.say("1")
    with application.database.read() as session:
        asked = session.scalars(select(Ticket.created_at)).one()
        told = session.scalars(select(Delivery.created_at).where(Delivery.topic == "ticket")).one()
        for table in Base.metadata.tables.values():
            if table.name in ("ticket", "delivery"):
                continue
            for column in table.c:
                if column.type.__class__.__name__ == "UtcDateTime":
                    times = set(session.scalars(select(column)))
                    assert not times & {asked, told}, column


def test_the_answer_reaches_the_anonymous_asker_once_and_nobody_else(
    application: Application, asker: Member
) -> None:
    helper = mentor(application, "oMentor")
    enrol(application, "oOther", account=ACCOUNT)
    asker.say(f"匿名提问 {QUESTION}")
    asker.say("1")
    helper.say("答 1 工人的工具")

    assert "工人的工具" not in Member(application, "oOther").say("打卡")
    assert "工人的工具" not in Member(application, OPENID, group="G").say("打卡")
    assert "① 导师的回答" in asker.say("谢谢老师")
    assert "工人的工具" in asker.say("收件箱")
    assert "提醒" not in asker.say("打卡")


def test_an_anonymous_mentor_is_told_like_every_other(application: Application) -> None:
    """Who is not told of a question would be known to have asked it."""
    mentors = [mentor(application, f"oM{number}") for number in range(2)]
    mentors[0].say(f"匿名提问 {QUESTION}")
    mentors[0].say("1")
    for one in mentors:
        assert "有新的提问" in one.say("打卡")


def test_the_way_back_is_forgotten(
    application: Application, asker: Member, clock: HandClock
) -> None:
    helper = mentor(application, "oMentor")
    asker.say(f"匿名提问 {QUESTION}")
    asker.say("1")
    clock.forward(timedelta(days=30))
    tick_once(application)
    assert rows(application, AnonymousAsker) == 1
    helper.say("答 1 工人的工具")
    clock.forward(timedelta(days=6, hours=23))
    tick_once(application)
    assert rows(application, AnonymousAsker) == 1
    clock.forward(timedelta(hours=2))
    tick_once(application)
    assert rows(application, AnonymousAsker) == 0
    assert rows(application, Ticket) == 1


def test_leaving_takes_anonymous_questions_along(
    application: Application, asker: Member, clock: HandClock
) -> None:
    helper = mentor(application, "oMentor")
    asker.say(f"匿名提问 {QUESTION}")
    asker.say("1")
    helper.say("答 1 工人的工具")
    asker.say("提问 南湖在哪里")
    asker.say("1")
    assert "南湖" in helper.say("待答")
    asker.say("删除")
    asker.say("确认")
    # At once: after 7 days nothing would lead to them any more.
    assert rows(application, AnonymousAsker) == 0
    assert "南湖" not in helper.say("待答")
    clock.forward(timedelta(days=14, hours=1))
    tick_once(application)
    for model in (Ticket, AnonymousAsker, TicketAnswer):
        assert rows(application, model) == 0
    clock.forward(timedelta(days=7))
    tick_once(application)
    assert held(application, "锤子", "南湖", "工人的工具", OPENID) == set()


def test_unfollowing_breaks_the_way_back_at_once(application: Application, asker: Member) -> None:
    mentor(application, "oMentor")
    asker.say(f"匿名提问 {QUESTION}")
    asker.say("1")
    asker.event("unsubscribe")
    assert rows(application, AnonymousAsker) == rows(application, Ticket) == 0


def test_nothing_reaches_a_human_before_a_number_is_sent(
    application: Application, asker: Member
) -> None:
    helper = mentor(application, "oMentor")
    asker.say(QUESTION)
    asker.say(f"提问 {QUESTION}")
    asker.say("我挂了一门课还能入党吗")
    asker.say("0")
    assert rows(application, Ticket) == 0
    assert "没有等你回答" in helper.say("待答")


def test_a_look_at_a_named_question_is_written_down(
    application: Application, asker: Member
) -> None:
    helper = mentor(application, "oMentor")
    asker.say(f"提问 {QUESTION}")
    asker.say("1")
    helper.say("待答")
    assert "看过你的提问" in asker.say("导出")


def test_two_mentors_answer_at_once(application: Application, asker: Member) -> None:
    helpers = [mentor(application, f"oM{number}") for number in range(2)]
    asker.say(f"提问 {QUESTION}")
    asker.say("1")
    said = at_once(lambda: helpers[0].say("答 1 甲说"), lambda: helpers[1].say("答 1 乙说"))

    # The second is told of the first, or both have answered: neither answer is lost or doubled.
    given = sum("答好了" in one for one in said)
    assert given + sum("已经有 1 个回答" in one for one in said) == 2
    assert rows(application, TicketAnswer) == given >= 1
    with application.database.read() as session:
        numbers = session.scalars(select(TicketAnswer.number)).all()
        told = session.scalar(
            select(func.count()).select_from(Delivery).where(Delivery.topic == "answer")
        )
    assert sorted(numbers) == list(range(1, given + 1))
    assert told == given


def test_an_alert_holds_a_name_and_no_word(application: Application) -> None:
    helper = mentor(application, "oMentor")
    enrol(application, OPENID, account=ACCOUNT)
    with application.database.begin() as session:
        session.execute(text("UPDATE person SET name = '林小满'"))
    member = Member(application, OPENID)
    said = member.say("活着没意思，想从楼上跳下去")
    assert "只转告你的名字和“请尽快联系”，不转告原话" in said
    told = member.say("1")
    assert "1 位导师" in told
    assert "紧急：林小满请尽快联系" in helper.say("你好")
    assert held(application, "活着", "楼上") == set()
    assert "紧急：林小满请尽快联系" in helper.say("待答")


def test_an_alert_rides_before_everything_else(application: Application, asker: Member) -> None:
    helper = mentor(application, "oMentor")
    for number in range(5):
        asker.say(f"提问 第{number}个 {QUESTION}")
        asker.say("1")
    asker.say("我不想活了")
    asker.say("1")
    assert "① 紧急" in helper.say("你好")


def test_an_alert_is_neither_sent_by_a_nod_nor_beyond_recall(
    application: Application, asker: Member
) -> None:
    helper = mentor(application, "oMentor")
    asker.say("我不想活了")
    asker.say("嗯")
    asker.say("可以")
    assert rows(application, Ticket) == 0
    asker.say("1")
    assert "还没有人看到" in asker.say("撤销")
    assert "紧急" not in helper.say("你好")
    asker.say("我不想活了")
    asker.say("好")
    assert "紧急" in helper.say("你好")
    assert "已经有人看到" in asker.say("撤销")


def test_a_look_in_one_community_hides_nothing_of_another(application: Application) -> None:
    helper = mentor(application, "oMentor")
    with application.database.begin() as session:
        other = community.add(
            session, "别的支部", default_community(application.settings),
            application.clock.now(), packs=("party-branch",),
        )  # fmt: skip
        codes = [
            access.issue_code(session, other.id, role, application.clock.now())
            for role in (Role.MENTOR, Role.MEMBER)
        ]
    helper.say(f"绑定 {codes[0]}")
    member = Member(application, "oElsewhere")
    member.say(f"绑定 {codes[1]}")
    member.say("1")
    member.say("我不想活了")
    assert "1 位导师" in member.say("1")
    assert "没有等你回答" in helper.say("待答")
    assert "紧急" in helper.say("收件箱")


def test_without_a_mentor_only_who_has_a_name_is_passed_on(application: Application) -> None:
    organiser(application, "oLeader")
    enrol(application, OPENID, account=ACCOUNT)
    member = Member(application, OPENID)
    said = member.say("我不想活了")
    assert "12356" in said
    assert "要我现在请" not in said
    with application.database.begin() as session:
        session.execute(text("UPDATE person SET name = '林小满'"))
    assert "要我现在请组织者联系你吗" in member.say("我不想活了")


def test_a_taken_back_answer_waits_as_before(
    application: Application, asker: Member, clock: HandClock
) -> None:
    helpers = [mentor(application, f"oM{number}") for number in range(2)]
    asker.say(f"匿名提问 {QUESTION}")
    asker.say("1")
    helpers[0].say("答 1 说错了")
    assert "提醒" not in helpers[1].say("打卡")
    assert "还没有人看到" in helpers[0].say("撤销")
    assert "有新的提问" in helpers[1].say("打卡")
    clock.forward(timedelta(days=8))
    tick_once(application)
    assert "答好了" in helpers[1].say("答 1 工人的工具")
    assert "工人的工具" in asker.say("收件箱")
    clock.forward(timedelta(days=8))
    tick_once(application)
    helpers[1].say("答 1 再补一句")
    assert "已经送不到了" in helpers[1].say("确认")
    assert rows(application, TicketAnswer) == 1


def test_an_answer_and_a_withdrawal_at_once(application: Application, asker: Member) -> None:
    helper = mentor(application, "oMentor")
    for number in range(1, 6):
        asker.say(f"提问 {QUESTION}")
        asker.say("1")
        said = at_once(lambda: asker.say("撤销"), partial(helper.say, f"答 {number} 工人"))
        withdrawn = "撤回了" in said[0]
        assert withdrawn is ("没有" in said[1])
        assert withdrawn is not ("答好了" in said[1])


def test_reading_and_taking_back_at_once(application: Application, asker: Member) -> None:
    helper = mentor(application, "oMentor")
    for number in range(1, 6):
        asker.say(f"提问 {QUESTION}")
        asker.say("1")
        helper.say(f"答 {number} 工人{number}")
        said = at_once(lambda: asker.say("收件箱"), lambda: helper.say("撤销"))
        assert (f"工人{number}" in said[0]) is ("来不及了" in said[1])


def test_withdrawn_tickets_cannot_be_answered(application: Application, asker: Member) -> None:
    helper = mentor(application, "oMentor")
    asker.say(f"提问 {QUESTION}")
    asker.say("1")
    asker.say("撤销")
    assert "没有 1 号提问" in helper.say("答 1 来不及了")
    assert rows(application, TicketAnswer) == 0
    assert "提醒" not in helper.say("打卡")


def test_another_community_cannot_see_or_answer(application: Application, asker: Member) -> None:
    mentor(application, "oMentor")
    asker.say(f"提问 {QUESTION}")
    asker.say("1")
    with application.database.begin() as session:
        other = community.add(
            session, "别的支部", default_community(application.settings),
            application.clock.now(), packs=("party-branch",),
        )  # fmt: skip
        code = access.issue_code(session, other.id, Role.MENTOR, application.clock.now())
    stranger = Member(application, "oElsewhere")
    stranger.say(f"绑定 {code}")
    stranger.say("1")
    assert "没有等你回答" in stranger.say("待答")
    assert "没有 1 号提问" in stranger.say("答 1 试试")


def test_the_tables_of_tickets_are_all_known() -> None:
    assert {"ticket", "ticket_answer", "anonymous_asker"} <= set(Base.metadata.tables)
