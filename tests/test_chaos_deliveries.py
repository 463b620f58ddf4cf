"""kill -9 among workers that push: nothing is lost, and twice at most what was under way."""

import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import func, insert, select

from bot.bootstrap import Application, build, prepare_database, ways_of
from bot.cli.config_file import render
from bot.clock import Clock, elapsed, pause
from bot.config import load_settings
from bot.domain.messages import Channel, Notice
from bot.services import deliveries, outlet
from bot.services.deliveries import Saying
from bot.simulator.api import Api, serving_api
from bot.simulator.ledger import Faults
from bot.storage.models import Address, Delivery, OptIn, Person
from scheduler.worker import _GROUP, THREADS
from tests.platform import APP_ID, TOKEN
from tests.sending import SECRET

pytestmark = pytest.mark.chaos

LEASE = 3.0
# People for each life of a worker.
EACH = 40
TEMPLATE_ID = "tm-meeting"


class Workers:
    """Worker processes on one database, started and killed at will."""

    def __init__(self, config: Path) -> None:
        self._launcher = subprocess.Popen(
            [sys.executable, "-m", "tests.lives", str(config)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def start(self) -> int:
        assert self._launcher.stdin is not None
        assert self._launcher.stdout is not None
        self._launcher.stdin.write(f"worker {LEASE}\n")
        self._launcher.stdin.flush()
        return int(self._launcher.stdout.readline())

    def close(self) -> None:
        self._launcher.communicate(timeout=30)


@contextmanager
def everything(
    url: str, folder: Path, api: Api, **account: Any
) -> Iterator[tuple[Application, Workers]]:
    config = folder / "config.toml"
    with serving_api(api) as base:
        values = {
            "app_id": APP_ID, "token": TOKEN, "secret": SECRET, "kind": "service", "verified": True,
            "api_base": base, **account,
        }  # fmt: skip
        text = render(
            {"storage": {"url": url, "data_dir": str(folder)}, "official_account": values}
        )
        config.write_text(text, encoding="utf-8")
        application = build(load_settings(config, {}), "command")
        prepare_database(application)
        workers = Workers(config)
        try:
            yield application, workers
        finally:
            workers.close()
            application.database.dispose()


def enqueue(
    application: Application, api: Api, count: int, topic: str, *, window: bool
) -> list[str]:
    """Everybody is to be told one thing, now: their openids."""
    now = Clock().now()
    openids = [f"o{number:027}" for number in range(1, count + 1)]
    until = now + timedelta(hours=40) if window else None
    with application.database.begin() as session:
        session.execute(insert(Person), [{"created_at": now} for _ in openids])
        people = list(session.scalars(select(Person.id).order_by(Person.id)))
        session.execute(
            insert(Address),
            [
                {"channel": "official_account", "account": api.id, "value": openid, "person_id": person_id,
                 "message_left": 5, "message_until": until, "created_at": now}
                for person_id, openid in zip(people, openids, strict=True)
            ],
        )  # fmt: skip
        if not window:
            rows = [{"person_id": number, "topic": topic, "created_at": now} for number in people]
            session.execute(insert(OptIn), rows)
        outlet.configure(session, Channel.OFFICIAL_ACCOUNT, ways_of(application.settings), now)
        saying = Saying(topic, "chaos", Notice(topic, title="会议", lines=("今晚",)))
        assert deliveries.tell(session, people, 1, saying, now) == count
    if window:
        for openid in openids:
            api.heard(openid, "message")
    return openids


def counted(application: Application) -> Counter[str]:
    with application.database.read() as session:
        query = select(Delivery.state, func.count()).group_by(Delivery.state)
        return Counter(dict(session.execute(query).tuples().all()))


def finish(application: Application, workers: Workers, seconds: float = 90.0) -> Counter[str]:
    """One worker in peace, until nothing is open any more."""
    pid = workers.start()
    deadline = elapsed() + seconds
    while elapsed() < deadline:
        states = counted(application)
        if not states["queued"] and not states["sending"]:
            break
        pause(0.2)
    os.kill(pid, signal.SIGTERM)
    return counted(application)


def lives(workers: Workers, kills: int, dice: Random) -> None:
    """One or two workers at a time, each killed at a moment of its own."""
    for _ in range(kills):
        pids = [workers.start() for _ in range(dice.choice([1, 1, 2]))]
        pause(dice.uniform(0.02, 0.6))
        for pid in pids:
            os.kill(pid, signal.SIGKILL)


@pytest.fixture
def run(request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]) -> tuple[int, Random]:
    kills = request.config.getoption("--kills")
    seed = request.config.getoption("--seed") or random.randrange(10**6)  # noqa: S311
    with capsys.disabled():
        print(f"\n{kills} kills, --seed {seed}")  # noqa: T201
    return kills, Random(seed)  # noqa: S311


def test_none_is_lost_and_few_come_twice(
    empty_url: str, tmp_path: Path, run: tuple[int, Random]
) -> None:
    kills, dice = run
    faults = Faults(slow=0.02, http_error=0.005, busy=0.005, slow_seconds=0.3, random=dice)
    api = Api(APP_ID, SECRET, Clock(), faults=faults, round_trip=0.02)
    with everything(empty_url, tmp_path, api) as (application, workers):
        openids = enqueue(application, api, kills * EACH, "alert", window=True)
        lives(workers, kills, dice)
        states = finish(application, workers)
    arrived = Counter(sent.touser for sent in api.sent)
    assert states == {"sent": len(openids)}
    assert set(arrived) == set(openids)
    twice = sum(arrived.values()) - len(arrived)
    assert twice <= 2 * kills * (THREADS + _GROUP)


def test_the_platforms_key_leaves_no_duplicate(
    empty_url: str, tmp_path: Path, run: tuple[int, Random]
) -> None:
    """Also where an answer is lost after the effect."""
    kills, dice = run
    faults = Faults(drop=0.02, http_error=0.005, busy=0.005, random=dice)
    api = Api(APP_ID, SECRET, Clock(), faults=faults, round_trip=0.02)
    template = {
        "topic": "meeting", "way": "template", "id": TEMPLATE_ID,
        "fields": {"thing1": "title", "thing2": "line1"},
    }  # fmt: skip
    with everything(empty_url, tmp_path, api, template=[template]) as (application, workers):
        openids = enqueue(application, api, kills * EACH, "meeting", window=False)
        lives(workers, kills, dice)
        states = finish(application, workers)
    assert states == {"sent": len(openids)}
    assert Counter(sent.touser for sent in api.sent) == Counter(openids)


def test_sigterm_leaves_nothing_under_way(empty_url: str, tmp_path: Path) -> None:
    """What was begun is finished and written down, the rest is anybody's at once."""
    api = Api(APP_ID, SECRET, Clock(), round_trip=0.05)
    with everything(empty_url, tmp_path, api) as (application, workers):
        openids = enqueue(application, api, 600, "alert", window=True)
        for _ in range(3):
            pid = workers.start()
            pause(0.4)
            os.kill(pid, signal.SIGTERM)
            wait_for_end(pid)
            states = counted(application)
            assert states["sending"] == 0
            assert states["sent"] == len(api.sent)
        assert finish(application, workers) == {"sent": len(openids)}
    assert Counter(sent.touser for sent in api.sent) == Counter(openids)


def wait_for_end(pid: int) -> None:
    deadline = elapsed() + 20
    while elapsed() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        pause(0.05)
    raise AssertionError("the worker does not end")
