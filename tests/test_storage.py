"""What every connection and every table promises, on both databases."""

import sqlite3
import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import DateTime, inspect, select, text
from sqlalchemy.exc import IntegrityError, OperationalError, StatementError

from bot.bootstrap import Application
from bot.errors import SchemaOutdated
from bot.storage import schema
from bot.storage.engine import build_engine
from bot.storage.maintenance import checkpoint, sqlite_has_wal_bug
from bot.storage.models import Base, Community, Heartbeat, Person
from bot.storage.session import Database, insert_new
from bot.storage.types import UtcDateTime

NOW = datetime(2026, 11, 23, 9, 0, 0, 123456, tzinfo=timezone(timedelta(hours=8)))


def test_every_time_column_is_utc() -> None:
    plain = [
        f"{table.name}.{column.name}"
        for table in Base.metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, DateTime)
    ]
    times = [
        column
        for table in Base.metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, UtcDateTime)
    ]

    assert plain == []
    assert len(times) > 5


def test_times_come_back_aware_and_naive_ones_are_refused(application: Application) -> None:
    with application.database.begin() as session:
        session.add(Person(name="甲", created_at=NOW))
    with application.database.read() as session:
        found = session.scalars(select(Person.created_at)).one()
    assert found == NOW
    assert found.tzinfo is UTC

    with pytest.raises(StatementError), application.database.begin() as session:
        session.add(Person(name="乙", created_at=NOW.replace(tzinfo=None)))
        session.flush()


def test_the_migrations_make_what_the_models_say(empty_url: str) -> None:
    engine = build_engine(empty_url, wait=3)
    assert schema.is_empty(engine)
    schema.upgrade(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
    assert set(inspect(engine).get_table_names()) == {*Base.metadata.tables, "alembic_version"}
    schema.require_current(engine)
    engine.dispose()


def test_an_older_and_a_newer_schema_are_refused(application: Application) -> None:
    engine = application.database.engine
    for revision, sentence in (("0000", "newer than this program"), (None, "xueban db upgrade")):
        with engine.begin() as connection:
            connection.execute(text("DELETE FROM alembic_version"))
            if revision:
                connection.execute(
                    text("INSERT INTO alembic_version VALUES (:revision)"), {"revision": revision}
                )
        with pytest.raises(SchemaOutdated, match=sentence):
            schema.require_current(engine)


def test_every_connection_keeps_foreign_keys(application: Application) -> None:
    sessions = [application.database.engine.connect() for _ in range(4)]
    for connection in sessions:
        with pytest.raises(IntegrityError):
            connection.execute(
                text(
                    "INSERT INTO membership (person_id, community_id, role, since)"
                    " VALUES (999, 999, 'member', '2026-01-01 00:00:00+00:00')"
                )
            )
        connection.close()


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_sqlite_settings(application: Application) -> None:
    with application.database.engine.connect() as connection:

        def pragma(name: str) -> object:
            return connection.exec_driver_sql(f"PRAGMA {name}").scalar()

        assert pragma("journal_mode") == "wal"
        assert pragma("synchronous") == 2
        assert pragma("foreign_keys") == 1
        assert pragma("secure_delete") == 1
        assert pragma("busy_timeout") == 2600
        assert pragma("wal_autocheckpoint") == 0  # the worker's task


def test_an_error_names_no_value(application: Application) -> None:
    with pytest.raises(IntegrityError) as caught, application.database.begin() as session:
        session.execute(
            text("INSERT INTO person (id, name, created_at) VALUES (1, :name, NULL)"),
            {"name": "a secret of somebody"},
        )
    assert "a secret of somebody" not in str(caught.value.args[0]).split("DETAIL")[0]
    assert "[SQL parameters hidden" in str(caught.value)


def test_insert_new(application: Application) -> None:
    row = {"name": "一支部", "parent_id": None, "pack": "p", "timezone": "UTC",
           "quiet_hours": "", "daily_message_budget": 3, "created_at": NOW}  # fmt: skip
    with application.database.begin() as session:
        first = insert_new(session, Community, **row)
        second = insert_new(session, Community, **{**row, "pack": "other"})
        packs = session.scalars(select(Community.pack).where(Community.name == "一支部")).all()

    assert first is not None
    assert (second, packs) == (None, ["p"])


def test_a_transaction_that_fails_leaves_nothing(application: Application) -> None:
    with pytest.raises(ZeroDivisionError), application.database.begin() as session:
        session.add(Person(name="甲", created_at=NOW))
        session.flush()
        raise ZeroDivisionError
    with application.database.read() as session:
        assert session.scalars(select(Person)).all() == []


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_writers_that_read_first_are_never_refused(application: Application) -> None:
    """With a plain BEGIN this fails at once, busy timeout or not."""
    with application.database.begin() as session:
        session.add(Heartbeat(name="n", at=NOW))
    errors: list[Exception] = []

    def work() -> None:
        engine = build_engine(application.settings.storage.database_url, wait=10)
        own = Database(engine, wait=10)
        try:
            for _ in range(20):
                with own.begin() as session:
                    row = session.get_one(Heartbeat, "n")
                    row.at += timedelta(seconds=1)
        except Exception as error:
            errors.append(error)
        engine.dispose()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    with application.database.read() as session:
        assert session.get_one(Heartbeat, "n").at == NOW + timedelta(seconds=80)


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_reading_waits_for_nobody(application: Application, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "xueban.db", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        with application.database.read() as session:
            assert len(session.scalars(select(Community)).all()) == 1
            with pytest.raises(OperationalError):
                session.add(Person(name="x", created_at=NOW))
                session.flush()
        other.execute("ROLLBACK")


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_a_checkpoint_empties_the_log(application: Application, tmp_path: Path) -> None:
    with application.database.begin() as session:
        session.add(Person(name="甲", created_at=NOW))
    checkpoint(application.database.engine)
    with sqlite3.connect(f"file:{tmp_path / 'xueban.db'}?immutable=1", uri=True) as alone:
        assert alone.execute("SELECT name FROM person").fetchall() == [("甲",)]
    alone.close()


@pytest.mark.parametrize(
    ("version", "bad"),
    [((3, 40, 1), True), ((3, 44, 5), True), ((3, 44, 6), False), ((3, 45, 0), True),
     ((3, 50, 6), True), ((3, 50, 7), False), ((3, 51, 2), True), ((3, 51, 3), False), ((3, 53, 0), False)],
)  # fmt: skip
def test_which_sqlite_has_the_bug(version: tuple[int, ...], bad: bool) -> None:
    assert sqlite_has_wal_bug(version) is bad
