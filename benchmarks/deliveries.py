"""Pushes to many: planned and enqueued, drained, and what members notice of it meanwhile.

uv run python -m benchmarks.deliveries [--people N] [--databases sqlite,postgresql] [--calls N]

Everything runs in one process beside the database. "Drained" has a platform that answers at once:
what is left is our own work. "At 50 ms" calls the sandbox over HTTP, 20 at a time, and is compared
with what 20 connections could do at best. The webhook's times come from `xueban serve` in a process
of its own, with 20 messages a second, while the whole audience drains (and a backup is written).
"""

import argparse
import gc
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import quantiles
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table
from sqlalchemy import func, insert, select, text

from benchmarks import facts, servers
from benchmarks.load import pace
from benchmarks.pushes import ACCOUNT_ID, APP_ID, TOKEN, Pushes
from bot import logs
from bot.bootstrap import Application, build, prepare_database
from bot.clock import Clock, elapsed, pause
from bot.config import load_settings
from bot.domain.delivery import Outcome, Push, Remedy, Way
from bot.domain.messages import Channel, Notice
from bot.domain.schedule import Rule
from bot.domain.schedule_text import parse_rule
from bot.platforms.official_account.client import Client
from bot.platforms.official_account.transport import OfficialAccountTransport
from bot.services import firing, outlet, schedule
from bot.services.firing import Call, CatchUp, Kind, Occasion, Skip
from bot.services.outbox import Rules
from bot.services.schedule import Wanted
from bot.simulator.api import Api, serving_api
from bot.storage.models import Address, Delivery, Membership, Person
from bot.storage.tokens import DatabaseTokens
from scheduler.tick import fire
from scheduler.worker import THREADS, Tools, Worker

_NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
_SECRET = "benchmark"
_ROUND_TRIP = 0.05
_RATE = 20
# Who writes to the webhook; they are members like the others.
_SENDERS = 200
_FIRST_PERSON = 1_000_000
_CHUNK = 10_000


class HeldClock(Clock):
    """A clock that stands still until it is told otherwise."""

    time = _NOON

    def now(self) -> datetime:
        return self.time


class AtOnce:
    """A platform that takes everything and costs nothing."""

    def send(self, push: Push) -> Outcome:
        return Outcome(Remedy.DONE)


def say(occasion: Occasion) -> Call | Skip:
    return Call("benchmark", Notice("video", title="本月视频", lines=("看完回复 已看",)))


KINDS = {"benchmark": Kind("benchmark", "announcement", say, CatchUp.ALWAYS)}


@contextmanager
def database(name: str, folder: Path) -> Iterator[str]:
    """The URL of a new database with default settings."""
    if name == "sqlite":
        yield f"sqlite:///{folder / 'xueban.db'}"
        return
    with servers.postgresql(0, folder) as url:
        yield url


def populate(application: Application, people: int) -> None:
    """Members who have all written within the last two days."""
    last = _FIRST_PERSON + people
    for first in range(_FIRST_PERSON, last, _CHUNK):
        _populate(application, range(first, min(first + _CHUNK, last)))
    with application.database.begin() as session:
        outlet.configure(session, Channel.OFFICIAL_ACCOUNT, [Way.CUSTOMER], _NOON)
    if application.database.dialect == "postgresql":
        with application.database.engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("ANALYZE"))


def _populate(application: Application, numbers: range) -> None:
    until = _NOON + timedelta(days=365)
    window = {"message_left": 5, "message_until": until}
    address = {"channel": Channel.OFFICIAL_ACCOUNT, "account": ACCOUNT_ID, "created_at": _NOON}
    member = {"community_id": 1, "role": "member", "since": _NOON}
    with application.database.begin() as session:
        session.execute(insert(Person), [{"id": n, "created_at": _NOON} for n in numbers])
        rows = [{**address, **window, "value": openid(n), "person_id": n} for n in numbers]
        session.execute(insert(Address), rows)
        session.execute(insert(Membership), [{**member, "person_id": n} for n in numbers])


def openid(number: int) -> str:
    return f"o{number:027}"


def enqueue(application: Application, clock: HeldClock, round_: int) -> float:
    """A slot has come: how many seconds until everybody has a delivery."""
    rule = parse_rule("每天 19:00")
    assert isinstance(rule, Rule)
    with application.database.begin() as session:
        schedule.declare(session, 1, Wanted(f"b{round_}", "benchmark", rule), clock.now())
    clock.time = _NOON + timedelta(days=round_, hours=7, minutes=10)
    begun = elapsed()
    fire(application.database, KINDS, application.library.packs, clock.now())
    while True:
        with application.database.begin() as session:
            if firing.expand(session, KINDS, clock.now()) is None:
                return elapsed() - begun


def worker_of(application: Application, clock: Clock, transport: Any) -> Worker:
    rules = Rules("{count}")
    return Worker(Tools(application.database, transport, rules, clock.now, elapsed, pause))


@contextmanager
def memory(found: list[float]) -> Iterator[None]:
    """How many MB more this process holds in the block, at most, is appended."""
    process, over = psutil.Process(), threading.Event()
    gc.collect()
    before = most = process.memory_info().rss

    def look() -> None:
        nonlocal most
        while not over.wait(0.05):
            most = max(most, process.memory_info().rss)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        found.append((most - before) / 2**20)


def drained(application: Application, clock: Clock, transport: Any) -> float:
    begun = elapsed()
    worker_of(application, clock, transport).drain()
    return elapsed() - begun


def over_http(application: Application, clock: HeldClock, calls: int) -> float:
    """Share of what 20 connections can do at 50 ms, over HTTP."""
    api = Api(APP_ID, _SECRET, Clock(), round_trip=_ROUND_TRIP)
    with application.database.read() as session:
        waiting = session.scalar(select(func.count()).where(Delivery.state == "queued")) or 0
    for number in range(_FIRST_PERSON, _FIRST_PERSON + waiting):
        api.heard(openid(number), "pay")
    with serving_api(api) as base:
        tokens = DatabaseTokens(application.database, Clock().now, pause)
        client = Client(APP_ID, _SECRET, base, tokens, Clock().now)
        client.check()
        worker = worker_of(application, clock, OfficialAccountTransport(client, "", {}))
        thread = worker.start()
        while len(api.sent) < THREADS:
            pause(0.001)
        begun, before = elapsed(), len(api.sent)
        while len(api.sent) < min(calls, waiting):
            pause(0.01)
        rate = (len(api.sent) - before) / (elapsed() - begun)
        worker.stop()
        thread.join()
    return rate / (THREADS / _ROUND_TRIP)


def webhook(
    application: Application, clock: HeldClock, config: Path, port: int, *, with_backup: bool
) -> tuple[float, float]:
    """p99 and the longest reply, in ms, while everything drains."""
    command = ["bot", "serve", "--config", str(config), "--web-only"]
    folder = config.parent
    with servers.running(command, folder) as process:
        servers.wait_until_up(port, process, folder)
        pushes = Pushes(_SENDERS)
        pace(port, pushes.take(_RATE), _RATE)
        worker = worker_of(application, clock, AtOnce())
        thread = worker.start()
        with _backing_up(config) if with_backup else nullcontext():
            phase = pace(port, pushes.take(_RATE * 6), _RATE)
        worker.stop()
        thread.join()
    times = sorted(phase.latencies)
    return quantiles(times, n=100)[98] * 1000, times[-1] * 1000


@contextmanager
def _backing_up(config: Path) -> Iterator[None]:
    """`xueban db backup` runs meanwhile."""
    target = str(config.parent / "backup")
    command = [sys.executable, "-m", "bot", "db", "backup", target, "--config", str(config)]
    with subprocess.Popen(command, env=servers.environment(), stdout=subprocess.DEVNULL) as process:
        yield
    if process.returncode:
        raise SystemExit("the backup failed")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--databases", default="sqlite,postgresql")
    parser.add_argument("--calls", type=int, default=4000)
    options = parser.parse_args()
    logs.configure("ERROR", "json")
    table = Table(title=f"{options.people:,} recipients", title_justify="left")
    for title in (
        "database", "enqueued s", "drained s", "memory grew MB", "at 50 ms", "webhook p99 ms",
        "max", "with backup p99", "max",
    ):  # fmt: skip
        table.add_column(title, justify="right")
    for name in options.databases.split(","):
        with tempfile.TemporaryDirectory() as temporary, database(name, Path(temporary)) as url:
            table.add_row(
                name, *(f"{value:.2f}" for value in measure(url, Path(temporary), options))
            )
    console = Console(width=140)
    console.print(table)
    for line in facts.lines(Path(tempfile.gettempdir())):
        console.print(line)


def measure(url: str, folder: Path, options: argparse.Namespace) -> list[float]:
    account = {
        "app_id": APP_ID,
        "token": TOKEN,
        "secret": _SECRET,
        "kind": "service",
        "verified": True,
    }
    config, port = servers.write_config(folder, {"url": url}, account)
    clock = HeldClock()
    application = replace(build(load_settings(config, {}), "worker"), clock=clock)
    prepare_database(application)
    outlet.RATE = outlet.BURST = 1e9
    servers.add_members(config, _SENDERS)
    populate(application, options.people)
    grown: list[float] = []
    with memory(grown):
        found = [enqueue(application, clock, 1), drained(application, clock, AtOnce())]
    found += grown
    enqueue(application, clock, 2)
    found.append(over_http(application, clock, options.calls))
    for round_, with_backup in ((3, False), (4, True)):
        # What the last round has left would be claimed with this one's.
        drained(application, clock, AtOnce())
        enqueue(application, clock, round_)
        found += webhook(application, clock, config, port, with_backup=with_backup)
    application.database.dispose()
    return found


if __name__ == "__main__":
    main()
