"""What the planner decides, for any state of a person, an account and a clock."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.delivery import POLICIES, PROFILES, Capability, Urgency, Way, pause_before
from bot.domain.quiet import Hours, spread
from bot.domain.reach import Contact, Due, Hold, Later, Outlet, Send, plan

HOURS = Hours("Asia/Shanghai", "22:00-08:00")
MOMENTS = st.integers(0, 4 * 365 * 86_400).map(
    lambda seconds: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)
NEAR = st.timedeltas(timedelta(days=-3), timedelta(days=3))


@st.composite
def situations(draw: st.DrawFn) -> tuple[list[Due], Contact, Outlet, datetime]:
    now = draw(MOMENTS)
    topics = draw(st.lists(st.sampled_from(sorted(POLICIES)), min_size=1, max_size=3))
    dues = [
        Due(topic, POLICIES[topic].urgency, now + timedelta(days=1), draw(st.integers(0, 5)))
        for topic in topics
    ]
    contact = Contact(
        1, "gh", draw(st.sampled_from(["", "oX"])), draw(st.integers(0, 5)), now + draw(NEAR),
        draw(st.integers(0, 3)), now + draw(NEAR), HOURS.day(now), draw(st.integers(0, 4)),
        draw(st.sampled_from([None, HOURS.day(now)])), now + draw(NEAR),
        frozenset(draw(st.sets(st.sampled_from(topics)))), frozenset({"s"}),
    )  # fmt: skip
    rests = {way: now + draw(NEAR) for way in draw(st.sets(st.sampled_from(list(Way))))}
    templates = {(topic, way): "s" for topic in topics for way in (Way.SUBSCRIPTION, Way.TEMPLATE)}
    ways = frozenset(draw(st.sets(st.sampled_from(list(Way)))))
    return dues, contact, Outlet(ways, rests, templates), now


@given(situations())
def test_what_is_sent_may_be_sent(situation: tuple[list[Due], Contact, Outlet, datetime]) -> None:
    dues, contact, outlet, now = situation
    decision = plan(dues, contact, outlet, HOURS, 3, now)
    alert = any(due.urgency is Urgency.ALERT for due in dues)
    if isinstance(decision, Later):
        assert decision.at > now
        assert not alert or decision.reason == "the platform rests"
        return
    if isinstance(decision, Hold):
        assert decision.reason in ("no address", "no way")
        return
    assert isinstance(decision, Send)
    assert contact.address
    assert decision.way in outlet.ways
    assert outlet.rests.get(decision.way, now) <= now
    if decision.way is Way.CUSTOMER:
        left = {"message": contact.message_left, "event": contact.event_left}[decision.window]
        until = {"message": contact.message_until, "event": contact.event_until}[decision.window]
        assert left > 0
        assert until is not None
        assert until > now
    if not alert:
        assert HOURS.after_quiet(now) == now
        assert contact.pushed < 3
        assert contact.muted_until is None or contact.muted_until <= now


@given(st.integers(0, 10_000), st.floats(0, 1))
def test_waiting_has_a_least_and_a_most(attempt: int, dice: float) -> None:
    wait = pause_before(attempt, dice)
    assert timedelta(seconds=1) <= wait <= timedelta(minutes=10)
    assert pause_before(attempt + 1, dice) >= wait


@given(MOMENTS)
def test_no_hour_of_ours_is_quiet(at: datetime) -> None:
    for moment in (HOURS.after_quiet(at), HOURS.before_quiet(at), HOURS.digest(at)):
        assert HOURS.after_quiet(moment) == moment
    assert HOURS.before_quiet(at) <= at <= HOURS.after_quiet(at)
    assert timedelta(0) <= HOURS.digest(at) - at <= timedelta(days=1)
    assert HOURS.day(HOURS.next_morning(at)) == HOURS.day(at) + timedelta(days=1)


@given(MOMENTS, st.integers(0, 10**9))
def test_calls_leave_the_slot(at: datetime, number: int) -> None:
    slot = at.replace(minute=30, second=0, microsecond=0)
    assert timedelta(minutes=1) <= spread(slot, number) - slot <= timedelta(minutes=7)
    assert spread(slot + timedelta(minutes=1), number) == slot + timedelta(minutes=1)


def test_what_an_account_may_do_follows_its_kind() -> None:
    assert PROFILES["subscription", False] == frozenset()
    assert PROFILES["service", False] == {Capability.MENU}
    assert Capability.TEMPLATE not in PROFILES["subscription", True]
    assert PROFILES["service", True] == frozenset(Capability)
