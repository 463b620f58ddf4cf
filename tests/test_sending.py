"""Calls to the official account's API: one token for everybody, one new one a call, no leaks."""

import socket
import traceback
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from datetime import timedelta

import pytest
from flask import Flask

from bot.bootstrap import Application, open_database
from bot.clock import pause
from bot.domain.delivery import Remedy
from bot.errors import PlatformRefused, PlatformSilent
from bot.platforms.calls import TIMEOUT
from bot.platforms.official_account.client import Client
from bot.platforms.official_account.errcodes import _REMEDIES, remedy_of
from bot.simulator.api import Api, serving_api, serving_app
from bot.storage.tokens import DatabaseTokens
from tests.conftest import HandClock
from tests.platform import APP_ID

SECRET = "s3cr3t-of-the-account"
SEND = "/cgi-bin/message/custom/send"
TOKEN = "/cgi-bin/stable_token"
MESSAGE = {"touser": "oTESTmember", "msgtype": "text", "text": {"content": "你好"}}


@pytest.fixture
def api(clock: HandClock) -> Api:
    api = Api(APP_ID, SECRET, clock)
    api.heard("oTESTmember", "pay")  # as many messages as one likes
    return api


@pytest.fixture
def base(api: Api) -> Iterator[str]:
    with serving_api(api) as url:
        yield url


def client_of(
    application: Application, base: str, timeout: tuple[float, float] = TIMEOUT
) -> Client:
    tokens = DatabaseTokens(application.database, application.clock.now, pause)
    return Client(APP_ID, SECRET, base, tokens, application.clock.now, timeout)


def test_every_code_has_one_remedy() -> None:
    assert max(Counter(code for codes in _REMEDIES.values() for code in codes).values()) == 1
    assert set(_REMEDIES) == set(Remedy) - {Remedy.UNCLEAR}
    assert remedy_of(40001) is Remedy.TOKEN
    assert remedy_of(45009) is Remedy.QUOTA
    assert remedy_of(45011) is Remedy.FREQUENCY
    assert remedy_of(43101) is remedy_of(45015) is remedy_of(45047) is Remedy.DEFER
    assert remedy_of(48001) is Remedy.CAPABILITY
    assert remedy_of(123456) is Remedy.CONTENT


def test_a_message_goes_out_with_one_token_for_all(
    application: Application, api: Api, base: str, clock: HandClock
) -> None:
    for _ in range(3):
        client_of(application, base).call(SEND, MESSAGE)
    assert [one.body for one in api.sent] == [MESSAGE] * 3
    assert Counter(api.calls) == {TOKEN: 1, SEND: 3}
    # In its last 5 minutes a token is not used any more.
    clock.forward(timedelta(seconds=7200 - 299))
    client_of(application, base).call(SEND, MESSAGE)
    assert Counter(api.calls)[TOKEN] == 2


def test_at_a_cold_start_one_of_many_fetches(application: Application, api: Api, base: str) -> None:
    """Each with its own connections, as processes have."""
    with ExitStack() as stack:
        clients = []
        for _ in range(6):
            database = open_database(application.settings, "worker")
            stack.callback(database.dispose)
            tokens = DatabaseTokens(database, application.clock.now, pause)
            clients.append(Client(APP_ID, SECRET, base, tokens, application.clock.now))
        with ThreadPoolExecutor(6) as pool:
            for done in [pool.submit(one.call, SEND, MESSAGE) for one in clients]:
                done.result()
    assert Counter(api.calls) == {TOKEN: 1, SEND: 6}


def test_a_revoked_token_is_renewed_once(application: Application, api: Api, base: str) -> None:
    client = client_of(application, base)
    client.call(SEND, MESSAGE)
    api.revoke()
    client.call(SEND, MESSAGE)
    assert len(api.sent) == 2
    assert Counter(api.calls) == {TOKEN: 2, SEND: 3}


@pytest.mark.parametrize("code", [40001, 40014, 42001])
def test_a_token_that_is_never_good_costs_two_calls(
    application: Application, api: Api, base: str, code: int
) -> None:
    """wechatpy's client made 975 requests here."""
    api.refuse[SEND] = [code] * 1000
    with pytest.raises(PlatformRefused) as caught:
        client_of(application, base).call(SEND, MESSAGE)
    assert caught.value.code == code
    assert Counter(api.calls)[SEND] == 2
    assert Counter(api.calls)[TOKEN] <= 2


@pytest.mark.parametrize("code", [45015, 45047, 48001, 40003, -1])
def test_other_refusals_are_not_tried_again(
    application: Application, api: Api, base: str, code: int
) -> None:
    api.refuse[SEND] = [code]
    with pytest.raises(PlatformRefused) as caught:
        client_of(application, base).call(SEND, MESSAGE)
    assert caught.value.code == code
    assert Counter(api.calls)[SEND] == 1


def test_a_failed_fetch_lets_the_next_one_try_at_once(
    application: Application, api: Api, base: str
) -> None:
    api.refuse[TOKEN] = [40164]
    client = client_of(application, base)
    with pytest.raises(PlatformRefused):
        client.call(SEND, MESSAGE)
    client.call(SEND, MESSAGE)
    assert len(api.sent) == 1


def test_silence_says_whether_it_may_have_worked(application: Application, base: str) -> None:
    client_of(application, base).call(SEND, MESSAGE)
    with closing(socket.socket()) as server:
        server.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(PlatformSilent) as refused:
            client_of(application, address).call(SEND, MESSAGE)
        assert not refused.value.unclear
        server.listen()
        with pytest.raises(PlatformSilent) as silent:
            client_of(application, address, (0.5, 0.3)).call(SEND, MESSAGE)
        assert silent.value.unclear


@pytest.mark.parametrize(
    "body", ["[]", "<html>", '{"errcode": "x"}', "{}", '{"access_token": 1}', ""]
)
def test_an_answer_of_somebody_else_is_no_token(application: Application, body: str) -> None:
    """As of a proxy, or of a page for logging in to the campus network."""
    server = Flask("portal")
    server.post("/<path:path>")(lambda path: body)
    with serving_app(server) as base, pytest.raises(PlatformSilent):
        client_of(application, base).call(SEND, MESSAGE)


def test_no_trace_of_a_token_or_secret(
    application: Application, api: Api, base: str, capfd: pytest.CaptureFixture[str]
) -> None:
    client_of(application, base).call(SEND, MESSAGE)
    token = next(iter(api._tokens))
    api.refuse[SEND] = [45009]
    failures = []
    for address in (base, "http://127.0.0.1:9"):
        try:
            client_of(application, address).call(SEND, MESSAGE)
        except (PlatformRefused, PlatformSilent) as error:
            failures.append("".join(traceback.format_exception(error)))
    assert len(failures) == 2
    said = "".join([*failures, *capfd.readouterr()])
    for word in (token, SECRET, "oTESTmember"):
        assert word not in said
