"""One scheduler at a time. For efficiency only: correctness rests on unique keys.

SQLite: flock on a file beside the database, freed by the kernel however the process ends.
PostgreSQL: an advisory lock on a connection of its own, asked again at every tick; a lost
connection is a lost lock.
"""

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from typing import IO

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from bot.ports import LeaderLock

# Any fixed number that no other program on the same database uses: "xueban" as bytes.
_LOCK_NUMBER = int.from_bytes(b"xueban")


class FileLock:
    def __init__(self, file: Path) -> None:
        self._path = file
        self._handle: IO[str] | None = None

    def held(self) -> bool:
        if self._handle is not None and self._is_current(self._handle):
            return True
        self.release()
        handle = self._path.open("a")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.close()
            return False
        self._handle = handle
        return True

    def _is_current(self, handle: IO[str]) -> bool:
        """Whether the path still names the locked file: one that was deleted locks nobody out."""
        try:
            return os.path.samestat(self._path.stat(), os.fstat(handle.fileno()))
        except FileNotFoundError:
            return False

    def release(self) -> None:
        if self._handle is not None:
            self._handle.close()
            self._handle = None


class AdvisoryLock:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._connection: Connection | None = None

    def held(self) -> bool:
        try:
            if self._connection is not None:
                self._connection.execute(text("SELECT 1"))
                return True
            connection = self._engine.connect()
            if connection.scalar(text(f"SELECT pg_try_advisory_lock({_LOCK_NUMBER})")):
                self._connection = connection
                return True
            connection.close()
        except DBAPIError:
            self.release()
        return False

    def release(self) -> None:
        """Closing is not enough: the pool would keep the connection and its lock."""
        if self._connection is not None:
            if not self._connection.invalidated:
                with suppress(DBAPIError):
                    # The server frees it some time after a connection has gone; this is at once.
                    self._connection.execute(text(f"SELECT pg_advisory_unlock({_LOCK_NUMBER})"))
            with suppress(DBAPIError):
                self._connection.invalidate()
            self._connection.close()
            self._connection = None


def leader_lock(engine: Engine, data_dir: Path) -> LeaderLock:
    if engine.dialect.name == "postgresql":
        return AdvisoryLock(engine)
    return FileLock(data_dir / "scheduler.lock")
