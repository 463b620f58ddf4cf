"""Pushes through a WeCom app: what arrives, and what is made of each answer."""

import json
import logging
import re
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
import requests

from bot.clock import pause
from bot.domain.delivery import Outcome, Push, Remedy, Way
from bot.domain.messages import Link, Notice
from bot.errors import OverLimit, PlatformRefused
from bot.platforms.wecom_app import endpoints
from bot.platforms.wecom_app.client import TOKEN_PATH
from bot.platforms.wecom_app.transport import WecomAppTransport
from bot.ports import Transport
from bot.simulator.ledger import Fault
from bot.simulator.server import Request, Response, serving
from bot.simulator.wecom.app_api import AppApi
from bot.storage.engine import build_engine
from bot.storage.session import Database
from bot.storage.tokens import DatabaseTokens
from tests.conftest import HandClock
from tests.sending import MemoryTokens
from tests.wecom_app import AGENT, CORP, OTHER, SECRET, USER, app_api, app_client

SEND = "/cgi-bin/message/send"
MORE = "（第 {page} 页，共 {pages} 页）"
NOTICE = Notice(
    "meeting",
    title="支部大会",
    lines=("11月23日 09:00", "三楼会议室"),
    link=Link("看会议", "https://xueban.example/m/1"),
)
TEXT = '支部大会\n11月23日 09:00\n三楼会议室\n<a href="https://xueban.example/m/1">看会议</a>'
PUSH = Push(Way.WECOM_APP, USER, "meeting", NOTICE, "k" * 32)
UNKNOWN = "nobody"


@pytest.fixture
def dialect() -> str:
    """Which database it is makes no difference here."""
    return "sqlite"


@pytest.fixture
def api(clock: HandClock) -> AppApi:
    return app_api(clock, USER, OTHER)


@pytest.fixture
def base(api: AppApi) -> Iterator[str]:
    with serving(api.handle) as url:
        yield url


@pytest.fixture
def transport(base: str, clock: HandClock) -> WecomAppTransport:
    return transport_at(base, clock)


def transport_at(
    base: str, clock: HandClock, timeout: tuple[float, float] = (1, 0.5), secret: str = SECRET
) -> WecomAppTransport:
    return WecomAppTransport(app_client(base, clock, timeout=timeout, secret=secret), MORE)


def to(*userids: str, notice: Notice = NOTICE) -> list[Push]:
    return [PUSH._replace(address=userid, notice=notice) for userid in userids]


def remedies(outcomes: list[Outcome]) -> list[Remedy]:
    return [outcome.remedy for outcome in outcomes]


# What arrives


def test_a_text_is_the_whole_notice(transport: Transport, api: AppApi) -> None:
    done = transport.send(PUSH)
    assert (done.remedy, done.platform_id) == (Remedy.DONE, "msg1")
    assert [one.body for one in api.sent] == [
        {
            "touser": USER,
            "msgtype": "text",
            "agentid": AGENT,
            "text": {"content": TEXT},
            "enable_duplicate_check": 1,
            "duplicate_check_interval": 660,
        }
    ]


def test_of_a_long_notice_the_first_page_is_sent(transport: Transport, api: AppApi) -> None:
    long = replace(NOTICE, lines=tuple(f"第{number}行" * 20 for number in range(60)))
    assert transport.send(PUSH._replace(notice=long)).remedy is Remedy.DONE
    ((_, text),) = api.shown()
    assert 1500 < len(text.encode()) <= 2048
    assert "（第 1 页，共 " in text.splitlines()[-1]


def test_what_is_too_much_is_not_sent(base: str, clock: HandClock, api: AppApi) -> None:
    client = app_client(base, clock)
    with pytest.raises(OverLimit, match="2048 bytes"):
        endpoints.send_text(client, [USER], "字" * 683)
    with pytest.raises(OverLimit, match="1000 members"):
        endpoints.send_text(client, ["u"] * 1001, "字")
    with pytest.raises(OverLimit):
        endpoints.send_text(client, [], "字")
    assert api.calls == []
    assert endpoints.send_text(client, [USER], "字" * 682 + "\x00\ud800").number


def test_the_platform_cuts_what_is_too_long(base: str, clock: HandClock, api: AppApi) -> None:
    body = {"touser": USER, "msgtype": "text", "agentid": AGENT, "text": {"content": "字" * 700}}
    app_client(base, clock).call(SEND, body)
    assert api.shown() == [(USER, "字" * 682)]


# Who gets it


def test_who_is_no_member_is_told_from_the_others(
    transport: WecomAppTransport, api: AppApi
) -> None:
    """The platform names them in small letters."""
    api.unlicensed = {OTHER.upper()}
    outcomes = transport.send_all(to("NoBody", USER, OTHER, USER))
    assert remedies(outcomes) == [Remedy.RECIPIENT, Remedy.DONE, Remedy.RECIPIENT, Remedy.DONE]
    assert api.shown() == [(USER, TEXT)]
    assert Counter(api.calls)[SEND] == 1


def test_nobody_is_a_member(transport: WecomAppTransport, api: AppApi) -> None:
    outcomes = transport.send_all(to(UNKNOWN, "also-nobody"))
    assert [(one.remedy, one.code) for one in outcomes] == [(Remedy.RECIPIENT, 81013)] * 2
    assert transport.send(PUSH._replace(address=UNKNOWN)).code == 81013
    assert UNKNOWN not in "".join(one.reason for one in outcomes)
    assert api.sent == []


@pytest.mark.parametrize("address", ["@all", "a|b", "", "王五", "a b", "u" * 65, "a\n", "|"])
def test_what_is_no_userid_reaches_nobody(
    transport: WecomAppTransport, api: AppApi, address: str
) -> None:
    """Least of all everybody."""
    assert transport.send(PUSH._replace(address=address)).remedy is Remedy.RECIPIENT
    assert remedies(transport.send_all(to(address, USER))) == [Remedy.RECIPIENT, Remedy.DONE]
    assert api.shown() == [(USER, TEXT)]


def test_thousands_go_out_in_few_calls(clock: HandClock) -> None:
    people = [f"u{number}" for number in range(2500)]
    api = app_api(clock, *(name for name in people if not name.endswith("7")))
    with serving(api.handle) as base:
        outcomes = transport_at(base, clock, (3, 10)).send_all(to(*people))
    assert Counter(api.calls) == {TOKEN_PATH: 1, SEND: 3}
    assert [one.remedy is Remedy.DONE for one in outcomes] == [
        not name.endswith("7") for name in people
    ]
    assert [one.platform_id for one in outcomes[:2] + outcomes[1000:1002]] == [
        "msg1", "msg1", "msg2", "msg2",
    ]  # fmt: skip
    assert [name for name, _ in api.shown()] == [name for name in people if not name.endswith("7")]


def test_one_batch_that_fails_leaves_the_others_alone(
    api: AppApi, base: str, clock: HandClock
) -> None:
    api.members = None
    api.next_faults.extend(["drop", "busy"])
    outcomes = transport_at(base, clock).send_all(to(*(f"u{number}" for number in range(2001))))
    assert remedies(outcomes) == [Remedy.UNCLEAR] * 1000 + [Remedy.RETRY] * 1000 + [Remedy.DONE]


def test_everybody_gets_their_own_notice(transport: WecomAppTransport, api: AppApi) -> None:
    other = replace(NOTICE, title="另一件事", lines=(), link=None)
    pushes = [*to(USER), *to(OTHER, notice=other), *to(OTHER), *to(UNKNOWN, notice=other)]
    outcomes = transport.send_all(pushes)
    assert remedies(outcomes) == [Remedy.DONE, Remedy.DONE, Remedy.DONE, Remedy.RECIPIENT]
    assert sorted(api.shown()) == sorted([(USER, TEXT), (OTHER, TEXT), (OTHER, "另一件事")])
    assert transport.send_all([]) == []


# Once, and not too fast


def test_what_is_tried_again_is_shown_once(
    transport: WecomAppTransport, api: AppApi, clock: HandClock
) -> None:
    api.next_faults.append("drop")
    assert remedies(transport.send_all(to(USER, OTHER))) == [Remedy.UNCLEAR] * 2
    clock.forward(timedelta(minutes=10))
    assert remedies(transport.send_all(to(USER, OTHER))) == [Remedy.DONE] * 2
    assert len(api.shown()) == 2
    assert [one.fate for one in api.sent] == ["shown", "shown", "repeated", "repeated"]
    clock.forward(timedelta(minutes=1))
    transport.send(PUSH)
    assert len(api.shown()) == 3
    transport.send(PUSH._replace(notice=replace(NOTICE, title="改期")))
    assert len(api.shown()) == 4


def test_the_platform_drops_what_is_too_much_for_one_member_and_says_nothing(
    transport: WecomAppTransport, api: AppApi, clock: HandClock
) -> None:
    def say(count: int) -> Counter[str]:
        """What became of so many different messages."""
        start = len(api.sent)
        for number in range(start, start + count):
            notice = replace(NOTICE, title=str(number))
            assert transport.send(PUSH._replace(notice=notice)).remedy is Remedy.DONE
        return Counter(one.fate for one in api.sent[start:])

    assert say(32) == {"shown": 30, "dropped": 2}
    assert transport.send(PUSH._replace(address=OTHER)).remedy is Remedy.DONE
    assert api.sent[-1].fate == "shown"
    clock.forward(timedelta(minutes=1))
    assert say(1) == {"shown": 1}
    api.most[1].count = 32
    assert say(2) == {"shown": 1, "dropped": 1}


def test_too_many_calls_rest_for_a_minute(
    transport: WecomAppTransport, api: AppApi, clock: HandClock
) -> None:
    api.a_minute = 1
    assert transport.send(PUSH).remedy is Remedy.DONE
    outcome = transport.send(PUSH)
    assert (outcome.remedy, outcome.code) == (Remedy.FREQUENCY, 45009)
    clock.forward(timedelta(seconds=59))
    assert transport.send(PUSH).remedy is Remedy.FREQUENCY
    clock.forward(timedelta(seconds=1))
    assert transport.send(PUSH).remedy is Remedy.DONE


# The token


def test_a_token_is_asked_for_once_and_renewed_when_it_ends(
    transport: WecomAppTransport, api: AppApi, clock: HandClock
) -> None:
    for _ in range(3):
        transport.send(PUSH)
    assert Counter(api.calls)[TOKEN_PATH] == 1
    clock.forward(timedelta(seconds=7200))
    assert transport.send(PUSH).remedy is Remedy.DONE
    assert Counter(api.calls)[TOKEN_PATH] == 2
    api.revoke()
    assert transport.send(PUSH).remedy is Remedy.DONE
    assert Counter(api.calls)[TOKEN_PATH] == 3


def test_the_same_token_is_given_again_until_it_ends(base: str, clock: HandClock) -> None:
    def asked(**other: str) -> tuple[int, str, int]:
        query = {"corpid": CORP, "corpsecret": SECRET, **other}
        told = requests.get(f"{base}{TOKEN_PATH}", params=query, timeout=5).json()
        return told["errcode"], told.get("access_token", ""), told.get("expires_in", 0)

    code, token, seconds = asked()
    assert (code, seconds) == (0, 7200)
    clock.forward(timedelta(hours=1))
    assert asked() == (0, token, 3600)
    clock.forward(timedelta(hours=1))
    assert asked()[1] not in ("", token)
    assert asked(corpid="wwother")[0] == 40013
    assert asked(corpsecret="other")[0] == 40001
    assert (asked(corpid="")[0], asked(corpsecret="")[0]) == (41002, 41004)


def test_two_processes_share_a_token_and_nobody_elses(
    database_url: str, base: str, clock: HandClock, api: AppApi
) -> None:
    engine = build_engine(database_url, wait=10)
    database = Database(engine, wait=10)
    tokens = DatabaseTokens(database, clock.now, pause)
    tokens.renew(CORP, None, lambda: ("somebody-elses", clock.now() + timedelta(hours=2)))
    for _ in range(2):
        client = app_client(base, clock, tokens)
        assert WecomAppTransport(client, MORE).send(PUSH).remedy is Remedy.DONE
    assert Counter(api.calls)[TOKEN_PATH] == 1
    assert tokens.current(CORP) == "somebody-elses"
    database.dispose()


def test_twenty_threads_with_a_revoked_token_ask_for_one(
    base: str, clock: HandClock, api: AppApi
) -> None:
    api.members = None
    transport = transport_at(base, clock, (3, 10))
    transport.send(PUSH)
    api.revoke()
    with ThreadPoolExecutor(20) as pool:
        outcomes = list(pool.map(lambda n: transport.send(to(f"u{n}")[0]), range(40)))
    assert set(remedies(outcomes)) == {Remedy.DONE}
    assert Counter(api.calls)[TOKEN_PATH] == 2
    assert len(api.shown()) == 41


# What each answer means


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        (-1, Remedy.RETRY),
        (45033, Remedy.RETRY),
        (45009, Remedy.FREQUENCY),
        (40003, Remedy.RECIPIENT),
        (60011, Remedy.RECIPIENT),
        (81013, Remedy.RECIPIENT),
        (44004, Remedy.CONTENT),
        (123456, Remedy.CONTENT),
        (48002, Remedy.CAPABILITY),
        (40001, Remedy.CONFIGURATION),
        (60020, Remedy.CONFIGURATION),
        (301002, Remedy.CONFIGURATION),
        (50003, Remedy.CONFIGURATION),
    ],
)
def test_what_each_refusal_means(
    transport: WecomAppTransport, api: AppApi, code: int, remedy: Remedy
) -> None:
    api.refuse[SEND] = [code]
    outcomes = transport.send_all(to(USER, OTHER))
    assert [(one.remedy, one.code) for one in outcomes] == [(remedy, code)] * 2
    assert "hint: [" in outcomes[0].reason
    assert Counter(api.calls)[SEND] == 1


@pytest.mark.parametrize("code", [40014, 41001, 42001])
def test_a_token_that_stays_bad_is_tried_later(
    transport: WecomAppTransport, api: AppApi, code: int
) -> None:
    api.refuse[SEND] = [code]
    assert transport.send(PUSH).remedy is Remedy.DONE
    api.refuse[SEND] = [code] * 9
    outcome = transport.send(PUSH)
    assert (outcome.remedy, outcome.code) == (Remedy.RETRY, code)
    assert len(api.refuse[SEND]) == 7


@pytest.mark.parametrize("code", [40001, 40013, 40014, 40091, 60020])
def test_a_token_that_is_not_given_lies_with_the_configuration(
    transport: WecomAppTransport, api: AppApi, code: int
) -> None:
    api.refuse[TOKEN_PATH] = [code]
    outcome = transport.send(PUSH)
    assert (outcome.remedy, outcome.code) == (Remedy.CONFIGURATION, code)
    assert api.sent == []


def test_what_the_operator_has_set_wrong(base: str, clock: HandClock, api: AppApi) -> None:
    outcome = transport_at(base, clock, secret="wr0ng-secret").send(PUSH)
    assert (outcome.remedy, outcome.code) == (Remedy.CONFIGURATION, 40001)
    transport = transport_at(base, clock)
    api.trusted = ("10.0.0.1",)
    assert transport.send(PUSH).code == 60020
    assert "127.0.0.1" in transport.send(PUSH).reason, "which address to trust"
    api.trusted, api.closed = ("127.0.0.1",), True
    assert transport.send(PUSH).code == 50003
    api.closed, api.agent_id = False, 3
    assert transport.send(PUSH).code == 301002


def test_whether_the_app_is_switched_on(base: str, clock: HandClock, api: AppApi) -> None:
    client = app_client(base, clock)
    assert endpoints.is_app_on(client)
    api.closed = True
    assert not endpoints.is_app_on(client)
    api.agent_id = 3
    with pytest.raises(PlatformRefused):
        endpoints.is_app_on(client)


@pytest.mark.parametrize(
    ("fault", "remedy", "arrived"),
    [
        ("drop", Remedy.UNCLEAR, 1),
        ("slow", Remedy.UNCLEAR, 1),
        ("http_error", Remedy.UNCLEAR, 0),
        ("busy", Remedy.RETRY, 0),
        ("quota", Remedy.FREQUENCY, 0),
        ("revoke", Remedy.DONE, 1),
    ],
)
def test_what_each_fault_means(
    transport: WecomAppTransport, api: AppApi, fault: Fault, remedy: Remedy, arrived: int
) -> None:
    api.next_faults.append(fault)
    assert transport.send(PUSH).remedy is remedy
    assert len(api.shown()) == arrived


def test_nobody_there_is_tried_again(clock: HandClock) -> None:
    outcomes = transport_at("http://127.0.0.1:9", clock).send_all(to(USER, OTHER))
    assert [(one.remedy, one.code) for one in outcomes] == [(Remedy.RETRY, 0)] * 2


def test_no_outcome_and_no_log_names_a_token_secret_or_userid(
    clock: HandClock, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Whatever the platform says."""
    token = "tttttttttttttttttoken"
    answers: list[Response] = []

    def answer(request: Request) -> Response:
        if request.path == TOKEN_PATH:
            return Response(json.dumps({"access_token": token, "expires_in": 7200}).encode())
        return answers.pop(0)

    caplog.set_level(logging.INFO)
    said = f"for {USER.lower()}, {OTHER}: {token} {SECRET} " * 3
    reasons = []
    with serving(answer) as base:
        client = app_client(base, clock, MemoryTokens(clock.now), (1, 0.5))
        transport = WecomAppTransport(client, MORE)
        for code in (45009, 81013, 40014):
            told = json.dumps({"errcode": code, "errmsg": said}).encode()
            for response in (
                Response(told),
                Response(told, status=500),
                Response(said.encode()),
                Response(told, drop=True),
            ):
                answers += [response, response]
                reasons += [one.reason for one in transport.send_all(to(USER, OTHER))]
    reasons.append(transport.send(PUSH).reason)
    assert all(reasons)
    text = "".join([*reasons, caplog.text, *capfd.readouterr(), repr(client), repr(transport)])
    for word in (token, SECRET, USER, OTHER):
        assert re.search(re.escape(word), text, re.I) is None
