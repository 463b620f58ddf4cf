"""What the sandbox's API keeps count of and refuses, asked by our client over real HTTP."""

import json
import socket
from collections import Counter
from datetime import timedelta
from random import Random
from urllib.parse import urlsplit

import pytest
import requests

from bot.bootstrap import Application
from bot.errors import PlatformRefused, PlatformSilent
from bot.platforms.official_account import endpoints
from bot.platforms.official_account.client import Client
from bot.simulator.api import Api
from bot.simulator.ledger import Fault, Faults, Heard
from bot.simulator.official_account import Format, Platform
from tests.conftest import HandClock
from tests.platform import APP_ID, account
from tests.platform import serving as serving_bot
from tests.sending import (
    CUSTOM,
    EMOJI,
    MEMBER,
    OTHER,
    PICTURE,
    SECRET,
    SUBSCRIPTION,
    TEMPLATE,
    TOKEN,
    client_at,
    code_of,
    refused,
    template_for,
    text_for,
)

# Windows, followers, quotas, profiles


def test_five_messages_after_one_and_a_new_one_begins_anew(
    client: Client, api: Api, clock: HandClock
) -> None:
    assert refused(client, CUSTOM, text_for(MEMBER)) == 45015
    api.heard(MEMBER, "message")
    assert [refused(client, CUSTOM, text_for(MEMBER)) for _ in range(6)] == [0] * 5 + [45047]
    assert refused(client, CUSTOM, text_for(OTHER)) == 45015
    api.heard(MEMBER, "message")
    clock.forward(timedelta(hours=47, minutes=59))
    assert refused(client, CUSTOM, text_for(MEMBER)) == 0
    clock.forward(timedelta(minutes=1))
    assert refused(client, CUSTOM, text_for(MEMBER)) == 45015
    assert Counter(one.touser for one in api.sent) == {MEMBER: 6}


@pytest.mark.parametrize("kind", ["menu", "subscribe", "scan"])
def test_three_messages_in_a_minute_after_an_event(
    client: Client, api: Api, clock: HandClock, kind: Heard
) -> None:
    api.heard(MEMBER, kind)
    assert [refused(client, CUSTOM, text_for(MEMBER)) for _ in range(4)] == [0] * 3 + [45047]
    api.heard(MEMBER, kind)
    clock.forward(timedelta(seconds=60))
    assert refused(client, CUSTOM, text_for(MEMBER)) == 45015


def test_the_window_that_ends_first_is_used_first(
    client: Client, api: Api, clock: HandClock
) -> None:
    api.heard(MEMBER, "message")
    api.heard(MEMBER, "menu")
    assert [refused(client, CUSTOM, text_for(MEMBER)) for _ in range(3)] == [0] * 3
    clock.forward(timedelta(minutes=2))
    assert [refused(client, CUSTOM, text_for(MEMBER)) for _ in range(6)] == [0] * 5 + [45047]


@pytest.mark.parametrize("path", [CUSTOM, TEMPLATE])
def test_only_followers_are_reached(client: Client, api: Api, path: str) -> None:
    api.followers = {MEMBER}
    for openid in (MEMBER, OTHER):
        api.heard(openid, "message")
    for openid, code in ((MEMBER, 0), (OTHER, 43004), ("x123", 40003), ("", 40003)):
        body = text_for(openid) if path == CUSTOM else template_for(openid)
        assert refused(client, path, body) == code


def test_a_day_has_its_quota_and_ends_in_shanghai(
    client: Client, api: Api, clock: HandClock
) -> None:
    """It is 09:00 there."""
    api.heard(MEMBER, "pay")
    api.quotas.limits[CUSTOM] = 2
    assert [refused(client, CUSTOM, text_for(MEMBER)) for _ in range(3)] == [0, 0, 45009]
    clock.forward(timedelta(hours=14, minutes=59))
    assert refused(client, CUSTOM, text_for(MEMBER)) == 45009
    clock.forward(timedelta(minutes=1))
    assert refused(client, CUSTOM, text_for(MEMBER)) == 0


NOTHING: set[str] = set()
MENU = {"/cgi-bin/menu/create", "/cgi-bin/menu/get", "/cgi-bin/menu/delete"}
ASKED = {"/cgi-bin/menu/get", "/cgi-bin/menu/delete", "/cgi-bin/user/get", "/cgi-bin/user/info"}
VERIFIED = MENU | ASKED | {
    CUSTOM, "/cgi-bin/media/upload", "/cgi-bin/media/get", "/cgi-bin/message/custom/typing",
    "/cgi-bin/message/mass/sendall", "/cgi-bin/draft/add",
}  # fmt: skip
ALL = VERIFIED | {
    TEMPLATE, SUBSCRIPTION, "/cgi-bin/qrcode/create", "/cgi-bin/message/mass/send",
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "verified", "may"),
    [
        ("subscription", False, NOTHING),
        ("subscription", True, VERIFIED),
        ("service", False, MENU),
        ("service", True, ALL),
    ],
)
def test_what_each_kind_of_account_may_do(
    client: Client, api: Api, kind: str, verified: bool, may: set[str]
) -> None:
    api.kind, api.verified = ("service" if kind == "service" else "subscription"), verified
    got = {path for path in ALL if _code_of_call(client, path) != 48001}
    assert got == may


def _code_of_call(client: Client, path: str) -> int:
    try:
        if path in ASKED:
            client.ask(path)
        elif path == "/cgi-bin/media/get":
            client.download(path, {"media_id": "none"}, 10)
        elif path == "/cgi-bin/media/upload":
            client.upload(path, {"type": "image"}, ("a.png", PICTURE, "image/png"))
        else:
            client.call(path, {})
    except PlatformRefused as error:
        return error.code
    return 0


# Messages


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"msgtype": "poem", "poem": {}}, 40008),
        ({"text": {"content": "x"}}, 40008),
        ({"msgtype": "text", "text": {"content": ""}}, 44004),
        ({"msgtype": "text", "text": {"content": "好" * 683}}, 45002),
        ({"msgtype": "text", "text": {"content": "好" * 682}}, 0),
        ({"msgtype": "image", "image": {"media_id": "none"}}, 40007),
        ({"msgtype": "image"}, 40008),
    ],
)
def test_a_message_is_looked_at_before_it_is_counted(
    client: Client, api: Api, body: dict[str, object], code: int
) -> None:
    api.heard(MEMBER, "menu")
    for _ in range(4):
        assert refused(client, CUSTOM, {"touser": MEMBER, **body}) in (code, 45047)
    assert len(api.sent) == (0 if code else 3)


def test_a_template_goes_out_once_for_each_key(client: Client, api: Api, clock: HandClock) -> None:
    def send(openid: str = MEMBER, key: str = "k1") -> str:
        return endpoints.send_template(client, openid, "T1", {"thing1": "开会"}, key=key)

    first = send()
    assert first.isdigit()
    assert send() == first
    assert len({first, send(key="k2"), send(openid=OTHER), send(key=""), send(key="")}) == 5
    clock.forward(timedelta(minutes=10))
    assert send() != first
    assert [one.client_msg_id for one in api.sent] == ["k1", "k2", "k1", "", "", "k1"]
    sent = api.sent[0]
    assert (sent.touser, sent.path, sent.at < clock.now()) == (MEMBER, TEMPLATE, True)
    assert sent.body["data"] == {"thing1": {"value": "开会"}}


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("thing1", "一" * 20, 0),
        ("thing1", "一" * 21, 47003),
        ("thing1", "", 47003),
        ("thing1", "a\nb", 47003),
        ("thing1", EMOJI, 47003),
        ("character_string2", "A-1" * 10, 0),
        ("character_string2", "编号", 47003),
        ("phrase3", "通过", 0),
        ("phrase3", "通过了审核啦", 47003),
        ("keyword1", "一" * 21, 47003),
        ("time4", "2026年11月23日 09:00~10:00", 0),
    ],
)
def test_the_fields_of_a_template(client: Client, name: str, value: str, code: int) -> None:
    """Sent as they are: our own functions would make them fit."""
    body = template_for(MEMBER) | {"data": {name: {"value": value}}}
    assert refused(client, TEMPLATE, body) == code


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("thing1", "主题党日", "主题党日"),
        ("thing1", "一" * 30, "一" * 19 + "…"),
        ("thing1", f"一{EMOJI}二\r\n三\u200d\ufe0f\x00", "一二 三"),
        ("thing1", EMOJI * 3, "—"),
        ("thing1", "", "—"),
        ("thing1", " \n ", "—"),
        ("keyword1", "一" * 30, "一" * 19 + "…"),
        ("thing12", "𠮷野家", "𠮷野家"),
        ("number1", "共 3 次", "3"),
        ("letter1", "a1b", "ab"),
        ("symbol1", "!!!好!!!", "!!!!!"),
        ("character_string3", "编号A-12 3", "A-123"),
        ("character_string3", "", "-"),
        ("character_string3", "x" * 40, "x" * 32),
        ("phone_number1", "电话 010-12345678", "010-12345678"),
        ("name1", "一" * 12, "一" * 10),
        ("name1", "a" * 25, "a" * 20),
        ("phrase2", "审核通过啦啦", "审核通过啦"),
        ("phrase2", "", "无"),
        ("time2", "2026年11月23日 09:00~2026年11月23日 10:00", "2026年11月23日 09:00~2026年11月23日 10:00"),
    ],
)  # fmt: skip
def test_a_value_is_made_to_fit_its_field(
    client: Client, api: Api, name: str, text: str, value: str
) -> None:
    assert endpoints.field_value(name, text) == value
    endpoints.send_template(client, MEMBER, "T1", {name: text})
    assert api.sent[-1].body["data"] == {name: {"value": value}}


def test_a_template_that_the_account_does_not_have(client: Client, api: Api) -> None:
    assert refused(client, TEMPLATE, template_for(MEMBER, template_id="")) == 40037
    assert refused(client, TEMPLATE, template_for(MEMBER)) == 0
    api.templates = {"T2"}
    assert refused(client, TEMPLATE, template_for(MEMBER)) == 40037
    assert refused(client, SUBSCRIPTION, template_for(MEMBER)) == 40037
    assert refused(client, TEMPLATE, template_for(MEMBER, template_id="T2")) == 0
    assert refused(client, TEMPLATE, template_for(MEMBER, template_id="T2", data={})) == 47003


def test_each_consent_is_good_for_one_notification(client: Client, api: Api) -> None:
    def send(openid: str) -> None:
        endpoints.send_subscription(client, openid, "T1", {"thing1": "开会"}, page="https://a.cn/b")

    api.consent(MEMBER, "T1")
    api.consent(MEMBER, "T1")
    send(MEMBER)
    send(MEMBER)
    for openid in (MEMBER, OTHER):
        with pytest.raises(PlatformRefused) as error:
            send(openid)
        assert code_of(error) == 43101
    assert [one.body["page"] for one in api.sent] == ["https://a.cn/b"] * 2


# Events


@pytest.mark.parametrize("format", ["xml", "json"])
def test_what_became_of_messages_is_told_to_the_bot(
    application: Application, client: Client, api: Api, clock: HandClock, format: Format
) -> None:
    api.blocking = {OTHER}
    api.consent(MEMBER, "T1")
    number = client.call(TEMPLATE, template_for(MEMBER))["msgid"]
    client.call(TEMPLATE, template_for(OTHER))
    client.call(SUBSCRIPTION, template_for(MEMBER))

    assert [one.touser for one in api.sent] == [MEMBER, MEMBER]
    assert [(one["FromUserName"], one["Event"], one.get("Status")) for one in api.events] == [
        (MEMBER, "TEMPLATESENDJOBFINISH", "success"),
        (OTHER, "TEMPLATESENDJOBFINISH", "failed:user block"),
        (MEMBER, "subscribe_msg_sent_event", None),
    ]
    assert api.events[0]["MsgID"] == str(number)
    with serving_bot(application) as callback:
        platform = Platform(account(callback), clock, format=format)
        for event in api.events:
            answer = platform.tell(event)
            assert (answer.text, answer.attempts) == ("", 1)
        answer = platform.event(MEMBER, "TEMPLATESENDJOBFINISH", MsgID="7", Status="success")
        assert (answer.text, answer.attempts) == ("", 1)


# Faults and odd requests


@pytest.mark.parametrize(
    ("fault", "arrived", "outcome"),
    [
        ("slow", 1, True),
        ("drop", 1, True),
        ("http_error", 0, True),
        ("busy", 0, -1),
        ("quota", 0, 45009),
        ("revoke", 1, 0),
    ],
)
def test_each_fault_does_what_it_says(
    base: str, api: Api, clock: HandClock, fault: Fault, arrived: int, outcome: int | bool
) -> None:
    """`outcome`: an error code, or whether the silence was unclear."""
    client = client_at(base, clock, timeout=(1, 0.5))
    client.call(TEMPLATE, template_for(OTHER))
    api.sent.clear()
    api.next_faults.append(fault)
    if outcome is True:
        with pytest.raises(PlatformSilent) as silent:
            client.call(TEMPLATE, template_for(MEMBER))
        assert silent.value.unclear
        assert ("in time" in str(silent.value)) == (fault == "slow")
    else:
        assert refused(client, TEMPLATE, template_for(MEMBER)) == outcome
    assert len(api.sent) == arrived
    assert refused(client, TEMPLATE, template_for(OTHER)) == 0


def test_chance_is_the_same_for_the_same_seed() -> None:

    def draws(seed: int) -> list[Fault | None]:
        faults = Faults(slow=0.2, drop=0.1, random=Random(seed))  # noqa: S311
        return [faults.draw() for _ in range(1000)]

    one = draws(7)
    assert one == draws(7) != draws(8)
    assert 140 < Counter(one)["slow"] < 260
    assert 60 < Counter(one)["drop"] < 140
    assert Faults().draw() is None


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b"\xff", b'{"touser": 1}', b'{"button": [1]}', b'{"action_info": 1}']
)
def test_a_body_that_nobody_expects_is_refused(base: str, api: Api, body: bytes) -> None:
    """And the connection lives on."""
    session = requests.Session()
    session.trust_env = False
    said = {"grant_type": "client_credential", "appid": APP_ID, "secret": SECRET}
    query = {"access_token": session.post(f"{base}{TOKEN}", json=said).json()["access_token"]}
    for path in sorted(ALL - ASKED - {"/cgi-bin/media/get"}):
        answer = session.post(f"{base}{path}", params=query, data=body)
        assert answer.json()["errcode"] > 40000
    session.close()
    assert not api.sent
    assert not api.events


def test_the_server_speaks_plain_http(base: str) -> None:
    """Two requests on one connection, one of them in chunks; a question for the head alone."""
    parts = urlsplit(base)
    said = {"grant_type": "client_credential", "appid": APP_ID, "secret": SECRET}
    body = json.dumps(said).encode()
    chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    head = f"POST {TOKEN} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
    with socket.create_connection((parts.hostname, parts.port)) as caller:
        for more in (
            f"Content-Length: {len(body)}\r\n\r\n".encode() + body,
            b"Transfer-Encoding: chunked\r\n\r\n" + chunked,
        ):
            caller.sendall(head.encode() + more)
            answer = caller.recv(65536)
            assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
            assert b'"expires_in": 7200' in answer
        caller.sendall(b"HEAD / HTTP/1.1\r\nConnection: close\r\n\r\n")
        answer = b"".join(iter(lambda: caller.recv(65536), b""))
    assert b"\r\nDate: " in answer
    assert answer.endswith(b"\r\n\r\n")
