"""What the engine asks of the database stays cheap; permits and right of way are shared."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select, text, update

from bot.bootstrap import Application, tick_once
from bot.domain.delivery import Way
from bot.domain.messages import Channel, Notice
from bot.services import deliveries, outbox, outlet
from bot.services.deliveries import Saying
from bot.storage.models import Delivery
from bot.storage.right_of_way import RightOfWay
from tests.conftest import HandClock
from tests.members import ACCOUNT, at_once
from tests.platform import enrol


def explained(application: Application, statement: Any, values: dict[str, Any]) -> str:
    """The database's plan for the statement, where sequential scans are to be avoided."""
    with application.database.begin() as session:
        compiled = statement.compile(application.database.engine)
        if application.database.dialect == "postgresql":
            session.execute(text("SET LOCAL enable_seqscan = off"))
            session.execute(text("ANALYZE delivery"))
            rows = session.core.exec_driver_sql(
                f"EXPLAIN {compiled}", {**compiled.params, **values}
            )
        else:
            named = {**compiled.params, **values}
            listed = tuple(str(named[name]) for name in compiled.positiontup)
            rows = session.core.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}", listed)
        return " ".join(str(row) for row in rows)


def test_what_is_due_is_found_by_its_partial_index(
    application: Application, clock: HandClock
) -> None:
    enrol(application, "oA", account=ACCOUNT)
    with application.database.begin() as session:
        for number in range(300):
            deliveries.tell(session, [1], 1, Saying("t", f"a{number}", Notice("t")), clock.now())
        # Most is long done, some is due later, some waits in mailboxes.
        session.execute(update(Delivery).values(state="sent", visible_at=clock.now()))
        session.execute(update(Delivery).where(Delivery.id % 3 == 0).values(state="held"))
        later = clock.now() + timedelta(hours=1)
        session.execute(
            update(Delivery).where(Delivery.id % 3 == 1).values(state="queued", visible_at=later)
        )
    now = clock.now()
    for statement, values in (
        (outbox._DUE, {"now": now, "limit": 10, "elsewhere": "-"}),
        (outbox._NEXT, {"elsewhere": "-"}),
    ):
        plan = explained(application, statement, values)
        assert "ix_delivery_due" in plan, plan
    also = {"now": now, "people": "[1]", "known": "[2]", "elsewhere": "-"}
    if application.database.dialect == "postgresql":
        also = {"now": now, "people": [1], "known": [2], "elsewhere": "-"}
    assert "ix_delivery_" in explained(application, outbox._ALSO_DUE, also)
    claim = {"new_token": "x", "until": now, "day": None, "now": now, "ids": also["known"]}
    assert "delivery" in explained(application, outbox._CLAIM, claim)
    assert "Seq Scan" not in explained(application, outbox._CLAIM, claim)


def test_workers_share_the_permits(application: Application, clock: HandClock) -> None:
    database = application.database
    with database.begin() as session:
        outlet.configure(session, Channel.OFFICIAL_ACCOUNT, [Way.CUSTOMER], clock.now())

    def take() -> int:
        with database.begin() as session:
            taken = min(200, outlet.permits(session, clock.now()))
            outlet.spend(session, taken)
        return taken

    assert sum(at_once(*[take] * 4)) == outlet.BURST
    assert take() == 0
    # A clock that was put back must not take them away for as long.
    clock.forward(timedelta(hours=-1))
    assert take() == 0
    clock.forward(timedelta(seconds=0.1))
    assert take() == outlet.RATE / 10


def test_old_deliveries_go_in_chunks(application: Application, clock: HandClock) -> None:
    enrol(application, "oA", account=ACCOUNT)
    with application.database.begin() as session:
        for number in range(1203):
            deliveries.tell(session, [1], 1, Saying("t", f"a{number}", Notice("t")), clock.now())
    clock.forward(timedelta(days=14))
    tick_once(application)
    with application.database.read() as session:
        states = session.scalars(select(Delivery.state).distinct()).all()
    assert states == ["cancelled"]
    clock.forward(timedelta(days=30, seconds=1))
    tick_once(application)
    with application.database.read() as session:
        assert session.scalars(select(Delivery.id).where(Delivery.topic == "t")).all() == []


def test_who_drains_waits_for_who_goes_first(tmp_path: Path) -> None:
    first, second = RightOfWay(tmp_path / "way"), RightOfWay(tmp_path / "way")
    pauses: list[float] = []
    second.give(pauses.append)
    assert pauses == []
    with first.taken(), first.taken():
        second.give(pauses.append)
    assert len(pauses) == 50
    second.give(pauses.append)
    assert len(pauses) == 50
    first.close()
    second.close()
