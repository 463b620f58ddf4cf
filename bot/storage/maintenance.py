"""What keeps a SQLite file healthy and says which one this is."""

import sqlite3
from contextlib import closing

from sqlalchemy import Engine

# https://www.sqlite.org/wal.html#walresetbug: fixed in 3.51.3, 3.50.7 and 3.44.6.
_FIXED = ((3, 44, 6), (3, 50, 7), (3, 51, 3))


def checkpoint(engine: Engine, *, whole: bool = False) -> None:
    """Move the write-ahead log into the database file as far as no reader needs it.

    `whole` empties the log's file too, so that what was deleted is nowhere on the disk.
    """
    if engine.dialect.name != "sqlite":
        return
    # Past the engine's "begin" event: a checkpoint cannot run inside a transaction.
    with closing(engine.raw_connection()) as connection, closing(connection.cursor()) as cursor:
        cursor.execute(f"PRAGMA wal_checkpoint({'TRUNCATE' if whole else 'PASSIVE'})")


def sqlite_has_wal_bug(version: tuple[int, ...] = sqlite3.sqlite_version_info) -> bool:
    """Whether two connections that reset the log at once can corrupt the file (very rare)."""
    if version >= _FIXED[-1]:
        return False
    return not any(version[:2] == fixed[:2] and version >= fixed for fixed in _FIXED)
