"""What dialogues cannot show of tickets: who can know what, races, and what is left behind."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select, text

from bot.bootstrap import Application, default_community
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
from scheduler.tick import tick
from tests.conftest import HandClock
from tests.members import ACCOUNT, Member, at_once, held, mentor, rows
from tests.platform import enrol

QUESTION = "党徽上的锤子代表什么"
OPENID = "oShyMember"


@pytest.fixture
def asker(application: Application) -> Member:
    enrol(application, OPENID, account=ACCOUNT)
    return Member(application, OPENID)


def run_tick(application: Application) -> None:
    tick(
        application.database, application.clock.now(), lambda _: None, text_hours=24, row_days=7,
        data_dir=application.settings.storage.data_dir,
    )  # fmt: skip


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
    assert "① 导师的回答：工人的工具" in asker.say("谢谢老师")
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
    run_tick(application)
    assert rows(application, AnonymousAsker) == 1
    helper.say("答 1 工人的工具")
    clock.forward(timedelta(days=6, hours=23))
    run_tick(application)
    assert rows(application, AnonymousAsker) == 1
    clock.forward(timedelta(hours=2))
    run_tick(application)
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
    run_tick(application)
    for model in (Ticket, AnonymousAsker, TicketAnswer):
        assert rows(application, model) == 0
    clock.forward(timedelta(days=7))
    run_tick(application)
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
