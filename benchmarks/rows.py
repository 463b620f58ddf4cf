"""The rows of the table: each a server that answers the platform's pushes."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sqlalchemy import create_engine, make_url

from benchmarks import servers
from benchmarks.pushes import TEXT
from bot.cli.demo_bot import free_port

SERVER_CORE, LOAD_CORE = 0, 1


@dataclass(frozen=True)
class Running:
    """A server that answers on `port`; `config` is that of ours, None for a peer."""

    port: int
    durable: str
    folder: Path
    config: Path | None = None


@dataclass(frozen=True)
class Row:
    """`expected` is part of every right reply; `start(folder, members)` opens the server."""

    key: str
    title: str
    expected: str
    start: Callable[[ExitStack, Path, int], Running]


def _ours(
    synchronous: str, stack: ExitStack, folder: Path, members: int, *, worker: bool = False
) -> Running:
    config, port = servers.write_config(folder, {"synchronous": synchronous})
    _serve(stack, config, port, members, worker=worker)
    return Running(port, f"WAL, synchronous={synchronous}", folder, config)


def _ours_postgresql(stack: ExitStack, folder: Path, members: int) -> Running:
    url = stack.enter_context(servers.postgresql(SERVER_CORE, folder))
    config, port = servers.write_config(folder, {"url": url})
    _serve(stack, config, port, members)
    return Running(port, _durability_of(url), folder, config)


def _serve(
    stack: ExitStack, config: Path, port: int, members: int, *, worker: bool = False
) -> None:
    servers.add_members(config, members)
    command = ["bot", "serve", "--config", str(config), *([] if worker else ["--web-only"])]
    process = stack.enter_context(servers.running(command, config.parent, SERVER_CORE))
    servers.wait_until_up(port, process, config.parent)


def _peer(name: str, durable: str, stack: ExitStack, folder: Path, _members: int) -> Running:
    port = free_port()
    command = ["benchmarks.peers", name, str(port)]
    process = stack.enter_context(servers.running(command, folder, SERVER_CORE))
    servers.wait_until_up(port, process, folder)
    return Running(port, durable, folder)


def _durability_of(url: str) -> str:
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"))
    with engine.connect() as connection:
        names = ("server_version", "fsync", "synchronous_commit")
        found = [connection.exec_driver_sql(f"SHOW {name}").scalar() for name in names]
    engine.dispose()
    return "{}, fsync={}, synchronous_commit={}".format(*found)


_DONE = "打卡成功"
ROWS = (
    Row("full", "学伴, SQLite", _DONE, partial(_ours, "FULL")),
    Row("normal", "学伴, SQLite", _DONE, partial(_ours, "NORMAL")),
    Row("postgresql", "学伴, PostgreSQL", _DONE, _ours_postgresql),
    Row(
        "werobot",
        "WeRoBot echo, its SQLite sessions",
        TEXT,
        partial(_peer, "werobot_sessions", "rollback journal, synchronous=FULL"),
    ),
    Row(
        "werobot-stateless",
        "WeRoBot echo, no sessions",
        TEXT,
        partial(_peer, "werobot_stateless", "stores nothing"),
    ),
    Row(
        "wechatpy",
        "Flask + wechatpy echo",
        TEXT,
        partial(_peer, "wechatpy_flask", "stores nothing"),
    ),
)
PEERS = ("werobot", "werobot-stateless", "wechatpy")
# With the worker: nothing else brings SQLite's log into the file, and it would only grow.
SOAKED = Row("soak", "学伴, SQLite", _DONE, partial(_ours, "FULL", worker=True))


@contextmanager
def opened(rows: list[Row], folder: Path, members: int) -> Iterator[dict[str, Running]]:
    """All of them started, each with its data in a folder of its own."""
    with ExitStack() as stack:
        found = {}
        for row in rows:
            own = folder / row.key
            own.mkdir()
            found[row.key] = row.start(stack, own, members)
        yield found
