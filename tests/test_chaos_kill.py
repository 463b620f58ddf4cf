"""kill -9 in the middle of check-ins: nothing answered is lost, nothing is there twice."""

import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import func, select

from bot.bootstrap import build, prepare_database
from bot.cli.config_file import render
from bot.cli.demo_bot import free_port
from bot.clock import Clock
from bot.config import load_settings
from bot.simulator.official_account import UNAVAILABLE, Platform
from bot.storage.engine import build_engine
from bot.storage.models import Address, CheckIn, InboxMessage, Person
from bot.storage.session import Database
from tests.platform import AES_KEY, APP_ID, TOKEN, account, enrol

pytestmark = pytest.mark.chaos

SENDERS = 4
# Members that each connection has to check in within one life of the server.
MEMBERS = 25
DONE = ("打卡成功", "今天已经打过卡了")


class Lives:
    """One server after another on the same port and database."""

    def __init__(self, config: Path, port: int) -> None:
        self._port = port
        self._launcher = subprocess.Popen(
            [sys.executable, "-m", "tests.lives", str(config)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._pid = 0

    def start(self) -> None:
        assert self._launcher.stdin is not None
        assert self._launcher.stdout is not None
        self._launcher.stdin.write(f"web {self._port}\n")
        self._launcher.stdin.flush()
        self._pid = int(self._launcher.stdout.readline())

    def kill(self) -> None:
        os.kill(self._pid, signal.SIGKILL)

    def close(self) -> None:
        self._launcher.communicate(timeout=10)


@contextmanager
def lives(url: str, folder: Path) -> Iterator[tuple[Lives, str]]:
    config, port = folder / "config.toml", free_port()
    config.write_text(
        render(
            {
                "storage": {"url": url, "data_dir": str(folder)},
                "official_account": {"app_id": APP_ID, "token": TOKEN, "encoding_aes_key": AES_KEY},
            }
        ),
        encoding="utf-8",
    )
    server = Lives(config, port)
    yield server, f"http://127.0.0.1:{port}/callback/official-account"
    server.close()


def test_kill_during_bursts(
    empty_url: str,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
) -> None:
    kills = request.config.getoption("--kills")
    seed = request.config.getoption("--seed") or random.randrange(10**6)  # noqa: S311
    with capsys.disabled():
        print(f"\n{kills} kills, --seed {seed}")  # noqa: T201
    dice = random.Random(seed)  # noqa: S311
    unanswered: list[tuple[str, dict[str, str]]] = []
    sent = repeated = 0
    with lives(empty_url, tmp_path) as (server, callback):
        known = enrol_all(tmp_path / "config.toml", kills)
        for life in range(kills):
            server.start()
            repeated += len(unanswered)
            assert repeat(callback, unanswered) == []
            burst = Burst(callback, life)
            timer = threading.Timer(dice.uniform(0.01, 0.25), server.kill)
            timer.start()
            burst.run()
            timer.join()
            sent += burst.sent
            unanswered = burst.unanswered
        server.start()
        assert repeat(callback, unanswered) == []
        server.kill()
    assert repeated > kills / 10, "hardly a kill hit a message in work"
    check_rows(empty_url, sent, known)


class Burst:
    """Members who each check in once, through several connections, until the server is gone."""

    def __init__(self, callback: str, life: int) -> None:
        self._callback = callback
        self._life = life
        self._lock = threading.Lock()
        self.sent = 0
        self.unanswered: list[tuple[str, dict[str, str]]] = []

    def run(self) -> None:
        threads = [threading.Thread(target=self._send, args=(n,)) for n in range(SENDERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _send(self, sender: int) -> None:
        platform = Platform(account(self._callback), Clock(), attempts=1)
        for number in range(MEMBERS):
            openid = openid_of(self._life, sender, number)
            message = {
                "MsgType": "text",
                "Content": "打卡",
                "MsgId": f"{1 + self._life:04}{sender:02}{number:09}",
            }
            answer = platform.push(openid, message).text
            with self._lock:
                self.sent += 1
            if not answer.startswith(DONE):
                assert answer == UNAVAILABLE
                self.unanswered.append((openid, message))
                return


def repeat(
    callback: str, messages: list[tuple[str, dict[str, str]]]
) -> list[tuple[str, dict[str, str]]]:
    """What the platform does with what was not answered: the same message again."""
    platform = Platform(account(callback), Clock(), attempts=1)
    return [
        (openid, message)
        for openid, message in messages
        if not platform.push(openid, message).text.startswith(DONE)
    ]


def openid_of(life: int, sender: int, number: int) -> str:
    return f"o{life:06}{sender:02}{number:019}"


def enrol_all(config: Path, lives: int) -> int:
    """Make members of everybody who will check in: how many."""
    application = build(load_settings(config, {}), "command")
    prepare_database(application)
    openids = [
        openid_of(life, sender, number)
        for life in range(lives)
        for sender in range(SENDERS)
        for number in range(MEMBERS)
    ]
    enrol(application, *openids)
    application.database.dispose()
    return len(openids)


def check_rows(url: str, sent: int, known: int) -> None:
    engine = build_engine(url, wait=10)
    with Database(engine, wait=10).read() as session:
        for model in (InboxMessage, CheckIn):
            assert session.scalar(select(func.count()).select_from(model)) == sent
        for table in (Person, Address):
            assert session.scalar(select(func.count()).select_from(table)) == known
        assert session.scalar(select(func.count(func.distinct(CheckIn.person_id)))) == sent
    engine.dispose()
