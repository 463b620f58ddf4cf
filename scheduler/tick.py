"""One tick: what the leader does every few seconds. Losing one costs nothing."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from bot.services import (
    conversation,
    deliveries,
    firing,
    heartbeat,
    inbox,
    outcomes,
    personal_data,
    registry,
    routine,
)
from bot.services.firing import Kinds
from bot.services.reconcile import reconcile
from bot.storage import deletions
from bot.storage.backup import remove_old
from bot.storage.maintenance import checkpoint
from bot.storage.session import DATABASE_BUSY, Database, UnitOfWork
from content.loader import Pack

log = structlog.get_logger(__name__)

_CHUNK = 500
# SQLite has one writer: what waits for it between two chunks must get its turn.
_PAUSE = 0.01
# What was deleted is in no backup of ours any more after this.
BACKUPS_KEPT = timedelta(days=30)


def tick(
    database: Database,
    now: datetime,
    pause: Callable[[float], None],
    *,
    text_hours: int,
    row_days: int,
    data_dir: Path,
    kinds: Kinds,
    packs: Mapping[str, Pack],
) -> None:
    """Beat, fire what is due, delete what is too old, and bring SQLite's log into the file.

    A step that fails is logged, and holds up none of the others.
    """

    def written(work: Callable[[UnitOfWork], object]) -> None:
        with database.begin() as session:
            work(session)

    steps: tuple[Callable[[], object], ...] = (
        lambda: fire(database, kinds, packs, now),
        lambda: written(lambda session: heartbeat.beat(session, heartbeat.TICK, now)),
        lambda: written(lambda session: conversation.clear(session, now)),
        lambda: written(lambda session: routine.declare_all(session, packs, kinds, now)),
        lambda: written(lambda session: reconcile(session, kinds, now)),
        lambda: written(lambda session: outcomes.overtaken(session, now)),
        lambda: clear_old(database, now, pause),
        lambda: clear_inbox(database, now, pause, text_hours, row_days),
        lambda: checkpoint(database.engine, whole=purge(database, now, data_dir) > 0),
        lambda: remove_old(data_dir, now - BACKUPS_KEPT),
    )
    for step in steps:
        try:
            step()
        except DATABASE_BUSY:
            raise
        except Exception:
            log.exception("tick_step_failed")


def fire(database: Database, kinds: Kinds, packs: Mapping[str, Pack], now: datetime) -> int:
    """Fire every schedule that is due, each in its own transaction: how many firings.

    One that fails is logged and left for the next tick; it holds up no other.
    """
    failed: list[int] = []
    count = 0
    while True:
        with database.read() as session:
            schedule_id = firing.due(session, now, failed)
        if schedule_id is None:
            return count
        try:
            with database.begin() as session:
                count += firing.fire(session, schedule_id, kinds, packs, now)
        except DATABASE_BUSY:
            raise
        except Exception:
            log.exception("firing_failed", schedule=schedule_id)
            failed.append(schedule_id)


def clear_old(database: Database, now: datetime, pause: Callable[[float], None]) -> None:
    """Everything whose time is over, in chunks, each its own transaction."""
    again = True
    while again:
        with database.begin() as session:
            counts = [deliveries.expire(session, now, _CHUNK)]
            counts += [registry.clear(session, rule, now, _CHUNK) for rule in registry.TABLES]
        again = max(counts) == _CHUNK
        if again:
            pause(_PAUSE)


def clear_inbox(
    database: Database,
    now: datetime,
    pause: Callable[[float], None],
    text_hours: int,
    row_days: int,
) -> None:
    """In chunks, each its own transaction."""
    while True:
        with database.begin() as session:
            emptied, deleted = inbox.clear(session, now, text_hours, row_days, _CHUNK)
        if emptied or deleted:
            log.info("inbox_cleared", emptied=emptied, deleted=deleted)
        if max(emptied, deleted) < _CHUNK:
            return
        pause(_PAUSE)


def purge(database: Database, now: datetime, data_dir: Path) -> int:
    """Write new wishes down, then delete everything of those whose cooling off is over.

    What a restore goes by is on the disk before anything is gone: how many people.
    """
    record_wishes(database, now, data_dir)
    with database.read() as session:
        due = personal_data.due_deletions(session, now)
    for person_id in due:
        with database.begin() as session:
            personal_data.purge(session, person_id)
        log.info("person_purged")
    return len(due)


def record_wishes(database: Database, now: datetime, data_dir: Path) -> None:
    """The line is written before the commit: one too many does no harm."""
    with database.begin() as session:
        wishes = personal_data.unrecorded(session, now)
        lines = [
            deletions.Line(wish.addresses, wish.requested_at, wish.due_at, wish.withdrawn)
            for wish in wishes
        ]
        deletions.record(data_dir, lines)


def apply_deletions(database: Database, now: datetime, data_dir: Path) -> int:
    """After a restore: hide or purge again whom the backup has brought back; how many people."""
    again = 0
    for line in deletions.recorded(data_dir):
        wish = personal_data.Wish(line.addresses, line.requested_at, line.due_at, line.withdrawn)
        with database.begin() as session:
            again += personal_data.wish_again(session, wish, now)
    checkpoint(database.engine, whole=again > 0)
    return again
