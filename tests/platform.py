"""The platform's values in tests, and a member who chats over signed HTTP."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

from werkzeug.serving import make_server

from bot.bootstrap import Application
from bot.domain.messages import Channel, InboundMessage, MessageType
from bot.services import person
from bot.simulator.official_account import Account, Platform
from bot.web.app import create_app

TOKEN = "testtoken123"
AES_KEY = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"
APP_ID = "wx0123456789abcdef"
OPENID = "oTESTmember00000000000000001"


@contextmanager
def serving(application: Application) -> Iterator[str]:
    """The application behind a real socket; yields the callback's URL."""
    server = make_server("127.0.0.1", 0, create_app(application), threaded=True)
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/callback/official-account"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def enrol(application: Application, *openids: str, account: str = "gh_sandbox00001") -> None:
    """These senders have agreed to the notice and are members of the first community."""
    with application.database.begin() as session:
        for openid in openids:
            message = InboundMessage(
                Channel.OFFICIAL_ACCOUNT, account, b"", openid, openid, MessageType.TEXT,
                application.clock.now(),
            )  # fmt: skip
            person.register(session, message, application.clock.now())


def account(callback: str, *, encrypted: bool = True) -> Account:
    return Account(callback, TOKEN, APP_ID, AES_KEY if encrypted else "")


def platform_of(application: Application, callback: str) -> Platform:
    """The sandbox's platform on the application's own clock."""
    return Platform(account(callback), application.clock)
