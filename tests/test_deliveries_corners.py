"""Where a delivery engine goes wrong: two communities, broken rows, overtaking, busy databases."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text, update

from bot.bootstrap import build_worker, tick_once
from bot.clock import elapsed, pause
from bot.domain.delivery import MOST_TRIES, Outcome, Push, Remedy
from bot.domain.messages import Channel, Notice, Option
from bot.services import (
    community,
    conversation,
    deliveries,
    delivery_list,
    opt_out,
    outbox,
    outcomes,
)
from bot.services.community import CommunitySettings
from bot.services.deliveries import Saying
from bot.services.outbox import Rules
from bot.storage.models import Address, AnonymousAsker, Delivery, Membership, Person, Ticket
from scheduler.worker import Tools, Worker
from tests.conftest import HandClock
from tests.life import OPENID, Life
from tests.members import ACCOUNT, Member, at_once, mentor
from tests.platform import enrol
from tests.sending import CUSTOM

RULES = Rules("给你的 {count} 条提醒：")


def states(life: Life) -> dict[str, tuple[str, str]]:
    with life.application.database.read() as session:
        rows = session.execute(select(Delivery.about, Delivery.state, Delivery.reason))
        return {row.about: (row.state, row.reason) for row in rows}


def change(life: Life, about: str, **values: Any) -> None:
    with life.application.database.begin() as session:
        session.execute(update(Delivery).where(Delivery.about == about).values(values))


def test_no_time_of_an_anonymous_ticket_is_finer_than_an_hour(life: Life) -> None:
    mentor(life.application, "oTESTmentor0000000000000001")
    life.clock.forward(timedelta(minutes=13, seconds=37))
    asker = Member(life.application, OPENID)
    asker.say("匿名提问 预备期能延长几次")
    assert "已匿名转给导师" in asker.say("1")
    with life.application.database.read() as session:
        for model in (Ticket, Delivery, AnonymousAsker):
            for row in session.execute(select(model.__table__)):
                for value in row:
                    if hasattr(value, "minute"):
                        assert (value.second, value.microsecond) == (0, 0)


def test_what_does_not_fit_goes_by_its_urgency(life: Life) -> None:
    life.says(OPENID, "帮助")
    long = "很长" * 300
    for number in range(3):
        life.tell("alert", f"急{number}{long}")
    life.run()
    life.after(seconds=3)
    life.after(seconds=3)
    assert len(life.pushed) == 3
    life.tell("announcement", f"通知{long}", due_at=life.clock.now() - timedelta(days=1))
    life.tell("answer", f"回答{long}")
    life.run()
    assert life.pushed[3].startswith("回答")


def test_an_alert_is_a_message_of_its_own(life: Life) -> None:
    life.says(OPENID, "帮助")
    life.tell("announcement", "通知", due_at=life.clock.now() - timedelta(days=1))
    life.tell("alert", "紧急")
    life.run()
    life.after(seconds=2)
    assert sorted(life.pushed) == ["紧急", "通知"]


def test_two_communities_share_one_budget_and_one_digest(life: Life) -> None:
    """Somebody in two communities is still one person."""
    with life.application.database.begin() as session:
        settings = CommunitySettings("Asia/Shanghai", "22:00-08:00", 3, "party-branch")
        names = life.application.library.names
        second = community.add(session, "二支部", settings, life.clock.now(), packs=names)
        session.add(
            Membership(person_id=1, community_id=second.id, role="member", since=life.clock.now())
        )
    life.says(OPENID, "帮助")
    for home in (1, second.id):
        saying = Saying("announcement", f"a{home}", Notice("a", lines=(f"通知{home}",)))
        with life.application.database.begin() as session:
            deliveries.tell(session, [1], home, saying, life.clock.now())
    life.until(19, 8)
    assert len(life.pushed) == 1
    assert "通知1" in life.pushed[0]
    assert f"通知{second.id}" in life.pushed[0]


@pytest.mark.parametrize(
    "broken", [{"notice": "{"}, {"urgency": "later"}, {"ask": "{"}, {"topic": "unheard of"}]
)
def test_a_broken_row_holds_up_nothing(life: Life, broken: dict[str, str]) -> None:
    life.says(OPENID, "帮助")
    enrol(life.application, OPENID.replace("1", "2"), account=ACCOUNT)
    life.says(OPENID.replace("1", "2"), "帮助")
    life.tell("answer", "一")
    life.tell("answer", "二", 2)
    change(life, "answer:一", **broken)
    life.run()
    life.after(minutes=2)
    assert life.pushed.count("二") == 1
    assert life.pushed.count("一") <= 1
    assert states(life)["answer:一"][0] in ("sent", "failed")


def test_a_broken_row_spoils_no_reply(life: Life) -> None:
    life.tell("answer", "一")
    life.tell("answer", "二")
    life.run()
    change(life, "answer:一", notice='{"version": 9}')
    life.until(23)
    assert "二" in life.says(OPENID, "帮助")
    assert "出错" not in life.says(OPENID, "收件箱")


def test_a_broken_firing_is_put_aside(life: Life) -> None:
    life.says(OPENID, "帮助")
    with life.application.database.begin() as session:
        session.execute(
            text("UPDATE schedule SET state = 'active', next_slot = '2026-11-23 01:00:00+00:00'")
        )
    tick_once(life.application)
    with life.application.database.begin() as session:
        session.execute(text("UPDATE firing SET notice = '{' WHERE state = 'open'"))
    life.tell("answer", "一")
    life.run()
    assert life.pushed == ["一"]
    with life.application.database.read() as session:
        assert "parked" in session.execute(text("SELECT state FROM firing")).scalars().all()


def test_who_opts_out_while_it_is_sent_is_not_told_again(life: Life) -> None:
    """A refusal that comes back must not undo what somebody wanted meanwhile."""
    life.says(OPENID, "帮助")
    life.tell("meeting", "党课")
    with life.application.database.begin() as session:
        claimed = outbox.claim(session, RULES, 10, life.clock.now(), "mine")
    with life.application.database.begin() as session:
        opt_out.stop(session, 1, ["meeting"], life.clock.now())
    for outcome in (Outcome(Remedy.CONTENT, 47003), Outcome(Remedy.RETRY, -1)):
        with life.application.database.begin() as session:
            outcomes.settle(
                session,
                [(claimed.parcels[0], outcome)],
                life.clock.now(),
                lambda: 0.5,
            )
        assert states(life)["meeting:党课"] == ("cancelled", "opted out")
    with life.application.database.begin() as session:
        assert delivery_list.retry(session, [1], life.clock.now()) == 0


def test_who_opted_out_is_spared_though_it_was_queued(life: Life) -> None:
    life.says(OPENID, "帮助")
    with life.application.database.begin() as session:
        opt_out.stop(session, 1, ["meeting"], life.clock.now())
    life.tell("meeting", "党课")
    life.run()
    assert life.pushed == []
    assert states(life)["meeting:党课"] == ("cancelled", "opted out")


def test_a_lease_that_is_over_leaves_the_row_to_the_next(life: Life) -> None:
    """The fencing token: who comes late writes nothing."""
    life.says(OPENID, "帮助")
    life.tell("answer", "一")
    now = life.clock.now()
    with life.application.database.begin() as session:
        first = outbox.claim(session, RULES, 10, now, "first").parcels
    with life.application.database.begin() as session:
        assert outbox.claim(session, RULES, 10, now, "second").rows == 0
    later = now + RULES.lease
    with life.application.database.begin() as session:
        second = outbox.claim(session, RULES, 10, later, "second").parcels
    done = Outcome(Remedy.DONE)
    with life.application.database.begin() as session:
        outcomes.settle(session, [(first[0], done)], later, lambda: 0.5)
    assert states(life)["answer:一"][0] == "sending"
    with life.application.database.begin() as session:
        outcomes.settle(session, [(second[0], done)], later, lambda: 0.5)
    assert states(life)["answer:一"][0] == "sent"


def test_two_workers_take_each_row_once(life: Life) -> None:
    life.says(OPENID, "帮助")
    for number in range(2, 42):
        enrol(life.application, f"o{number:027}", account=ACCOUNT)
        life.says(f"o{number:027}", "帮助")
    for number in range(1, 42):
        life.tell("answer", f"给{number}", number)
    workers = [build_worker(life.application) for _ in range(3)]
    at_once(*(worker.drain for worker in workers))
    assert sorted(life.pushed) == sorted(f"给{number}" for number in range(1, 42))


def test_a_template_refused_for_now_is_held_and_not_tried_for_ever(life: Life) -> None:
    Member(life.application, OPENID).say("订阅 会议")
    life.after(hours=49)
    life.api.refuse["/cgi-bin/message/template/send"] = [43101] * 1000
    life.tell("meeting", "党课")
    life.run()
    assert states(life)["meeting:党课"] == ("held", "defer 43101")
    assert life.api.calls.count("/cgi-bin/message/template/send") == 1


def test_where_they_last_wrote_is_where_they_are_reached(life: Life) -> None:
    with life.application.database.begin() as session:
        newer = Address(
            channel=Channel.OFFICIAL_ACCOUNT,
            account=ACCOUNT,
            value="oTESTother",
            person_id=1,
            created_at=life.clock.now(),
        )
        session.add(newer)
    life.says(OPENID, "帮助")
    life.tell("answer", "一")
    life.run()
    assert [sent.touser for sent in life.api.sent] == [OPENID]


def test_one_that_was_tried_enough_takes_no_other_along(life: Life) -> None:
    life.says(OPENID, "帮助")
    life.tell("answer", "旧")
    life.tell("answer", "新")
    change(life, "answer:旧", attempts=MOST_TRIES)
    life.run()
    assert life.pushed == ["新"]
    assert states(life)["answer:旧"] == ("held", "not reached")


def test_what_a_customer_message_may_not_say_is_held(life: Life) -> None:
    life.says(OPENID, "帮助")
    life.api.refuse[CUSTOM] = [45002]
    life.tell("answer", "一")
    life.run()
    assert states(life)["answer:一"] == ("held", "content 45002")


def test_refused_pushes_do_not_use_up_the_day(life: Life) -> None:
    life.says(OPENID, "帮助")
    for number in range(3):
        life.api.refuse[CUSTOM] = [45002]
        life.tell("answer", f"坏{number}")
        life.run()
    life.tell("answer", "好")
    life.run()
    assert life.pushed == ["好"]


def test_a_long_one_is_kept_in_the_mailbox(life: Life) -> None:
    life.says(OPENID, "帮助")
    whole = "很长的回答。" * 200
    life.tell("answer", whole)
    life.run()
    assert "回复 收件箱 看全文" in life.pushed[0]
    assert "回答。" in life.says(OPENID, "收件箱")
    assert states(life)[f"answer:{whole}"][0] == "shown"


def test_numbers_stand_under_one_of_several(life: Life) -> None:
    """Two menus in one message would both begin with 1; one is opened with its message."""
    life.says(OPENID, "帮助")
    choices = [("知道了", "study_card.answer", {"card": "B01", "day": "2026-11-23", "known": True})]
    ask = conversation.stored_menu(choices, "以后再说", "conversation.zero", 1)
    options = (Option("1", "知道了"), Option("0", "以后再说"))
    card = Notice("study_card", title="学习卡", options=options)
    with life.application.database.begin() as session:
        for topic, menu in (("announcement", ""), ("study_card", ask)):
            notice = card if menu else Notice("a", lines=("通知",))
            saying = Saying(topic, topic, notice, ask=menu)
            deliveries.tell(session, [1], 1, saying, life.clock.now())
    life.until(19, 8)
    assert "1 知道了" in life.pushed[0]
    assert "没有可选的编号" not in Member(life.application, OPENID).say("1")
    with life.application.database.begin() as session:
        for number in range(2):
            saying = Saying("study_card", f"c{number}", card, ask=ask)
            deliveries.tell(session, [1], 1, saying, life.clock.now())
    life.until(18)
    life.says(OPENID, "帮助")
    life.until(19, 8)
    assert "1 知道了" not in life.pushed[1]


def test_a_call_off_counts_whom_an_unclear_push_may_have_reached(life: Life) -> None:
    life.says(OPENID, "帮助")
    life.api.next_faults.append("drop")
    life.tell("meeting", "党课")
    life.run()
    assert states(life)["meeting:党课"][0] == "queued"
    with life.application.database.begin() as session:
        assert deliveries.cancel(session, "meeting:党课", "cancelled") == ([1], 0)


def test_what_was_shown_is_not_pushed_when_it_has_its_point_again(life: Life) -> None:
    life.tell("ticket", "有提问")
    life.run()
    life.until(23)
    assert "有提问" in life.says(OPENID, "帮助")
    with life.application.database.begin() as session:
        deliveries.cancel(session, "ticket:有提问", "answered")
        deliveries.reopen(session, "ticket:有提问", "answered")
    life.until(9)
    life.says(OPENID, "帮助")
    life.after(minutes=1)
    assert life.pushed == []


def test_what_rests_rides_when_they_write(life: Life) -> None:
    life.says(OPENID, "帮助")
    life.api.refuse[CUSTOM] = [45009]
    life.tell("answer", "一")
    life.run()
    assert states(life)["answer:一"] == ("queued", "the platform rests")
    assert "一" in life.says(OPENID, "收件箱")
    life.until(9)
    assert life.pushed == []


class Slow:
    """A Transport that takes its time, as a platform that hangs."""

    def __init__(self) -> None:
        self.calls = 0

    def send(self, push: Push) -> Outcome:
        self.calls += 1
        pause(0.05)
        return Outcome(Remedy.DONE)


def test_stop_begins_no_more_calls_also_with_a_busy_database(life: Life) -> None:
    enrol(life.application, *(f"o{number:027}" for number in range(2, 202)), account=ACCOUNT)
    with life.application.database.begin() as session:
        session.execute(
            update(Address).values(
                message_left=5, message_until=life.clock.now() + timedelta(days=1)
            )
        )
        people = list(session.scalars(select(Person.id)))
        deliveries.tell(
            session, people, 1, Saying("alert", "x", Notice("x", lines=("急",))), life.clock.now()
        )
    slow = Slow()
    worker = Worker(
        Tools(life.application.database, slow, RULES, life.clock.now, elapsed, pause), threads=2
    )
    thread = worker.start()
    while slow.calls < 4:
        pause(0.01)
    worker.stop()
    thread.join()
    assert slow.calls < 60
    with life.application.database.read() as session:
        sending = session.scalars(select(Delivery.id).where(Delivery.state == "sending")).all()
        sent = session.scalars(select(Delivery.id).where(Delivery.state == "sent")).all()
    assert sending == []
    assert len(sent) == slow.calls


class Unreachable:
    """A TokenStore whose database is gone."""

    def current(self, name: str) -> str | None:
        from sqlalchemy.exc import OperationalError

        raise OperationalError("SELECT", {}, Exception("gone"))

    def renew(self, *_: object) -> str:
        raise AssertionError("never asked")


def test_a_busy_database_is_no_unclear_push(life: Life) -> None:
    from bot.platforms.official_account.client import Client
    from bot.platforms.official_account.transport import OfficialAccountTransport

    life.says(OPENID, "帮助")
    life.tell("answer", "一")
    client = Client("wx", "x", "http://127.0.0.1:9", Unreachable(), life.clock.now)
    transport = OfficialAccountTransport(client, "", {})
    Worker(
        Tools(life.application.database, transport, RULES, life.clock.now, elapsed, pause),
        threads=1,
    ).drain()
    assert states(life)["answer:一"] == ("queued", "retry")


def test_receipts_that_overtake_are_found(life: Life, clock: HandClock) -> None:
    with life.application.database.begin() as session:
        outcomes.receipt(session, "42", "user block", clock.now())
    life.tell("answer", "一")
    change(life, "answer:一", state="sent", platform_id="42")
    tick_once(life.application)
    assert states(life)["answer:一"] == ("failed", "receipt: user block")


def test_tickets_answer_reaches_somebody_nobody_knows(life: Life) -> None:
    boss = mentor(life.application, "oTESTmentor0000000000000001")
    life.says(OPENID, "匿名提问 预备期能延长几次")
    life.says(OPENID, "1")
    with life.application.database.read() as session:
        number = session.scalar(select(Ticket.id))
    boss.say(f"答 {number} 最多一次")
    life.after(seconds=3)
    assert any("最多一次" in pushed for pushed in life.pushed)
