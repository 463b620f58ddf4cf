"""Engines: the settings that make SQLite and PostgreSQL keep the same promises.

SQLite: WAL, foreign keys, secure_delete, and BEGIN IMMEDIATE for everything that may write (a
read that becomes a write under plain BEGIN is refused at once, busy timeout or not:
https://www.sqlite.org/lang_transaction.html). PostgreSQL: READ COMMITTED with a lock timeout.
"""

from typing import Any, Literal

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

Synchronous = Literal["FULL", "NORMAL"]
# The key in a connection's info for the wait that holds now.
_WAIT = "wait"


def build_engine(
    url: str | URL,
    *,
    wait: float,
    synchronous: Synchronous = "FULL",
    threads: int = 4,
    checkpoints: bool = True,
) -> Engine:
    """An engine whose writers wait at most `wait` seconds for a lock.

    No connection is opened here. Statement parameters, which hold what members typed, never
    reach an error's text (the DETAIL that PostgreSQL adds is masked in the log). With
    `checkpoints` off SQLite's write-ahead log is left to another process: before 3.51.3 two that
    reset it at once can corrupt the file (https://www.sqlite.org/wal.html#walresetbug).
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(parsed, wait, synchronous, threads, checkpoints)
    return _postgresql(parsed.set(drivername="postgresql+psycopg"), wait, threads)


def _sqlite(
    url: URL, wait: float, synchronous: Synchronous, threads: int, checkpoints: bool
) -> Engine:
    engine = create_engine(
        url,
        hide_parameters=True,
        connect_args={"timeout": wait, "check_same_thread": False},
        pool_size=threads + 2,
        max_overflow=0,
        pool_timeout=wait,
    )

    @event.listens_for(engine, "connect")
    def configure(connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
        record.info[_WAIT] = wait
        # The driver must not open transactions of its own: the "begin" event does.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute(f"PRAGMA synchronous={synchronous}")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute("PRAGMA secure_delete=ON")
        cursor.execute("PRAGMA cache_size=-32768")
        if not checkpoints:
            cursor.execute("PRAGMA wal_autocheckpoint=0")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        read_only = connection.get_execution_options().get("read_only", False)
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine


def _postgresql(url: URL, wait: float, threads: int) -> Engine:
    milliseconds = int(wait * 1000)
    options: dict[str, Any] = {
        "connect_timeout": max(2, int(wait)),
        "options": f"-c lock_timeout={milliseconds} -c statement_timeout={milliseconds + 500}"
        " -c timezone=UTC",
    }
    engine = create_engine(
        url,
        hide_parameters=True,
        isolation_level="READ COMMITTED",
        connect_args=options,
        pool_size=threads + 2,
        max_overflow=0,
        pool_timeout=wait,
        pool_pre_ping=True,
    )

    @event.listens_for(engine, "connect")
    def configure(_connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
        record.info[_WAIT] = wait

    return engine


def writer_of(engine: Engine) -> Engine:
    """An engine on the same pool without events: each statement pays for them (10 us).

    Nothing begins its transactions but begin_writing(); use it nowhere else.
    """
    return Engine(engine.pool, engine.dialect, engine.url, hide_parameters=True)


def begin_writing(connection: Connection, wait: float) -> None:
    """Begin a transaction that may write and waits at most `wait` seconds for a lock."""
    if wait != connection.info[_WAIT]:
        _wait_at_most(connection, wait)
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _wait_at_most(connection: Connection, wait: float) -> None:
    """SQLite keeps the busy timeout with the connection, PostgreSQL for the transaction."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"PRAGMA busy_timeout={int(wait * 1000)}")
        connection.info[_WAIT] = wait
    else:
        connection.exec_driver_sql(f"SET LOCAL lock_timeout={int(wait * 1000)}")
