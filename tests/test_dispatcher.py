"""One message, one transaction: failures, repeats, limits, and a database that is busy."""

import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import create_engine, event, func, select
from sqlalchemy.engine.interfaces import DBAPIConnection

from bot import logs
from bot.bootstrap import Application
from bot.domain.messages import Channel, InboundMessage, MessageType, Notice
from bot.errors import RegistrationError
from bot.routing import RATE_LIMIT, Context, Dispatcher, Router
from bot.services import check_in
from bot.storage.models import CheckIn, InboxMessage
from bot.storage.session import Database
from content import loader
from handlers import ROUTERS
from tests.conftest import HandClock
from tests.platform import enrol

BUSY = "现在有点忙，没看到结果请过一分钟再发一次"


def message_of(
    application: Application, number: int, content: str = "打卡", sender: str = "oA"
) -> InboundMessage:
    return InboundMessage(
        channel=Channel.OFFICIAL_ACCOUNT,
        account="gh_1",
        key=number.to_bytes(32),
        sender=sender,
        conversation=sender,
        type=MessageType.TEXT,
        sent_at=application.clock.now(),
        text=content,
    )


def dispatcher_of(application: Application, *routers: Router) -> Dispatcher:
    return Dispatcher(application.database, routers, application.library.packs, "party-branch")


def say(application: Application, dispatcher: Dispatcher, message: InboundMessage) -> str:
    notice = dispatcher.dispatch(message, application.clock.now()).reply.notice
    return "\n".join(notice.lines) if notice else ""


@pytest.fixture(autouse=True)
def members(application: Application) -> None:
    """Those who write here are known: what is tested is the path, not the consent."""
    enrol(application, "oA", "oB", *(f"o{number}" for number in range(100)), account="gh_1")


def count(application: Application, model: type) -> int:
    with application.database.read() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def test_a_failing_handler_leaves_its_message_an_apology_and_a_traceback(
    application: Application, capsys: pytest.CaptureFixture[str]
) -> None:
    router = Router("broken")

    @router.otherwise
    def fail(context: Context) -> None:
        check_in.record(context.session, context.bound, context.now, "", context.now)
        raise ValueError("a mistake of ours")

    dispatcher = dispatcher_of(application, router)
    first = say(application, dispatcher, message_of(application, 1))
    again = say(application, dispatcher, message_of(application, 1))

    assert "刚才出错了" in first
    assert first == again
    with application.database.read() as session:
        reference = session.scalars(select(InboxMessage.reference)).one()
    assert reference is not None
    assert reference in first
    assert count(application, CheckIn) == 0
    log = capsys.readouterr().err
    assert "a mistake of ours" in log
    assert "Traceback" in log
    assert reference in log


@pytest.mark.parametrize("end", ["commit", "rollback"])
def test_a_handler_that_ends_the_transaction_fails(application: Application, end: str) -> None:
    router = Router("ends it")

    @router.otherwise
    def finish(context: Context) -> None:
        getattr(context.session, end)()

    assert "刚才出错了" in say(
        application, dispatcher_of(application, router), message_of(application, 1)
    )
    assert count(application, InboxMessage) == 1


def test_too_many_messages_in_a_minute(application: Application, clock: HandClock) -> None:
    dispatcher = application.dispatcher
    said = [
        say(application, dispatcher, message_of(application, n, "帮助"))
        for n in range(RATE_LIMIT + 3)
    ]
    other = say(application, dispatcher, message_of(application, 999, "帮助", sender="oB"))
    clock.forward(timedelta(seconds=61))
    later = say(application, dispatcher, message_of(application, 1000, "帮助"))

    assert all("打卡" in text for text in said[:RATE_LIMIT])
    assert said[RATE_LIMIT:] == ["发得有点快，请过一分钟再发。", "", ""]
    assert "打卡" in other
    assert "打卡" in later


def test_a_very_long_text_gets_a_sentence(application: Application) -> None:
    assert "太长" in say(
        application, application.dispatcher, message_of(application, 1, "打卡 " + "长" * 5000)
    )
    assert count(application, CheckIn) == 0


LOCKER = """
import sqlite3, sys, time
from sqlalchemy import create_engine, make_url, text
url = make_url(sys.argv[1])
if url.get_backend_name() == "sqlite":
    connection = sqlite3.connect(url.database, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
else:
    connection = create_engine(url).connect()
    connection.execute(text("LOCK TABLE inbox IN ACCESS EXCLUSIVE MODE"))
print("locked", flush=True)
time.sleep(10)
"""


@contextmanager
def locked(application: Application) -> Iterator[None]:
    """Another process holds what a writer needs, for ten seconds or until the block ends."""
    command = [sys.executable, "-c", LOCKER, application.settings.storage.url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "locked\n"
        yield
        assert other.poll() is None, "the lock was gone before the answers were there"
        other.kill()


def test_twenty_messages_while_the_database_is_locked(application: Application) -> None:
    """Each gets a sentence within 4.5 s, through as many threads as the server has."""
    # As a server does when it starts.
    application.dispatcher.learn()

    def timed(number: int) -> tuple[str, float]:
        message = message_of(application, number, sender=f"o{number}")
        return say(application, application.dispatcher, message), time.monotonic() - arrived

    arrived = time.monotonic()
    with locked(application), ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(timed, range(20)))
    after = say(application, application.dispatcher, message_of(application, 1))

    assert [text for text, _ in answers] == [BUSY] * 20
    assert max(seconds for _, seconds in answers) < 4.5
    assert "打卡成功" in after
    assert count(application, InboxMessage) == 1


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_a_full_disk(application: Application, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is half stored, the member gets a sentence, the log says why; then it goes on."""
    engine = application.database.engine
    size = 40
    application.database.dispose()

    @event.listens_for(engine, "connect")
    def small_disk(connection: DBAPIConnection, _record: object) -> None:
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA max_page_count={size}")
        cursor.close()

    answers = [
        say(
            application,
            application.dispatcher,
            message_of(application, number, "打卡 " + "字" * 490, sender=f"o{number}"),
        )
        for number in range(60)
    ]
    stored = sum("打卡成功" in answer for answer in answers)
    assert 0 < stored < 60
    assert set(answers[stored:]) == {BUSY}
    assert count(application, InboxMessage) == count(application, CheckIn) == stored
    assert "disk is full" in capsys.readouterr().err

    size = 10_000
    application.database.dispose()
    assert "打卡成功" in say(
        application, application.dispatcher, message_of(application, 99, sender="o99")
    )


def test_a_repeat_waits_for_the_first_and_gets_its_reply(application: Application) -> None:
    router, inside, go_on = Router("slow"), threading.Event(), threading.Event()

    @router.otherwise
    def slow(_context: Context) -> Notice:
        inside.set()
        go_on.wait(5)
        return Notice("slow", lines=("好了",))

    dispatcher = dispatcher_of(application, router)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(say, application, dispatcher, message_of(application, 1))
        inside.wait(5)
        repeat = pool.submit(say, application, dispatcher, message_of(application, 1))
        time.sleep(0.2)
        assert not repeat.done()
        go_on.set()
        assert (first.result(), repeat.result()) == ("好了", "好了")
    assert count(application, InboxMessage) == 1


def test_after_a_wait_has_run_out_the_next_ones_are_short(application: Application) -> None:
    with locked(application):
        say(application, application.dispatcher, message_of(application, 1))
        begin = time.monotonic()
        say(application, application.dispatcher, message_of(application, 2))
        assert time.monotonic() - begin < 1.5


@pytest.mark.parametrize(
    "register",
    [
        lambda router: router.command("打卡", help="help.help"),
        lambda router: router.command("新词", help="no.such.message"),
        lambda router: router.event("subscribe"),
        lambda router: router.in_group("绑定"),
    ],
)
def test_what_cannot_be_registered(
    register: Callable[[Router], Callable[[object], object]],
) -> None:
    router = Router("second")
    register(router)(lambda _context: None)

    with pytest.raises(RegistrationError):
        Dispatcher(NO_DATABASE, (*ROUTERS, router), loader.load().packs, "party-branch")


NO_DATABASE = Database(create_engine("sqlite://"), wait=1)


def test_one_router_cannot_claim_a_word_twice() -> None:
    router = Router("first")
    router.command("词", help="x")(lambda _context: None)

    with pytest.raises(RegistrationError):
        router.command("词", help="x")(lambda _context: None)

    router.in_group("词")(lambda _context: None)
    with pytest.raises(RegistrationError):
        router.in_group("词")(lambda _context: None)


def test_the_log_never_names_an_openid(
    application: Application, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    router = Router("broken")

    @router.otherwise
    def fail(context: Context) -> None:
        raise ValueError(f"{context.message.sender} sent sesame42 access_token=abc&x=1")

    logs.configure("INFO", "json", ["sesame42"])
    openid = "o9AgO5Kd5ggOC-bXrbNODIiE3bGY"
    say(application, dispatcher_of(application, router), message_of(application, 1, sender=openid))
    logging.getLogger("library").warning("for %s with sesame42", openid)

    log = capsys.readouterr().err
    assert "handler_failed" in log
    assert "library" in log
    assert openid not in log
    assert "sesame42" not in log
    assert "access_token=abc" not in log
