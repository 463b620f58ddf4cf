"""From what is to be said to what arrives: planned, pushed once, held where it cannot be pushed."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from bot.domain.delivery import Way
from bot.domain.messages import MessageType
from bot.services import deliveries
from bot.storage.models import Community, Delivery
from tests.life import OPENID, Life
from tests.members import ACCOUNT, Member, organiser
from tests.platform import enrol
from tests.sending import CUSTOM, TEMPLATE


def test_what_is_due_is_pushed_within_the_window(life: Life) -> None:
    life.says(OPENID, "帮助")
    life.tell("answer", "可以。")
    life.run()
    assert life.pushed == ["可以。"]
    assert life.states() == [("sent", "", "customer")]
    life.run()
    assert len(life.api.sent) == 1


def test_without_a_window_it_is_held_and_pushed_when_they_write(life: Life) -> None:
    life.tell("answer", "可以。")
    life.run()
    assert life.states() == [("held", "no way", "")]
    assert life.api.calls == []
    reply = life.says(OPENID, "帮助")
    assert "可以" not in reply
    life.after(seconds=3)
    assert life.pushed == ["可以。"]
    assert "可以" not in life.says(OPENID, "帮助")
    assert "空的" in life.says(OPENID, "收件箱")


def test_what_rode_is_not_pushed(life: Life) -> None:
    """In quiet hours nothing is pushed: it rides on the reply, and then it is shown."""
    life.tell("meeting", "改到三楼")
    life.run()
    life.until(23)
    assert "改到三楼" in life.says(OPENID, "帮助")
    life.until(9)
    life.says(OPENID, "帮助")
    life.after(minutes=1)
    assert life.pushed == []


def test_the_night_is_spared_but_for_alerts(life: Life) -> None:
    life.until(21, 50)
    life.says(OPENID, "帮助")
    life.until(22, 30)
    life.tell("answer", "可以。")
    life.tell("alert", "紧急")
    life.run()
    assert life.pushed == ["紧急"]
    life.until(7, 59)
    assert life.pushed == ["紧急"]
    life.until(8, 8)
    assert life.pushed == ["紧急", "可以。"]


def test_what_can_wait_is_one_digest_at_seven(life: Life) -> None:
    life.says(OPENID, "帮助")
    life.tell("announcement", "周五交材料")
    life.tell("study_card", "今天的卡")
    life.run()
    assert life.pushed == []
    life.until(19, 8)
    assert len(life.pushed) == 1
    assert "给你的 2 条提醒" in life.pushed[0]
    assert "周五交材料" in life.pushed[0]
    assert "今天的卡" in life.pushed[0]


def test_a_second_digest_waits_for_tomorrow(life: Life) -> None:
    life.says(OPENID, "帮助")
    life.tell("announcement", "一")
    life.until(19, 8)
    life.tell("announcement", "二", due_at=life.clock.now() - timedelta(hours=1))
    life.run()
    assert life.pushed == ["一"]
    assert life.states()[1][:2] == ("queued", "enough for today")
    life.until(18)
    life.says(OPENID, "帮助")
    life.until(19, 8)
    assert life.pushed == ["一", "二"]


def test_three_a_day_in_all(life: Life) -> None:
    life.says(OPENID, "帮助")
    for number in range(5):
        life.tell("answer", f"答{number}")
        life.after(minutes=1)
    assert life.pushed == ["答0", "答1", "答2"]
    assert [state for state, _, _ in life.states()] == ["sent"] * 3 + ["queued"] * 2
    life.tell("alert", "紧急")
    life.run()
    assert life.pushed[3:] == ["紧急"]
    # In the morning they come together, as one message.
    life.until(8, 8)
    assert len(life.pushed) == 5
    assert "答3" in life.pushed[4]
    assert "答4" in life.pushed[4]


def test_two_of_the_window_are_kept_for_answers(life: Life) -> None:
    with life.application.database.begin() as session:
        session.execute(update_budget(20))
    life.says(OPENID, "帮助")
    for number in range(4):
        life.tell("ticket", f"提{number}")
        life.after(minutes=1)
    assert life.pushed == ["提0", "提1", "提2"]
    life.tell("answer", "答")
    life.after(minutes=1)
    assert life.pushed[3:] == ["答"]


def update_budget(count: int) -> Any:
    return update(Community).values(daily_message_budget=count)


def test_a_tap_opens_a_minute(life: Life) -> None:
    Member(life.application, OPENID).event("click")
    life.api.heard(OPENID, "menu")
    life.tell("answer", "快")
    life.run()
    assert life.pushed == ["快"]
    life.clock.forward(timedelta(seconds=61))
    life.tell("answer", "慢")
    life.run()
    assert life.states()[1][:2] == ("held", "no way")


def test_a_template_goes_only_to_who_asked_for_it(life: Life) -> None:
    life.tell("meeting", "支委会")
    life.run()
    assert life.states() == [("held", "no way", "")]
    Member(life.application, OPENID).say("订阅 会议")
    life.after(hours=49)
    life.tell("meeting", "党课")
    life.run()
    # The first one too: what is held is pushed when a way opens.
    assert [sent.path for sent in life.api.sent] == [TEMPLATE, TEMPLATE]
    assert life.states()[1] == ("sent", "", Way.TEMPLATE)


def test_a_receipt_changes_what_was_sent(life: Life) -> None:
    Member(life.application, OPENID).say("订阅 会议")
    life.after(hours=49)
    life.api.blocking.add(OPENID)
    life.tell("meeting", "党课")
    life.run()
    receive(life, life.api.events.pop())
    assert life.states()[0][:2] == ("failed", "receipt: failed:user block")


def receive(life: Life, event: dict[str, Any]) -> None:
    """The platform's event, as it comes to the callback."""
    message = Member(life.application, OPENID).message("")
    details = {name: str(value) for name, value in event.items()}
    life.application.dispatcher.dispatch(
        replace(
            message, type=MessageType.EVENT, event=str(event["Event"]).lower(), details=details,
            wants_reply=False,
        ),
        life.clock.now(),
    )  # fmt: skip


def test_a_refused_capability_is_not_tried_again(life: Life) -> None:
    life.says(OPENID, "帮助")
    life.api.verified = False
    life.tell("answer", "一")
    life.run()
    assert life.states() == [("held", "no way", "")]
    calls = len(life.api.calls)
    life.tell("answer", "二")
    life.run()
    assert len(life.api.calls) == calls
    # A day later the account may have been verified.
    life.api.verified = True
    life.after(days=1, minutes=1)
    life.says(OPENID, "帮助")
    life.after(seconds=3)
    assert len(life.api.sent) == 1


@pytest.mark.parametrize(("code", "wait"), [(45011, timedelta(seconds=62)), (45009, None)])
def test_a_quota_rests_the_way_for_all(life: Life, code: int, wait: timedelta | None) -> None:
    enrol(life.application, OPENID.replace("1", "2"), account=ACCOUNT)
    life.says(OPENID, "帮助")
    life.says(OPENID.replace("1", "2"), "帮助")
    life.api.refuse[CUSTOM] = [code]
    life.tell("answer", "一")
    life.run()
    life.tell("answer", "二", 2)
    life.run()
    assert life.pushed == []
    assert [state for state, _, _ in life.states()] == ["queued", "queued"]
    assert life.api.calls.count(CUSTOM) == 1
    if wait:
        life.after(seconds=wait.total_seconds())
    else:
        life.until(8, 10)
    assert sorted(life.pushed) == ["一", "二"]


@pytest.mark.parametrize(
    ("topic", "state", "sent"), [("announcement", "unknown", 1), ("meeting", "sent", 2)]
)
def test_no_answer_may_mean_it_arrived(life: Life, topic: str, state: str, sent: int) -> None:
    """Each kind has its own policy: say it twice, or leave it open."""
    life.says(OPENID, "帮助")
    life.api.next_faults.append("drop")
    life.tell(topic, "在吗", due_at=life.clock.now() - timedelta(days=1))
    life.run()
    life.after(minutes=2)
    assert life.states()[0][0] == state
    assert len(life.api.sent) == sent


def test_a_template_that_may_have_arrived_is_not_there_twice(life: Life) -> None:
    Member(life.application, OPENID).say("订阅 会议")
    life.after(hours=49)
    life.api.next_faults.append("drop")
    life.tell("meeting", "党课")
    life.run()
    life.after(minutes=1)
    assert life.states()[0][0] == "sent"
    assert len(life.api.sent) == 1
    assert life.api.calls.count(TEMPLATE) == 2


def test_who_does_not_want_to_be_disturbed_reads_it_with_a_reply(life: Life) -> None:
    life.says(OPENID, "免打扰 2天")
    life.tell("answer", "可以。")
    life.run()
    assert life.states() == [("queued", "muted", "")]
    assert "可以。" in life.says(OPENID, "帮助")
    life.tell("alert", "紧急")
    life.run()
    assert life.pushed == ["紧急"]
    life.after(days=2)
    life.says(OPENID, "帮助")
    life.tell("answer", "又可以了。")
    life.run()
    assert life.pushed == ["紧急", "又可以了。"]


@pytest.mark.parametrize("ending", ["免打扰 关", ""])
def test_what_was_not_to_disturb_comes_when_that_is_over(life: Life, ending: str) -> None:
    life.says(OPENID, "免打扰 1天")
    life.tell("answer", "可以。")
    life.run()
    if ending:
        life.says(OPENID, ending)
    else:
        life.after(days=1, minutes=10)
    life.run()
    assert life.pushed == ["可以。"]


def test_a_card_of_yesterday_rides_but_takes_nobodys_digest(life: Life) -> None:
    life.after(hours=49)
    life.tell("study_card", "昨天的卡")
    life.tell("announcement", "周五交材料")
    life.run()
    life.after(days=1)
    assert "昨天的卡" in life.says(OPENID, "帮助")
    life.after(seconds=10)
    life.run()
    assert life.pushed == ["周五交材料"]


def test_what_nobody_can_be_told_any_more_is_cancelled(life: Life) -> None:
    life.says(OPENID, "帮助")
    life.tell("announcement", "周五交材料")
    with life.application.database.begin() as session:
        assert deliveries.cancel_for(session, 1, "opted out", "announcement") == 1
    life.until(19, 8)
    assert life.pushed == []


def test_unfollowing_stops_everything_open(life: Life) -> None:
    life.says(OPENID, "帮助")
    life.tell("announcement", "周五交材料")
    Member(life.application, OPENID).event("unsubscribe")
    life.until(19, 8)
    assert life.pushed == []
    assert life.states()[0][0] == "cancelled"


def test_one_that_cannot_be_read_holds_up_no_other(life: Life) -> None:
    life.says(OPENID, "帮助")
    life.tell("answer", "一")
    life.tell("answer", "二")
    with life.application.database.begin() as session:
        session.execute(update(Delivery).where(Delivery.id == 1).values(notice="{"))
    life.run()
    assert life.pushed == ["二"]
    assert life.states()[0][:2] == ("failed", "unreadable")


def test_failures_are_tried_for_hours_and_then_held(life: Life) -> None:
    life.says(OPENID, "帮助")
    life.api.refuse[CUSTOM] = [-1] * 1000
    life.tell("answer", "一")
    moments: list[datetime] = []
    for _ in range(80):
        calls = life.api.calls.count(CUSTOM)
        life.after(minutes=5)
        if life.api.calls.count(CUSTOM) > calls:
            moments.append(life.clock.now())
    assert life.states() == [("held", "not reached", "")]
    assert len(moments) > 20
    assert timedelta(hours=3) < moments[-1] - moments[0] <= timedelta(hours=4)
    life.api.refuse[CUSTOM] = []
    life.says(OPENID, "帮助")
    life.after(seconds=3)
    assert life.pushed == ["一"]


def test_organisers_and_members_are_told_of_a_meeting(life: Life) -> None:
    boss = organiser(life.application, "oTESTorganiser00000000000001")
    life.says(OPENID, "帮助")
    boss.say("开会 12月5日 19:00 302 主题党日")
    boss.say("确认")
    life.after(minutes=1)
    assert any("主题党日" in text for text in life.pushed)
