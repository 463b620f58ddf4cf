"""What can be pushed through the channels now: what an account may do, and what rests."""

import json
from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import select

from bot.domain.delivery import Way, channel_of
from bot.domain.messages import Channel
from bot.domain.reach import Outlet as View
from bot.storage.models import Outlet
from bot.storage.session import UnitOfWork, insert_new

# What the platform has refused as not allowed is tried again after this: the account may have
# been verified meanwhile.
REFUSED_FOR = timedelta(days=1)
# Calls a second to the platforms, by all workers together, and how many at once after a pause.
RATE, BURST = 500.0, 500.0
# Whose row counts them.
_COUNTING = Channel.OFFICIAL_ACCOUNT
_table = Outlet.__table__.c
_ALL = select(_table.capabilities, _table.refused, _table.rests)


def configure(session: UnitOfWork, channel: Channel, ways: Iterable[Way], now: datetime) -> None:
    """Say what the configured account may do; what was refused counts no more if that is new."""
    capabilities = ",".join(sorted(ways))
    row = _locked(session, channel, now)
    if row.capabilities != capabilities:
        row.capabilities, row.refused, row.rests = capabilities, "{}", "{}"
        session.flush()


def ways_of(session: UnitOfWork, now: datetime) -> View:
    """The ways that can be used, without those that a platform has lately refused."""
    ways: set[Way] = set()
    rests: dict[Way, datetime] = {}
    for row in session.core.execute(_ALL).all():
        ways |= {Way(name) for name in row.capabilities.split(",") if name}
        ways -= _refused(row.refused, now)
        rests |= _times(row.rests)
    return View(frozenset(ways), rests)


def refused(session: UnitOfWork, now: datetime) -> frozenset[Way]:
    """What a platform has refused as not allowed within the last day."""
    rows = session.core.execute(_ALL).all()
    return frozenset(way for row in rows for way in _refused(row.refused, now))


def _refused(stored: str, now: datetime) -> set[Way]:
    return {way for way, at in _times(stored).items() if now - at < REFUSED_FOR}


def refuse(session: UnitOfWork, way: Way, now: datetime) -> None:
    """The account may not do this, whatever its configuration says."""
    row = _locked(session, channel_of(way), now)
    row.refused = _dump({**_times(row.refused), way: now})
    session.flush()


def rest(session: UnitOfWork, way: Way, until: datetime, now: datetime) -> None:
    """Try this way on nobody before then."""
    row = _locked(session, channel_of(way), now)
    rests = {known: end for known, end in _times(row.rests).items() if end > now}
    row.rests = _dump({**rests, way: max(until, rests.get(way, until))})
    session.flush()


def permits(session: UnitOfWork, now: datetime) -> int:
    """How many calls may be made now: a token bucket that all workers share. Nobody else takes
    any before this transaction ends.
    """
    row = _locked(session, _COUNTING, now)
    passed = max(0.0, (now - row.permits_at).total_seconds())
    row.permits, row.permits_at = min(BURST, row.permits + passed * RATE), now
    return int(row.permits)


def spend(session: UnitOfWork, calls: int) -> None:
    """Take so many of the permits."""
    session.get_one(Outlet, _COUNTING).permits -= calls
    session.flush()


def _locked(session: UnitOfWork, channel: Channel, now: datetime) -> Outlet:
    insert_new(
        session, Outlet, channel=channel, capabilities="", refused="{}", rests="{}",
        permits=BURST, permits_at=now,
    )  # fmt: skip
    return session.scalars(
        select(Outlet).where(Outlet.channel == channel).with_for_update(),
        execution_options={"populate_existing": True},
    ).one()


def _times(stored: str) -> dict[Way, datetime]:
    return {Way(way): datetime.fromisoformat(at) for way, at in json.loads(stored).items()}


def _dump(times: dict[Way, datetime]) -> str:
    return json.dumps({way: at.isoformat() for way, at in times.items()})
