"""The tick, the leader lock, the heartbeat and the clearing of the inbox."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text
from werkzeug.test import TestResponse

from bot.bootstrap import Application, build_runner, tick_once
from bot.domain.messages import Channel, InboundMessage, MessageType
from bot.errors import DatabaseProblem
from bot.ports import LeaderLock
from bot.storage.engine import build_engine
from bot.storage.leader import FileLock, leader_lock
from bot.storage.models import InboxMessage
from bot.web.app import create_app
from scheduler.runner import Runner
from scheduler.tick import clear_inbox
from tests.conftest import HandClock


def receive(application: Application, number: int) -> None:
    message = InboundMessage(
        channel=Channel.OFFICIAL_ACCOUNT, account="gh", key=number.to_bytes(32), sender=f"o{number}",
        conversation="c", type=MessageType.TEXT, sent_at=application.clock.now(), text="打卡",
    )  # fmt: skip
    application.dispatcher.dispatch(message, application.clock.now())


def inbox(application: Application) -> list[tuple[str | None, bool]]:
    with application.database.read() as session:
        rows = session.scalars(select(InboxMessage).order_by(InboxMessage.id))
        return [(row.text, row.reply is not None) for row in rows]


def test_old_messages_lose_their_text_and_then_go(
    application: Application, clock: HandClock
) -> None:
    receive(application, 1)
    clock.forward(timedelta(hours=23, minutes=59))
    receive(application, 2)
    tick_once(application)
    assert inbox(application) == [("打卡", True), ("打卡", True)]

    clock.forward(timedelta(minutes=2))
    tick_once(application)
    assert inbox(application) == [(None, False), ("打卡", True)]

    clock.forward(timedelta(days=6, hours=1))
    tick_once(application)
    assert inbox(application) == [(None, False)]


def test_many_old_messages_go_in_chunks(application: Application, clock: HandClock) -> None:
    with application.database.begin() as session:
        session.add_all(
            InboxMessage(
                key=number.to_bytes(32), channel="c", account="a", sender="s", conversation="c",
                type="text", text="t", sent_at=clock.now(), received_at=clock.now(), reply=None, page=0,
            )
            for number in range(1201)
        )  # fmt: skip
    pauses: list[float] = []
    clock.forward(timedelta(days=8))
    clear_inbox(application.database, clock.now(), pauses.append, 24, 7)

    assert inbox(application) == []
    assert len(pauses) == 2


def test_a_repeat_after_the_clearing_is_answered_without_an_effect(
    application: Application, clock: HandClock
) -> None:
    receive(application, 1)
    clock.forward(timedelta(days=2))
    tick_once(application)
    receive(application, 1)
    assert inbox(application) == [(None, False)]


@pytest.fixture
def locks(application: Application) -> Iterator[list[LeaderLock]]:
    """Two processes' locks on one database, each over an engine of its own."""
    settings = application.settings
    engines = [build_engine(settings.storage.url, wait=3) for _ in range(2)]
    made = [leader_lock(engine, settings.storage.data_dir) for engine in engines]
    yield made
    for lock, engine in zip(made, engines, strict=True):
        lock.release()
        engine.dispose()


def test_one_leads_and_the_other_takes_over(locks: list[LeaderLock]) -> None:
    first, second = locks
    assert (first.held(), second.held()) == (True, False)
    assert (first.held(), second.held()) == (True, False)
    first.release()
    assert (second.held(), first.held()) == (True, False)


@pytest.mark.parametrize("dialect", ["postgresql"])
def test_a_leader_whose_connection_is_cut_steps_down(
    application: Application, locks: list[LeaderLock]
) -> None:
    first, second = locks
    assert first.held()
    with application.database.engine.connect() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
                " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            )
        )
    assert second.held()
    assert not first.held()


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_a_leader_whose_lock_file_is_deleted_steps_down(
    locks: list[LeaderLock], tmp_path: Path
) -> None:
    first, second = locks
    assert first.held()
    (tmp_path / "scheduler.lock").unlink()
    assert second.held()
    assert not first.held()


def test_the_runner_ticks_while_it_leads_and_outlives_an_error(locks: list[LeaderLock]) -> None:
    calls: list[int] = []

    def work() -> None:
        calls.append(1)
        if len(calls) == 1:
            raise RuntimeError("the first tick fails")

    holder, runner = locks[0], Runner(work, locks[1])
    assert holder.held()
    runner.run_once()
    assert calls == []
    holder.release()
    runner.run_once()
    runner.run_once()
    assert calls == [1, 1]


def health(application: Application) -> TestResponse:
    return create_app(application).test_client().get("/healthz")


def test_health_follows_the_tick(application: Application, clock: HandClock) -> None:
    client = create_app(application).test_client()
    assert client.get("/healthz").status_code == 200  # counts from the start
    clock.forward(timedelta(minutes=2, seconds=1))
    late = client.get("/healthz")
    assert late.status_code == 503
    assert "worker" in late.get_json()["status"]

    runner = build_runner(application)
    runner.run_once()
    runner.close()
    assert client.get("/healthz").get_json() == {"status": "ok", "tick_age_seconds": 0.0}
    clock.forward(timedelta(seconds=121))
    assert client.get("/healthz").status_code == 503


def test_health_says_when_the_database_is_gone(application: Application) -> None:
    with application.database.begin() as session:
        session.execute(text("DROP TABLE heartbeat"))
    response = health(application)
    assert response.status_code == 503
    assert response.get_json() == {"status": "database unreachable"}


def test_metrics_count_messages_and_name_nobody(application: Application) -> None:
    client = create_app(application).test_client()
    client.post("/callback/official-account", data=b"x")
    text_of = client.get("/metrics").get_data(as_text=True)

    assert 'xueban_refused_total{channel="official_account",status="403"} 1.0' in text_of
    assert "xueban_tick_age_seconds 0.0" in text_of


def test_an_error_page_names_a_reference_and_nothing_else(
    application: Application, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = replace(application, dispatcher=None)  # type: ignore[arg-type]
    app = create_app(broken)

    @app.get("/broken")
    def fail() -> str:
        raise RuntimeError("the inside of it")

    response = app.test_client().get("/broken")
    assert response.status_code == 500
    assert "the inside of it" not in response.get_data(as_text=True)
    reference = response.get_data(as_text=True).split("reference ")[1][:6]
    log = capsys.readouterr().err
    assert reference in log
    assert "the inside of it" in log


def test_unknown_pages_are_404(application: Application) -> None:
    assert create_app(application).test_client().get("/").status_code == 404


def test_a_step_that_fails_holds_up_no_other(application: Application, clock: HandClock) -> None:
    receive(application, 1)
    with application.database.begin() as session:
        session.execute(text("UPDATE community SET timezone = 'Nowhere/Land'"))
    clock.forward(timedelta(days=8))
    tick_once(application)
    assert inbox(application) == []
    assert health(application).status_code == 200


def test_a_lead_that_fails_is_tried_again(tmp_path: Path) -> None:
    heard: list[bool] = []

    def lead(leading: bool) -> None:
        heard.append(leading)
        if len(heard) == 1:
            raise DatabaseProblem("busy")

    ticks: list[None] = []
    runner = Runner(lambda: ticks.append(None), FileLock(tmp_path / "lock"), lead=lead)
    runner.run_once()
    assert (heard, ticks) == ([True], [])
    runner.run_once()
    runner.run_once()
    assert (heard, len(ticks)) == ([True, True], 2)
    runner.close()
    assert heard == [True, True, False]
