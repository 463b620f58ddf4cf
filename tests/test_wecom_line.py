"""The WeCom bot's long connection, against the sandbox's server over real sockets."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from bot.config import Settings
from bot.storage.models import CheckIn, Delivery
from tests.conftest import HandClock
from tests.members import rows
from tests.wecom_line import Side, connected, until


@pytest.fixture
def side(settings: Settings, clock: HandClock) -> Iterator[Side]:
    with connected(settings, clock) as found:
        yield found


@pytest.fixture
def dialect() -> str:
    """The line is the same beside either database."""
    return "sqlite"


def test_a_conversation(side: Side) -> None:
    asked = side.says("U1", "打卡 读完")
    assert "要先记住你" in asked.text
    assert asked.finished
    assert not asked.problem
    card = side.tap("U1", asked, 0).card
    assert card is not None
    assert card["main_title"]["title"].startswith("已选：")
    assert until(lambda: any("打卡成功" in text for text in side.pushed("U1")))
    assert rows(side.application, CheckIn) == 1
    assert "打卡成功" in side.says("U1", "打卡", chat="G1").text


def test_who_opens_the_chat_is_welcomed(side: Side) -> None:
    welcome = side.people.enter_chat("U1")
    assert welcome is not None
    assert "学伴" in welcome.wait(5).text


def test_a_push_while_the_line_is_down_goes_out_once_it_is_up(side: Side) -> None:
    side.says("U1", "帮助", chat="G1")
    side.platform.faults.refusing = True
    side.platform.cut()
    assert until(lambda: side.line.absent() is not None)
    side.tell_group("周五交材料")
    side.send_due()
    assert side.pushed("G1") == []
    side.platform.faults.refusing = False
    assert side.platform.wait_live(10)
    assert until(lambda: side.line.absent() is None)
    side.send_due()
    side.send_due()
    assert [text for text in side.pushed("G1") if "周五交材料" in text] == side.pushed("G1")
    assert len(side.pushed("G1")) == 1


def test_the_31st_in_a_minute_waits(side: Side) -> None:
    side.says("U1", "帮助", chat="G1")
    for number in range(40):
        side.tell_group(f"第{number}件")
        side.send_due()
    assert side.enterprise.used("G1")[0] == 30
    assert not [one for one in side.enterprise.ledger if one.code]
    with side.application.database.read() as session:
        waiting = session.query(Delivery).filter(Delivery.state == "queued").all()
        assert {row.reason for row in waiting} == {"the platform rests"}
    side.clock.forward(timedelta(seconds=62))
    side.send_due()
    assert all(any(f"第{number}件" in text for text in side.pushed("G1")) for number in range(40))


def test_the_31st_reply_waits_as_well(side: Side) -> None:
    exchanges = [
        side.people.say(f"U{number % 9 + 1}", f"@学伴 帮助{number}", chat="G1")
        for number in range(35)
    ]
    assert until(lambda: side.enterprise.used("G1")[0] == 30)
    assert sum(one.over for one in exchanges) == 30
    side.clock.forward(timedelta(seconds=62))
    assert all(one.wait(10).finished for one in exchanges)
    assert not [one for one in side.enterprise.ledger if one.code]


def test_limits_hold_over_a_restart(side: Side) -> None:
    for number in range(30):
        side.says(f"U{number % 9 + 1}", "帮助", chat="G1")
    side.line.lead(False)
    side.line.lead(True)
    assert side.platform.wait_live(10)
    late = side.people.say("U1", "@学伴 帮助", chat="G1")
    assert not late.wait(1).finished
    side.clock.forward(timedelta(seconds=62))
    assert late.wait(10).finished
    assert not [one for one in side.enterprise.ledger if one.code]


def test_who_was_replaced_does_not_fight(side: Side) -> None:
    side.platform.kick()
    assert until(lambda: side.line.absent() is not None)
    assert not side.platform.wait_live(0.4)
    assert side.platform.wait_live(5)
    assert side.says("U1", "帮助").finished


def test_a_reply_outlives_a_broken_line(side: Side) -> None:
    side.platform.faults.no_ack = True
    asked = side.people.say("U1", "帮助")
    assert until(lambda: asked.finished)
    side.platform.faults.no_ack = False
    side.platform.cut()
    assert side.platform.wait_live(10)
    assert side.says("U1", "打卡").finished
    # The same stream: it is shown once.
    assert len([one for one in side.enterprise.messages("U1") if not one.sender]) == 2


@pytest.mark.parametrize("fault", ["no_pong", "cut", "closed"])
def test_it_comes_back(side: Side, fault: str) -> None:
    if fault == "no_pong":
        side.platform.faults.no_pong = True
        assert side.platform.wait_live(10, live=False)
        side.platform.faults.no_pong = False
    elif fault == "cut":
        side.platform.cut()
    else:
        side.platform.hang_up()
    assert until(lambda: side.says("U1", "帮助").finished)


def test_nonsense_on_the_line_is_passed_over(side: Side) -> None:
    side.platform.faults.malformed = 1.0
    side.platform.send_raw('{"headers": {"req_id": "nobody"}, "errcode": 0}')
    side.platform.send_raw('{"headers": [], "errcode": "x"}')
    assert side.says("U1", "帮助").finished


def test_frames_out_of_order_are_all_answered(side: Side) -> None:
    side.platform.faults.reorder = 0.5
    side.platform.faults.duplicate = 0.3
    exchanges = [side.people.say(f"U{number}", "打卡") for number in range(1, 10)]
    assert all(one.wait(10).finished for one in exchanges)
    assert rows(side.application, CheckIn) == 0


def test_many_conversations_are_answered_in_order(side: Side) -> None:
    people = [f"U{number}" for number in range(1, 10)]
    asked = [side.people.say(who, f"帮助{turn}") for turn in range(20) for who in people]
    assert all(one.wait(30).finished for one in asked)
    for who in people:
        streams = [one.stream for one in side.enterprise.messages(who) if not one.sender]
        assert streams == [one.stream for one in asked if one.sender == who]
