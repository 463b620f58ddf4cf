"""The callback of a WeCom app, over real encrypted HTTP; the vendor's own examples."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
import xmltodict
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import ValidationError

from bot.bootstrap import Application
from bot.config import Settings
from bot.domain.messages import MessageType, Notice, Reply
from bot.errors import CallbackRefused, InvalidSignature
from bot.platforms.wecom_app.channel import WecomApp
from bot.platforms.wecom_app.payload import parse
from bot.simulator import crypto
from bot.simulator.envelope import element
from bot.simulator.wecom.app import AppPlatform
from bot.storage.models import CheckIn, InboxMessage, Person
from bot.web.app import create_app
from tests.conftest import START, HandClock
from tests.members import rows
from tests.test_wecom_bot import CORP as VENDOR_CORP
from tests.test_wecom_bot import ECHO, ENCRYPTED, VENDOR_KEY, VENDOR_TOKEN
from tests.wecom_app import (
    CORP,
    KEY,
    SECRET,
    SECTION,
    TOKEN,
    USER,
    platform_at,
    serving_app_callback,
    wecom_app,
)

CALLBACK = "/callback/wecom-app"
EMOJI = "👨‍👩‍👧"
FIELDS = {"ToUserName": CORP, "FromUserName": USER, "CreateTime": "1", "AgentID": "1000002"}
fuzzed = hypothesis_settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def dialect() -> str:
    """Which database it is makes no difference here."""
    return "sqlite"


@pytest.fixture
def application(settings: Settings, clock: HandClock) -> Iterator[Application]:
    with wecom_app(settings, clock) as application:
        yield application


@pytest.fixture
def callback(application: Application) -> Iterator[str]:
    with serving_app_callback(application) as url:
        yield url


@pytest.fixture
def platform(callback: str, clock: HandClock) -> AppPlatform:
    return platform_at(callback, clock)


@pytest.fixture
def member(platform: AppPlatform) -> AppPlatform:
    """Somebody who has agreed to the notice."""
    platform.text(USER, "打卡")
    assert "打卡成功" in platform.text(USER, "1").text
    return platform


# The vendor's own examples (developer.work.weixin.qq.com, 加解密方案说明)

VENDOR = {"corp_id": VENDOR_CORP, "token": VENDOR_TOKEN, "encoding_aes_key": VENDOR_KEY}


def test_the_vendors_verification_over_http(settings: Settings, clock: HandClock) -> None:
    clock.time = datetime.fromtimestamp(1409659589, UTC)
    signed = "5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3"
    query = {"timestamp": "1409659589", "nonce": "263014780", "msg_signature": signed}
    with (
        wecom_app(settings, clock, **VENDOR) as application,
        serving_app_callback(application) as url,
    ):
        answer = requests.get(url, params={**query, "echostr": ECHO}, timeout=5)
        assert (answer.status_code, answer.content) == (200, b"1616140317555161061")
        wrong = {**query, "nonce": "263014781", "echostr": ECHO}
        assert requests.get(url, params=wrong, timeout=5).status_code == 403
        clock.forward(timedelta(seconds=301))
        late = requests.get(url, params={**query, "echostr": ECHO}, timeout=5)
        assert late.status_code == 403


def test_the_vendors_message_over_http(settings: Settings, clock: HandClock) -> None:
    clock.time = datetime.fromtimestamp(1409659813, UTC)
    signed = "477715d11cdb4164915debcba66cb864d751f3e6"
    query = {"timestamp": "1409659813", "nonce": "1372623149", "msg_signature": signed}
    body = f"<xml><ToUserName><![CDATA[{VENDOR_CORP}]]></ToUserName><Encrypt><![CDATA[{ENCRYPTED}]]></Encrypt><AgentID><![CDATA[218]]></AgentID></xml>"
    with (
        wecom_app(settings, clock, **VENDOR) as application,
        serving_app_callback(application) as url,
    ):
        answer = requests.post(url, params=query, data=body, timeout=5)
        assert answer.status_code == 200
        sealed = xmltodict.parse(answer.text)["xml"]
        parts = [sealed[name] for name in ("TimeStamp", "Nonce", "Encrypt")]
        assert crypto.sign(VENDOR_TOKEN, *parts) == sealed["MsgSignature"]
        plain = crypto.decrypt(VENDOR_KEY, sealed["Encrypt"], VENDOR_CORP).decode()
        reply = xmltodict.parse(plain)["xml"]
        assert (reply["ToUserName"], reply["FromUserName"]) == ("mycreate", VENDOR_CORP)
        assert (reply["MsgType"], reply["CreateTime"]) == ("text", "1409659813")
        assert reply["Content"]
        assert rows(application, InboxMessage) == 1


def test_the_vendors_message_is_what_it_says() -> None:
    app = WecomApp(VENDOR_TOKEN, VENDOR_KEY, VENDOR_CORP, "")
    query = {
        "timestamp": "1409659813", "nonce": "1372623149",
        "msg_signature": "477715d11cdb4164915debcba66cb864d751f3e6",
    }  # fmt: skip
    now = datetime.fromtimestamp(1409659813, UTC)
    body = f"<xml><Encrypt>{ENCRYPTED}</Encrypt></xml>".encode()
    message = app.open(query, body, now)
    assert (message.text, message.sender, message.account) == ("hello", "mycreate", VENDOR_CORP)
    assert message.details == {"AgentID": "218"}
    with pytest.raises(InvalidSignature):
        app.open({**query, "nonce": "1"}, body, now)


# A day


def test_the_platform_takes_the_address(platform: AppPlatform) -> None:
    platform.verify()


def test_a_day_in_the_chat(platform: AppPlatform, application: Application) -> None:
    assert platform.event(USER, "subscribe").text.startswith("你好，我是学伴。")
    assert "要先记住你" in platform.text(USER, "打卡 第一章").text
    assert "打卡成功" in platform.text(USER, "1").text
    assert "预备期为 1 年" in platform.text(USER, "预备期多久").text
    assert "读完<b>&]]>" in platform.text(USER, f"打卡 读完<b>&]]>{EMOJI}").text
    assert platform.media(USER, "image").text
    assert platform.media(USER, "voice").text
    assert platform.media(USER, "video").text
    assert rows(application, CheckIn) == 1


def test_a_long_reply_fits_and_says_that_it_goes_on() -> None:
    """What is over 2,048 bytes the platform would cut off."""
    app = WecomApp(TOKEN, KEY, CORP, "发 9 看第 {page} 页后面的，共 {pages} 页")
    message = parse({**FIELDS, "MsgType": "text", "Content": "好", "MsgId": "1"})
    notice = Notice("x", title="题", lines=tuple(f"第{number}行" * 20 for number in range(60)))
    sealed = xmltodict.parse(app.seal(Reply(notice), message, START))["xml"]
    assert sealed["TimeStamp"] == str(int(START.timestamp()))
    inner = crypto.decrypt(KEY, sealed["Encrypt"], CORP).decode()
    text = xmltodict.parse(inner)["xml"]["Content"]
    assert 1500 < len(text.encode()) <= 2048
    assert text.startswith("题\n第0行")
    assert "发 9 看第 1 页后面的" in text.splitlines()[-1]


def test_a_button_says_its_words_and_opening_the_chat_says_nothing(member: AppPlatform) -> None:
    assert "打过卡" in member.event(USER, "click", "打卡").text
    assert "打卡" in member.event(USER, "template_card_event", "帮助", TaskId="T").text
    for name in ("enter_agent", "view", "LOCATION", "change_contact", "something_new"):
        assert member.event(USER, name).fields == {}


def test_who_cannot_see_the_app_any_more_is_forgotten(member: AppPlatform) -> None:
    assert member.event(USER, "unsubscribe").fields == {}
    assert "要先记住你" in member.text(USER, "打卡").text


def test_a_repeat_gets_the_same_answer_and_has_no_effect(
    member: AppPlatform, application: Application
) -> None:
    before = rows(application, InboxMessage)
    same = {"MsgType": "text", "Content": "打卡 又一章", "MsgId": "77"}
    assert len({member.push(USER, same).text for _ in range(3)}) == 1
    tap = {"MsgType": "event", "Event": "click", "EventKey": "帮助"}
    assert len({member.push(USER, tap).text for _ in range(3)}) == 1
    assert rows(application, InboxMessage) == before + 2
    # Another button within the same second.
    member.push(USER, {**tap, "EventKey": "打卡"})
    assert rows(application, InboxMessage) == before + 3


@pytest.mark.parametrize(
    ("fields", "type", "text"),
    [
        ({"MsgType": "text", "Content": "好"}, MessageType.TEXT, "好"),
        ({"MsgType": "image", "PicUrl": "http://p.cn/a", "MediaId": "M"}, MessageType.IMAGE, ""),
        ({"MsgType": "voice", "MediaId": "M", "Format": "amr"}, MessageType.VOICE, ""),
        ({"MsgType": "video", "MediaId": "M", "ThumbMediaId": "T"}, MessageType.VIDEO, ""),
        ({"MsgType": "location", "Location_X": "23.1", "Label": "L"}, MessageType.LOCATION, ""),
        ({"MsgType": "link", "Title": "T", "Url": "http://a.cn"}, MessageType.LINK, ""),
        ({"MsgType": "file", "MediaId": "M"}, MessageType.UNKNOWN, ""),
    ],
)
def test_every_type(fields: dict[str, str], type: MessageType, text: str) -> None:
    message = parse({**FIELDS, "MsgId": "1", **fields})
    assert (message.type, message.text, message.wants_reply) == (type, text, True)
    others = {name: value for name, value in fields.items() if name not in ("MsgType", "Content")}
    assert message.details == {"AgentID": "1000002", **others}
    assert message.pictures == (type is MessageType.IMAGE)


def test_two_cards_of_one_second_are_two_messages() -> None:
    card = {
        **FIELDS, "MsgType": "event", "Event": "template_card_event", "EventKey": "k",
        "TaskId": "T1", "SelectedItems": {"SelectedItem": {"QuestionKey": "q"}},
    }  # fmt: skip
    message = parse(card)
    assert (message.event, message.event_key) == ("click", "k")
    assert message.details["SelectedItems.SelectedItem.QuestionKey"] == "q"
    assert parse({**card, "TaskId": "T2"}).key != message.key
    assert parse(dict(card)).key == message.key
    assert parse({**card, "ToUserName": "wwother"}).key != message.key


def test_nothing_is_answered_to_who_wants_no_reply() -> None:
    app = WecomApp(TOKEN, KEY, CORP, "")
    message = parse({**FIELDS, "MsgType": "text", "Content": "好", "MsgId": "1"})
    reply = Reply(Notice("x", lines=("好",)))
    assert app.seal(Reply(None), message, START) == ""
    assert app.seal(reply, replace(message, wants_reply=False), START) == ""
    assert app.seal(reply, message, START) != app.seal(reply, message, START)


# What is wrong


def post(
    callback: str, clock: HandClock, inner: str, *, key: str = KEY, corp: str = CORP,
    token: str = TOKEN, name: str = "Encrypt",
) -> int:  # fmt: skip
    encrypted = crypto.encrypt(key, inner, corp)
    stamp = str(int(clock.now().timestamp()))
    query = {
        "timestamp": stamp,
        "nonce": "n",
        "msg_signature": crypto.sign(token, stamp, "n", encrypted),
    }
    body = f"<xml><{name}>{encrypted}</{name}></xml>"
    return requests.post(callback, params=query, data=body, timeout=5).status_code


GOOD = {**FIELDS, "MsgType": "text", "Content": "打卡", "MsgId": "1"}


def test_what_is_forged_is_refused(
    callback: str, application: Application, clock: HandClock
) -> None:
    good = element("xml", GOOD)
    assert post(callback, clock, good, token="another") == 403
    assert post(callback, clock, good, key="Z" * 42 + "A") == 400
    assert post(callback, clock, good, corp="wwother") == 400
    assert post(callback, clock, good, name="Other") == 403
    plain = requests.post(callback, data=good, timeout=5)
    assert (plain.status_code, plain.text) == (400, "refused\n")
    assert requests.post(callback, data=b"x" * 100_000, timeout=5).status_code in (400, 413)
    assert rows(application, InboxMessage) == 0
    assert post(callback, clock, good) == 200


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"MsgId": ""},
        {"FromUserName": ""},
        {"FromUserName": "U" * 200},
        {"ToUserName": ""},
        {"CreateTime": "soon"},
        {"CreateTime": "9" * 19},
        {"MsgType": {"a": "b"}},
        {"MsgType": "event", "Event": ""},
        {"Content": {"a": "b"}},
        {"Content": {"a": {"b": {"c": {"d": {"e": {"f": {"g": {"h": "i"}}}}}}}}},
    ],
)
def test_what_is_malformed_is_refused(
    callback: str, application: Application, clock: HandClock, fields: dict[str, Any]
) -> None:
    whole = {**GOOD, **fields} if fields else {}
    assert post(callback, clock, element("xml", whole)) == 400
    assert rows(application, InboxMessage) == 0


@pytest.mark.parametrize(
    "inner",
    [
        "", "no xml", "{}", "<xml/>", "<xml>text</xml>", "<other><a>b</a></other>", "<xml><a></xml>",
        '<!DOCTYPE x [<!ENTITY e "打卡">]><xml><Content>&e;</Content></xml>',
        '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><xml><Content>&e;</Content></xml>',
    ],
)  # fmt: skip
def test_what_is_no_message_is_refused(callback: str, clock: HandClock, inner: str) -> None:
    assert post(callback, clock, inner) == 400


@pytest.fixture
def client(application: Application) -> Iterator[FlaskClient]:
    yield create_app(application).test_client()
    for model in (InboxMessage, Person, CheckIn):
        assert rows(application, model) == 0


def harmless(client: FlaskClient, body: bytes, query: dict[str, str]) -> None:
    response = client.post(CALLBACK, data=body, query_string=query)
    assert response.status_code in (400, 403)
    assert response.get_data() == b"refused\n"


def signed(clock: HandClock, encrypted: str) -> dict[str, str]:
    stamp = str(int(clock.now().timestamp()))
    return {
        "timestamp": stamp,
        "nonce": "n",
        "msg_signature": crypto.sign(TOKEN, stamp, "n", encrypted),
    }


@fuzzed
@given(body=st.binary(max_size=3000))
def test_any_bytes(client: FlaskClient, clock: HandClock, body: bytes) -> None:
    harmless(client, body, signed(clock, ""))


@fuzzed
@given(query=st.dictionaries(
    st.sampled_from(["timestamp", "nonce", "msg_signature", "echostr"]),
    st.text(st.characters(exclude_categories=["Cs"])), max_size=5,
))  # fmt: skip
def test_any_query(client: FlaskClient, query: dict[str, str]) -> None:
    harmless(client, b"<xml><Encrypt>AAAA</Encrypt></xml>", query)
    assert client.get(CALLBACK, query_string=query).status_code in (400, 403)


@fuzzed
@given(
    encrypted=st.text(
        st.characters(categories=["L", "N", "P", "S"], exclude_characters="<&>]"), max_size=400
    )
)
def test_any_ciphertext_with_a_good_signature(
    client: FlaskClient, clock: HandClock, encrypted: str
) -> None:
    body = f"<xml><Encrypt>{encrypted}</Encrypt></xml>".encode(errors="ignore")
    harmless(client, body, signed(clock, encrypted))
    query = signed(clock, encrypted) | {"echostr": encrypted}
    assert client.get(CALLBACK, query_string=query).status_code in (400, 403)


@fuzzed
@given(fields=st.dictionaries(
    st.sampled_from(["ToUserName", "FromUserName", "MsgType", "Event", "EventKey", "CreateTime"]),
    st.text(max_size=20) | st.dictionaries(st.sampled_from("ab"), st.text(max_size=5)), max_size=5,
))  # fmt: skip
def test_any_fields_rightly_signed_and_encrypted(
    client: FlaskClient, clock: HandClock, fields: dict[str, Any]
) -> None:
    """What only the platform, or who has its keys, can send: some field is always missing."""
    inner = element("xml", fields).encode(errors="ignore")
    encrypted = crypto.encrypt(KEY, inner, CORP)
    harmless(
        client, f"<xml><Encrypt>{encrypted}</Encrypt></xml>".encode(), signed(clock, encrypted)
    )


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("corp_id", "", "corp_id"),
        ("agent_id", 0, "agent_id"),
        ("agent_id", "one", "agent_id"),
        ("token", "no spaces", "3 to 32 letters"),
        ("encoding_aes_key", "short", "43 letters"),
        ("api_base", "http://qyapi.weixin.qq.com", "must begin with https://"),
        ("api_base", "http://127.0.0.1.evil.example", "must begin with https://"),
    ],
)
def test_what_the_section_must_be(name: str, value: object, reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        Settings.model_validate({"wecom_app": {**SECTION, name: value}})
    local = {**SECTION, "api_base": "http://127.0.0.1:8123"}
    settings = Settings.model_validate({"wecom_app": local})
    assert {SECRET, KEY, TOKEN} <= set(settings.secrets())
    assert SECRET not in repr(settings)


def test_a_refusal_names_no_secret() -> None:
    app = WecomApp(TOKEN, KEY, CORP, "")
    said = []
    for query in ({}, {"timestamp": "1", "nonce": "n", "msg_signature": "x"}):
        for body in (b"", b"\xff", b"<xml><Encrypt>AAAA</Encrypt></xml>", b"x" * 70_000):
            with pytest.raises(CallbackRefused) as refused:
                app.open(query, body, START)
            said.append(str(refused.value))
    assert all(said)
    for word in (TOKEN, KEY, CORP):
        assert word not in "".join([*said, repr(app)])
