"""Time that goes by with the scheduler and the worker running, and what came of it."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select

from bot.bootstrap import Application, build_worker, tick_once
from bot.domain.messages import Notice
from bot.storage.models import Delivery, Firing
from tests.conftest import HandClock

_SHANGHAI = ZoneInfo("Asia/Shanghai")


def run(application: Application) -> None:
    """A tick, and everybody told of what it has fired."""
    tick_once(application)
    build_worker(application).drain()


def at(application: Application, clock: HandClock, when: str) -> None:
    """Put the clock to this time in Shanghai and let what is due happen."""
    clock.time = datetime.fromisoformat(when).replace(tzinfo=_SHANGHAI).astimezone(UTC)
    run(application)


def firings(application: Application, kind: str) -> list[tuple[str, str, str, int]]:
    """Each slot of this kind that has come: local day, state, reason, how many were told."""
    with application.database.read() as session:
        rows = session.scalars(select(Firing).where(Firing.kind == kind).order_by(Firing.slot))
        return [
            (f"{row.slot.astimezone(_SHANGHAI):%Y-%m-%d}", row.state, row.reason, row.count)
            for row in rows
        ]


def told(application: Application, topic: str) -> list[tuple[int | None, str, Notice]]:
    """Who is or was told of the topic: person, state and what."""
    with application.database.read() as session:
        rows = session.scalars(
            select(Delivery).where(Delivery.topic == topic).order_by(Delivery.id)
        )
        return [(row.person_id, row.state, Notice.from_json(row.notice)) for row in rows]
