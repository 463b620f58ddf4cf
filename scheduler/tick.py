"""One tick: what the leader does every few seconds. Losing one costs nothing."""

from collections.abc import Callable
from datetime import datetime

import structlog

from bot.services import heartbeat, inbox
from bot.storage.maintenance import checkpoint
from bot.storage.session import Database

log = structlog.get_logger(__name__)

_CHUNK = 500
# SQLite has one writer: what waits for it between two chunks must get its turn.
_PAUSE = 0.01


def tick(
    database: Database,
    now: datetime,
    pause: Callable[[float], None],
    *,
    text_hours: int,
    row_days: int,
) -> None:
    """Beat, clear old inbox rows in chunks, and bring SQLite's log into the file."""
    with database.begin() as session:
        heartbeat.beat(session, heartbeat.TICK, now)
    while True:
        with database.begin() as session:
            emptied, deleted = inbox.clear(session, now, text_hours, row_days, _CHUNK)
        if emptied or deleted:
            log.info("inbox_cleared", emptied=emptied, deleted=deleted)
        if max(emptied, deleted) < _CHUNK:
            break
        pause(_PAUSE)
    checkpoint(database.engine)
