"""The simulated API's tokens, quotas, people and events, and what a watcher hears, over HTTP."""

import json
import threading
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
import requests

from bot.bootstrap import Application
from bot.platforms.official_account import endpoints
from bot.platforms.official_account.client import Client
from bot.simulator.api import Api
from bot.simulator.ledger import Sent
from bot.simulator.official_account import Format, Platform
from bot.simulator.watching import Call, Watcher
from tests.conftest import HandClock
from tests.platform import APP_ID, account
from tests.platform import serving as serving_bot
from tests.sending import (
    CUSTOM,
    MEMBER,
    OTHER,
    PICTURE,
    SECRET,
    SUBSCRIPTION,
    TEMPLATE,
    TOKEN,
    client_at,
    refused,
    template_for,
    text_for,
)

CLASSIC = "/cgi-bin/token"
CREDENTIALS = {"grant_type": "client_credential", "appid": APP_ID, "secret": SECRET}


def get(base: str, path: str, **query: str) -> requests.Response:
    return requests.get(f"{base}{path}", params=query, timeout=5)


def ask(base: str, path: str, **query: str) -> dict[str, Any]:
    answer: dict[str, Any] = get(base, path, **query).json()
    return answer


def post(base: str, path: str, token: str, body: Mapping[str, object]) -> dict[str, Any]:
    url = f"{base}{path}?access_token={token}"
    answer: dict[str, Any] = requests.post(url, json=body, timeout=5).json()
    return answer


def stable(base: str, **more: object) -> dict[str, Any]:
    return post(base, TOKEN, "", {**CREDENTIALS, **more})


def classic(base: str) -> dict[str, Any]:
    return ask(base, CLASSIC, **CREDENTIALS)


def code(base: str, token: str) -> int:
    """What a call with this token is refused with, 0 for nothing."""
    return int(ask(base, "/cgi-bin/getcallbackip", access_token=token).get("errcode", 0))


# Tokens


def test_a_stable_token_stays_until_its_last_minutes(base: str, clock: HandClock) -> None:
    first = stable(base)
    assert first["expires_in"] == 7200
    clock.forward(timedelta(minutes=114))
    assert stable(base) == {"access_token": first["access_token"], "expires_in": 360}
    clock.forward(timedelta(minutes=1))
    second = stable(base)
    assert second["access_token"] != first["access_token"]
    clock.forward(timedelta(minutes=4, seconds=59))
    assert [code(base, one["access_token"]) for one in (first, second)] == [0, 0]
    clock.forward(timedelta(seconds=1))
    assert [code(base, one["access_token"]) for one in (first, second)] == [42001, 0]
    assert code(base, "") == 41001
    assert code(base, "none") == 40001


def test_a_forced_token_ends_the_one_before(base: str, clock: HandClock) -> None:
    first = stable(base)["access_token"]
    second = stable(base, force_refresh=True)["access_token"]
    assert [code(base, one) for one in (first, second)] == [40001, 0]
    clock.forward(timedelta(seconds=29))
    assert stable(base, force_refresh=True)["access_token"] == second
    clock.forward(timedelta(seconds=1))
    assert stable(base, force_refresh=True)["access_token"] != second
    assert code(base, second) == 40001


def test_twenty_tokens_are_forced_a_day(base: str, clock: HandClock) -> None:
    """The day is Shanghai's, where it is 09:00."""
    codes = []
    for _ in range(21):
        codes.append(stable(base, force_refresh=True).get("errcode", 0))
        clock.forward(timedelta(seconds=30))
    assert codes == [0] * 20 + [45009]
    assert "access_token" in stable(base)
    clock.forward(timedelta(hours=15))
    assert "access_token" in stable(base, force_refresh=True)


def test_a_classic_token_is_new_each_time(base: str, clock: HandClock) -> None:
    first, second = classic(base), classic(base)
    assert first["expires_in"] == second["expires_in"] == 7200
    kept = stable(base)["access_token"]
    tokens = [first["access_token"], second["access_token"], kept]
    assert [code(base, token) for token in tokens] == [0, 0, 0]
    clock.forward(timedelta(minutes=5))
    assert [code(base, token) for token in tokens] == [40001, 0, 0]
    clock.forward(timedelta(minutes=115))
    assert code(base, tokens[1]) == 42001


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [({"grant_type": "x"}, 40002), ({"appid": "wx"}, 40013), ({"secret": "x"}, 40125)],
)
def test_who_gets_a_token(base: str, api: Api, wrong: dict[str, str], expected: int) -> None:
    assert ask(base, CLASSIC, **CREDENTIALS | wrong)["errcode"] == expected
    assert stable(base, **wrong)["errcode"] == expected
    assert post(base, CLASSIC, "", CREDENTIALS)["errcode"] == 43001
    api.allowed = ("203.0.113.1",)
    assert classic(base)["errcode"] == stable(base)["errcode"] == 40164
    api.allowed = ("127.0.0.1",)
    assert "access_token" in classic(base)


# Quotas, addresses, profile


def test_quotas_are_cleared_ten_times_a_month(
    base: str, client: Client, api: Api, clock: HandClock
) -> None:
    api.heard(MEMBER, "pay")
    api.quotas.limits[CUSTOM] = 1
    codes = []
    for _ in range(11):
        assert refused(client, CUSTOM, text_for(MEMBER)) == 0
        assert refused(client, CUSTOM, text_for(MEMBER)) == 45009
        codes.append(refused(client, "/cgi-bin/clear_quota", {"appid": APP_ID}))
        if codes[-1]:
            break
    assert codes == [0] * 10 + [48006]
    assert refused(client, "/cgi-bin/clear_quota", {"appid": "wx"}) == 40013
    clock.forward(timedelta(days=10))
    assert refused(client, "/cgi-bin/clear_quota", {"appid": APP_ID}) == 0


def test_a_minute_has_its_limit(client: Client, api: Api, clock: HandClock) -> None:
    api.heard(MEMBER, "pay")
    api.quotas.a_minute[CUSTOM] = 2
    assert [refused(client, CUSTOM, text_for(MEMBER)) for _ in range(3)] == [0, 0, 45011]
    clock.forward(timedelta(minutes=1))
    assert refused(client, CUSTOM, text_for(MEMBER)) == 0


def test_what_was_used_today(client: Client, api: Api, clock: HandClock) -> None:
    api.quotas.limits[TEMPLATE] = 2
    for _ in range(3):
        refused(client, TEMPLATE, template_for(MEMBER))
    client.ask("/cgi-bin/getcallbackip")
    assert api.used() == [
        ("/cgi-bin/getcallbackip", 1, None),
        (TEMPLATE, 2, 2),
        (TOKEN, 1, 500_000),
    ]
    clock.forward(timedelta(days=1))
    assert api.used() == []


def test_addresses_of_the_platform(client: Client) -> None:
    for path in ("/cgi-bin/getcallbackip", "/cgi-bin/get_api_domain_ip"):
        addresses = client.ask(path)["ip_list"]
        assert isinstance(addresses, list)
        assert len(addresses) == 2


def test_another_kind_of_account_while_it_runs(client: Client, api: Api) -> None:
    assert refused(client, TEMPLATE, template_for(MEMBER)) == 0
    api.set_profile("subscription", verified=True)
    assert refused(client, TEMPLATE, template_for(MEMBER)) == 48001
    assert refused(client, CUSTOM, text_for(MEMBER)) == 45015
    api.set_profile("subscription", verified=False)
    assert refused(client, CUSTOM, text_for(MEMBER)) == 48001
    client.ask("/cgi-bin/getcallbackip")
    api.set_profile("service", verified=True)
    assert refused(client, TEMPLATE, template_for(MEMBER)) == 0


def test_a_refusal_ends_with_an_id_of_its_own(base: str) -> None:
    said = [ask(base, "/cgi-bin/user/get")["errmsg"] for _ in range(2)]
    assert said[0] != said[1]
    for one in said:
        assert len(one.partition(" rid: ")[2].split("-")) == 3


# People


def test_followers_in_pages(base: str, api: Api) -> None:
    token = stable(base)["access_token"]

    def page(**query: str) -> dict[str, Any]:
        return ask(base, "/cgi-bin/user/get", access_token=token, **query)

    assert page() == {"total": 0, "count": 0, "next_openid": ""}
    api.followers = {f"o{i:05}" for i in range(10_001)}
    first = page()
    assert (first["total"], first["count"], first["next_openid"]) == (10_001, 10_000, "o09999")
    rest = page(next_openid="o09999")
    assert rest["data"] == {"openid": ["o10000"]}
    assert page(next_openid="none")["errcode"] == 40003


def test_what_is_known_of_somebody(base: str, api: Api, clock: HandClock) -> None:
    token = stable(base)["access_token"]

    def info(openid: str) -> dict[str, Any]:
        return ask(base, "/cgi-bin/user/info", access_token=token, openid=openid)

    api.followers = {MEMBER}
    api.heard(MEMBER, "subscribe")
    since = int(clock.now().timestamp())
    clock.forward(timedelta(hours=1))
    api.heard(MEMBER, "message")
    known = info(MEMBER)
    assert (known["subscribe"], known["openid"], known["subscribe_time"]) == (1, MEMBER, since)
    assert "nickname" not in known
    assert info(OTHER) == {"subscribe": 0, "openid": OTHER}
    assert info("x")["errcode"] == 40003


def test_a_codes_picture(base: str, client: Client) -> None:
    made = endpoints.create_scene_code(client, "绑定", 60)
    picture = get(base, "/cgi-bin/showqrcode", ticket=made.ticket)
    assert picture.headers["Content-Type"] == "image/png"
    assert picture.content.startswith(b"\x89PNG\r\n")
    assert picture.content == get(base, "/cgi-bin/showqrcode", ticket=made.ticket).content
    assert get(base, "/cgi-bin/showqrcode", ticket="none").status_code == 404


def test_what_may_still_be_sent(client: Client, api: Api, clock: HandClock) -> None:
    closed = [("48 小时", 0, None), ("1 分钟", 0, None)]
    assert api.windows(MEMBER) == closed
    api.heard(MEMBER, "message")
    api.heard(MEMBER, "menu")
    refused(client, CUSTOM, text_for(MEMBER))
    in_two_days, in_a_minute = (
        clock.now() + timedelta(hours=48),
        clock.now() + timedelta(minutes=1),
    )
    assert api.windows(MEMBER) == [("48 小时", 5, in_two_days), ("1 分钟", 2, in_a_minute)]
    api.heard(MEMBER, "pay")
    assert api.windows(MEMBER)[2] == ("付款", None, in_two_days)
    assert api.windows(OTHER) == closed
    clock.forward(timedelta(hours=48))
    assert api.windows(MEMBER) == closed


# Messages


@pytest.mark.parametrize(
    ("type", "content", "expected"),
    [
        ("news", {"articles": [{"title": "题", "url": "https://a.cn"}]}, 0),
        ("news", {"articles": [{"title": "题"}] * 2}, 45008),
        ("news", {"articles": []}, 45162),
        ("news", {"articles": [{"title": ""}]}, 45162),
        ("msgmenu", {"head_content": "有用吗", "list": [{"id": "1", "content": "有用"}], "tail_content": "谢谢"}, 0),
        ("msgmenu", {"head_content": "有用吗", "list": []}, 40035),
        ("msgmenu", {"head_content": "有用吗", "list": [{"id": "1"}]}, 40035),
    ],
)  # fmt: skip
def test_cards_and_menus_to_a_member(
    client: Client, api: Api, type: str, content: dict[str, object], expected: int
) -> None:
    api.heard(MEMBER, "message")
    body = {"touser": MEMBER, "msgtype": type, type: content}
    assert refused(client, CUSTOM, body) == expected
    assert len(api.sent) == (0 if expected else 1)


# Watching


class Listener(Watcher):
    """Keeps what it hears, and whether the API was free meanwhile."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.heard: list[tuple[str, object]] = []
        self.api: Api | None = None

    def called(self, call: Call, /) -> None:
        self.calls.append(call)
        if self.api:
            # Another thread gets an answer while this one is told.
            asking = threading.Thread(target=self.api.used)
            asking.start()
            asking.join(5)
            assert not asking.is_alive()

    def delivered(self, sent: Sent, /) -> None:
        self.heard.append(("delivered", sent))

    def told(self, event: Mapping[str, Any], /) -> None:
        self.heard.append(("told", event))

    def typing(self, openid: str, on: bool, /) -> None:
        self.heard.append((openid, on))


@pytest.fixture
def listener(api: Api) -> Listener:
    listener = Listener()
    api.watch = listener
    return listener


def test_typing(client: Client, api: Api, clock: HandClock, listener: Listener) -> None:
    path = "/cgi-bin/message/custom/typing"

    def typing(command: str, openid: str = MEMBER) -> int:
        return refused(client, path, {"touser": openid, "command": command})

    assert typing("Typing") == 45080
    api.heard(MEMBER, "message")
    assert [typing("Sleeping"), typing("Typing", "x"), typing("Typing"), typing("Typing")] == [
        45072, 40003, 0, 45081,
    ]  # fmt: skip
    assert typing("CancelTyping") == 0
    assert listener.heard == [(MEMBER, True), (MEMBER, False)]
    listener.heard.clear()
    assert typing("Typing") == 0
    refused(client, CUSTOM, text_for(MEMBER))
    assert listener.heard == [(MEMBER, True), ("delivered", api.sent[0]), (MEMBER, False)]
    clock.forward(timedelta(seconds=31))
    assert typing("Typing") == 45080


def test_a_watcher_hears_of_each_call_once(
    base: str, client: Client, api: Api, clock: HandClock, listener: Listener
) -> None:
    listener.api = api
    api.next_faults.append("slow")
    api.faults.slow_seconds = 0.01
    number = client.call(TEMPLATE, template_for(MEMBER))["msgid"]
    ask(base, "/cgi-bin/user/info", access_token=next(iter(api._tokens)), openid=OTHER)
    client.upload("/cgi-bin/media/upload", {"type": "image"}, ("图.png", PICTURE, "image/png"))
    assert [(call.path, call.openid, call.fault) for call in listener.calls] == [
        (TOKEN, "", ""),
        (TEMPLATE, MEMBER, "slow"),
        ("/cgi-bin/user/info", OTHER, ""),
        ("/cgi-bin/media/upload", "", ""),
    ]
    template = listener.calls[1]
    assert template.at == clock.now()
    assert json.loads(template.request) == template_for(MEMBER)
    assert json.loads(template.answer)["msgid"] == number
    assert json.loads(listener.calls[2].request) == {"openid": OTHER}
    assert f"{len(PICTURE)} bytes" in listener.calls[3].request
    assert listener.heard == [("delivered", api.sent[0]), ("told", api.events[0])]


def test_what_a_watcher_hears_holds_no_secret(
    base: str, api: Api, clock: HandClock, listener: Listener
) -> None:
    client_at(base, clock).call(TEMPLATE, template_for(MEMBER))
    classic(base)
    stable(base, secret="wrong-but-close")
    token = stable(base)["access_token"]
    post(base, CUSTOM, token, text_for(MEMBER, SECRET))
    requests.post(f"{base}{TOKEN}", data=f"no json {SECRET}", timeout=5)
    get(base, "/cgi-bin/media/get", access_token=token, media_id="none")
    text = "".join(f"{call}" for call in listener.calls)
    assert len(listener.calls) == 8
    for word in [SECRET, "wrong-but-close", *api._tokens]:
        assert word not in text
    assert text.count("***") >= 8


@pytest.mark.parametrize("fault", ["drop", "http_error", "busy", "quota"])
def test_a_watcher_hears_what_went_wrong(
    base: str, api: Api, listener: Listener, fault: Any
) -> None:
    token = stable(base)["access_token"]
    api.next_faults.append(fault)
    try:
        post(base, TEMPLATE, token, template_for(MEMBER))
    except requests.RequestException:
        assert fault in ("drop", "http_error")
    assert listener.calls[-1].fault == fault
    assert len(listener.heard) == (2 if fault == "drop" else 0)


# Consents


@pytest.mark.parametrize("format", ["xml", "json"])
def test_consents_are_told_where_that_is_wanted(
    application: Application, client: Client, api: Api, clock: HandClock,
    listener: Listener, format: Format,
) -> None:  # fmt: skip
    api.consent(MEMBER, "T1")
    api.reject(OTHER, "T1")
    assert api.events == []
    api.consent(MEMBER, "T1", tell=True)
    assert (api.consents(MEMBER), api.consents(OTHER)) == ({"T1": 2}, {"T1": 0})
    assert refused(client, SUBSCRIPTION, template_for(MEMBER)) == 0
    assert api.consents(MEMBER) == {"T1": 1}
    api.reject(MEMBER, "T1", tell=True)
    assert refused(client, SUBSCRIPTION, template_for(MEMBER)) == 43101
    assert [event["Event"] for event in api.events] == [
        "subscribe_msg_popup_event", "subscribe_msg_sent_event", "subscribe_msg_change_event",
    ]  # fmt: skip
    popup = api.events[0]["SubscribeMsgPopupEvent"]["List"]
    assert popup == {"TemplateId": "T1", "SubscribeStatusString": "accept", "PopupScene": "1"}
    change = api.events[2]["SubscribeMsgChangeEvent"]["List"]
    assert change == {"TemplateId": "T1", "SubscribeStatusString": "reject"}
    assert [one for name, one in listener.heard if name == "told"] == api.events
    with serving_bot(application) as callback:
        platform = Platform(account(callback), clock, format=format)
        for event in api.events:
            answer = platform.tell(event)
            assert (answer.text, answer.attempts) == ("", 1)
