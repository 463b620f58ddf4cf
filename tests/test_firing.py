"""Slots fire once: with two schedulers, after downtime, over clock jumps; nothing goes unseen."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, text, update

from bot.bootstrap import Application
from bot.domain.messages import Notice
from bot.domain.schedule import Rule
from bot.domain.schedule_text import parse_rule
from bot.services import deliveries, firing, schedule
from bot.services.deliveries import Saying
from bot.services.firing import Call, CatchUp, Kind, Occasion, Skip
from bot.services.reconcile import reconcile
from bot.services.schedule import Timing, Wanted
from bot.storage.models import Delivery, Firing, Person, Schedule
from scheduler.tick import fire
from tests.conftest import HandClock
from tests.members import ACCOUNT, at_once
from tests.platform import enrol


def say(occasion: Occasion) -> Call | Skip:
    line = f"{occasion.base:%d %H:%M}"
    return Call(f"test:{occasion.slot.isoformat()}", Notice("test", lines=(line,)))


def kinds_of(**more: Any) -> Mapping[str, Kind]:
    kind = Kind("test", "announcement", say, more.pop("catch_up", CatchUp.ALWAYS), **more)
    return {"test": kind}


KINDS = kinds_of()


class Scheduler:
    """The scheduler's part of the worker, on a hand-moved clock."""

    def __init__(self, application: Application, clock: HandClock) -> None:
        self.application = application
        self.clock = clock
        self.kinds = KINDS

    def declare(self, rule: str, key: str = "t", **more: Any) -> bool:
        parsed = parse_rule(rule)
        assert isinstance(parsed, Rule)
        wanted = Wanted(key, "test", parsed, self.kinds["test"].timing, **more)
        with self.application.database.begin() as session:
            return schedule.declare(session, 1, wanted, self.clock.now())

    def tick(self) -> int:
        packs = self.application.library.packs
        count = fire(self.application.database, self.kinds, packs, self.clock.now())
        while True:
            with self.application.database.begin() as session:
                if firing.expand(session, self.kinds, self.clock.now()) is None:
                    return count

    def firings(self) -> list[tuple[str, str, str]]:
        """Slot (day and hour of Shanghai), state and reason, oldest slot first."""
        with self.application.database.read() as session:
            rows = session.execute(
                select(Firing.slot, Firing.state, Firing.reason).order_by(Firing.slot)
            ).all()
        return [
            (f"{row.slot + timedelta(hours=8):%d %H:%M}", row.state, row.reason) for row in rows
        ]

    def next_slot(self) -> datetime | None:
        with self.application.database.read() as session:
            return session.scalar(select(Schedule.next_slot))

    def told(self) -> int:
        with self.application.database.read() as session:
            return session.scalar(select(func.count()).select_from(Delivery)) or 0


@pytest.fixture
def scheduler(application: Application, clock: HandClock) -> Scheduler:
    enrol(application, "oA", "oB", "oC", account=ACCOUNT)
    return Scheduler(application, clock)


def test_a_slot_fires_once_for_everybody(scheduler: Scheduler, clock: HandClock) -> None:
    assert scheduler.declare("每天 19:00")
    assert scheduler.tick() == 0
    clock.forward(timedelta(hours=10))
    assert scheduler.tick() == 1
    assert scheduler.tick() == 0
    assert scheduler.firings() == [("23 19:00", "done", "")]
    assert scheduler.told() == 3


def test_two_schedulers_fire_a_slot_once(scheduler: Scheduler, clock: HandClock) -> None:
    for number in range(6):
        scheduler.declare("每天 19:00", key=f"t{number}")
    clock.forward(timedelta(hours=10))
    packs, now = scheduler.application.library.packs, clock.now()
    counts = at_once(
        *[lambda: fire(scheduler.application.database, KINDS, packs, now) for _ in range(4)]
    )
    assert sum(counts) == 6
    scheduler.tick()
    assert scheduler.told() == 18


def test_declaring_again_moves_nothing(scheduler: Scheduler, clock: HandClock) -> None:
    """APScheduler's store forgets a missed run when the job is declared again at start."""
    scheduler.declare("每天 19:00")
    clock.forward(timedelta(days=3))
    before = scheduler.next_slot()
    assert not scheduler.declare("每天 8:00")
    assert scheduler.next_slot() == before
    scheduler.tick()
    assert scheduler.firings()[-1] == ("25 19:00", "done", "")


@pytest.mark.parametrize(
    ("catch_up", "rule", "days", "skipped", "last"),
    [
        (CatchUp.ALWAYS, "每天 19:00", 40, 39, ("done", "")),
        (CatchUp.ALWAYS, "每天 19:00", 400, 49, ("done", "")),
        (CatchUp.LATEST, "每天 19:00", 1.5, 1, ("done", "")),
        (CatchUp.TODAY, "每天 23:00", 1.5, 0, ("skipped", "too late")),
        (CatchUp.TODAY, "每天 19:00", 1.45, 1, ("done", "")),
    ],
)
def test_after_downtime_the_kinds_policy_holds(
    scheduler: Scheduler, clock: HandClock, catch_up: CatchUp, rule: str, days: float,
    skipped: int, last: tuple[str, str],
) -> None:  # fmt: skip
    """It is 09:00 at first; the latest missed slot is told or not, each other is recorded."""
    scheduler.kinds = kinds_of(catch_up=catch_up)
    scheduler.declare(rule)
    clock.forward(timedelta(days=days))
    scheduler.tick()
    *older, newest = scheduler.firings()
    assert newest[1:] == last
    assert all(row[1:] == ("skipped", "a later one was due as well") for row in older)
    assert len(older) == skipped
    assert scheduler.told() == (3 if last[0] == "done" else 0)


def test_a_monthly_one_is_made_up_for_within_three_days(
    scheduler: Scheduler, clock: HandClock
) -> None:
    scheduler.kinds = kinds_of(catch_up=CatchUp.LATEST)
    scheduler.declare("每月25日 19:00")
    clock.forward(timedelta(days=5, hours=9, minutes=59))
    scheduler.tick()
    assert scheduler.firings() == [("25 19:00", "done", "")]
    clock.forward(timedelta(days=31))
    scheduler.tick()
    assert scheduler.firings()[-1] == ("25 19:00", "skipped", "too late")


def test_a_reminder_comes_before_the_event_or_is_skipped(
    scheduler: Scheduler, clock: HandClock
) -> None:
    scheduler.kinds = kinds_of(catch_up=CatchUp.BEFORE)
    event = clock.now() + timedelta(days=2)
    scheduler.declare("提前1天 19:00", key="a", anchor_at=event)
    scheduler.declare("提前1小时", key="b", anchor_at=event)
    clock.forward(timedelta(days=1, hours=20))
    scheduler.tick()
    clock.forward(timedelta(hours=5))
    scheduler.tick()
    # START is 09:00; the event is at 09:00 two days later.
    assert scheduler.firings() == [("24 19:00", "done", ""), ("25 08:00", "skipped", "too late")]
    assert not scheduler.declare("提前1天 19:00", key="c", anchor_at=event)


def test_what_would_fall_in_the_night_comes_the_evening_before(
    scheduler: Scheduler, clock: HandClock
) -> None:
    scheduler.kinds = kinds_of(timing=Timing(early=True), catch_up=CatchUp.BEFORE)
    scheduler.declare("提前1小时", anchor_at=datetime(2026, 11, 25, 0, 30, tzinfo=UTC))
    assert scheduler.next_slot() == datetime(2026, 11, 24, 13, 30, tzinfo=UTC)


def test_a_lead_moves_every_slot(scheduler: Scheduler, clock: HandClock) -> None:
    scheduler.kinds = kinds_of(timing=Timing(lead=timedelta(days=-5)))
    scheduler.declare("每月5日 19:00")
    clock.forward(timedelta(days=40))
    scheduler.tick()
    assert [slot for slot, _, _ in scheduler.firings()] == ["30 19:00", "31 19:00"]
    with scheduler.application.database.read() as session:
        notice = session.scalars(select(Delivery.notice)).first()
    assert "05 11:00" in str(notice)


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [("kind", "gone", "unknown kind"), ("rule", "每逢佳节", "unreadable rule")],
)
def test_what_is_not_known_any_more_is_parked_and_kept(
    scheduler: Scheduler, clock: HandClock, column: str, value: str, reason: str
) -> None:
    """A renamed function made APScheduler delete the job, and 268 were lost at once elsewhere."""
    scheduler.declare("每天 19:00")
    scheduler.declare("每天 19:00", key="other")
    with scheduler.application.database.begin() as session:
        session.execute(update(Schedule).where(Schedule.key == "t").values({column: value}))
    clock.forward(timedelta(hours=10))
    scheduler.tick()
    assert sorted(scheduler.firings()) == [("23 19:00", "done", ""), ("23 19:00", "parked", reason)]
    with scheduler.application.database.read() as session:
        row = session.scalars(select(Schedule).where(Schedule.key == "t")).one()
        assert (row.state, row.reason) == ("parked", reason)
    clock.forward(timedelta(days=1))
    assert scheduler.tick() == 1


def test_one_that_fails_holds_up_no_other(scheduler: Scheduler, clock: HandClock) -> None:
    def broken(occasion: Occasion) -> Call | Skip:
        if occasion.content.get("broken"):
            raise RuntimeError("this one always fails")
        return say(occasion)

    scheduler.kinds = {"test": replace(KINDS["test"], build=broken)}
    scheduler.declare("每天 18:00", key="bad", content={"broken": True})
    scheduler.declare("每天 19:00", key="good")
    clock.forward(timedelta(hours=11))
    assert scheduler.tick() == 1
    assert scheduler.firings() == [("23 19:00", "done", "")]
    # It is due until it works.
    scheduler.kinds = KINDS
    assert scheduler.tick() == 1
    assert scheduler.firings()[0] == ("23 18:00", "done", "")


def test_the_clock_may_jump(scheduler: Scheduler, clock: HandClock) -> None:
    scheduler.declare("每天 19:00")
    clock.forward(timedelta(hours=11))
    scheduler.tick()
    clock.forward(timedelta(hours=-2))
    assert scheduler.tick() == 0
    clock.forward(timedelta(hours=2))
    assert scheduler.tick() == 0
    assert scheduler.told() == 3


def test_an_empty_audience_is_said(scheduler: Scheduler, clock: HandClock) -> None:
    with scheduler.application.database.begin() as session:
        session.execute(update(Person).values(hidden_at=clock.now()))
    scheduler.declare("每天 19:00")
    clock.forward(timedelta(hours=10))
    scheduler.tick()
    assert scheduler.firings() == [("23 19:00", "done", "nobody to tell")]


def test_the_audience_is_told_in_chunks_each_once(scheduler: Scheduler, clock: HandClock) -> None:
    enrol(scheduler.application, *(f"o{n}" for n in range(20)), account=ACCOUNT)
    scheduler.declare("每天 19:00")
    clock.forward(timedelta(hours=10))
    packs = scheduler.application.library.packs
    fire(scheduler.application.database, KINDS, packs, clock.now())
    told = []
    while True:
        with scheduler.application.database.begin() as session:
            count = firing.expand(session, KINDS, clock.now(), chunk=7)
        if count is None:
            break
        told.append(count)
    assert told == [7, 7, 7, 2]
    assert scheduler.told() == 23


def test_planted_inconsistencies_are_put_right(scheduler: Scheduler, clock: HandClock) -> None:
    scheduler.declare("每天 19:00")
    clock.forward(timedelta(hours=10))
    scheduler.tick()
    database = scheduler.application.database
    with database.begin() as session:
        session.execute(text("DELETE FROM delivery"))
        session.execute(text("UPDATE schedule SET next_slot = NULL"))
        deliveries.tell(session, [1], 1, Saying("answer", "x", Notice("x")), clock.now())
        session.execute(text("UPDATE delivery SET state = 'sending', visible_at = NULL"))
    with database.begin() as session:
        assert reconcile(session, KINDS, clock.now()) == 3
    with database.begin() as session:
        assert reconcile(session, KINDS, clock.now()) == 0
    scheduler.tick()
    assert scheduler.told() == 4
    assert scheduler.next_slot() == datetime(2026, 11, 24, 11, 0, tzinfo=UTC)
    with database.read() as session:
        due = session.execute(text("SELECT state FROM delivery WHERE topic = 'answer'")).scalar()
    assert due == "queued"
