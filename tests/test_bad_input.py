"""Whatever arrives: 4xx or a harmless answer, never a 5xx, never a traceback, never a row."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from bot.bootstrap import Application
from bot.simulator import crypto
from bot.simulator.official_account import Platform
from bot.storage.models import CheckIn, InboxMessage, Person
from bot.web.app import create_app
from tests.conftest import HandClock
from tests.platform import AES_KEY, APP_ID, OPENID, TOKEN, account, enrol, platform_of, serving

CALLBACK = "/callback/official-account"
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
# No Content, so that what happens to be a whole message is no check-in.
FIELDS = st.dictionaries(
    st.sampled_from(["ToUserName", "FromUserName", "CreateTime", "MsgType", "Event", "EventKey",
                     "Ticket", "Encrypt", "Recognition", "List"]) | st.text(max_size=8),
    ANYTHING,
    max_size=10,
)  # fmt: skip
fuzzed = hypothesis_settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def client(application: Application) -> Iterator[FlaskClient]:
    yield create_app(application).test_client()
    with application.database.read() as session:
        for model in (InboxMessage, Person, CheckIn):
            assert session.scalar(select(func.count()).select_from(model)) == 0


def signed(clock: HandClock, *more: str) -> dict[str, str]:
    stamp = str(int(clock.now().timestamp()))
    query = {"timestamp": stamp, "nonce": "n1", "signature": crypto.sign(TOKEN, stamp, "n1")}
    return query | {"msg_signature": crypto.sign(TOKEN, stamp, "n1", *more), "encrypt_type": "aes"}


def harmless(client: FlaskClient, body: bytes, query: Mapping[str, Any]) -> None:
    response = client.post(CALLBACK, data=body, query_string=query)
    assert response.status_code < 500
    assert "Traceback" not in response.get_data(as_text=True)


@fuzzed
@given(body=st.binary(max_size=3000), aes=st.booleans())
def test_any_bytes(client: FlaskClient, clock: HandClock, body: bytes, aes: bool) -> None:
    query = signed(clock)
    harmless(client, body, query if aes else {**query, "encrypt_type": "raw"})


@fuzzed
@given(query=st.dictionaries(
    st.sampled_from(["timestamp", "nonce", "signature", "msg_signature", "encrypt_type", "echostr", "openid"]),
    st.text(st.characters(exclude_categories=["Cs"])), max_size=7,
))  # fmt: skip
def test_any_query(client: FlaskClient, query: dict[str, str]) -> None:
    harmless(client, b"<xml><Encrypt>AAAA</Encrypt></xml>", query)
    assert client.get(CALLBACK, query_string=query).status_code in (400, 403)


@fuzzed
@given(encrypted=st.text(max_size=400) | st.binary(max_size=300).map(lambda raw: raw.hex()))
def test_any_ciphertext_with_a_good_signature(
    client: FlaskClient, clock: HandClock, encrypted: str
) -> None:
    text = encrypted.encode(errors="ignore").decode()
    harmless(client, json.dumps({"Encrypt": text}).encode(), signed(clock, text))


@fuzzed
@given(fields=FIELDS)
def test_any_fields_rightly_signed_and_encrypted(
    client: FlaskClient, clock: HandClock, fields: dict[str, Any]
) -> None:
    """What only the platform, or who has its keys, can send."""
    inner = json.dumps(fields)
    encrypted = crypto.encrypt(AES_KEY, inner, APP_ID)
    harmless(client, json.dumps({"Encrypt": encrypted}).encode(), signed(clock, encrypted))


@fuzzed
@given(body=st.binary(max_size=600))
def test_any_bytes_rightly_signed_and_encrypted(
    client: FlaskClient, clock: HandClock, body: bytes
) -> None:
    text = body.decode(errors="replace")
    encrypted = crypto.encrypt(AES_KEY, text, APP_ID)
    harmless(client, json.dumps({"Encrypt": encrypted}).encode(), signed(clock, encrypted))


@fuzzed
@given(cut=st.integers(0, 600))
def test_a_truncated_message(
    client: FlaskClient, application: Application, clock: HandClock, cut: int
) -> None:
    query, body = platform_of(application, "").request(
        OPENID,
        {"ToUserName": "gh", "FromUserName": OPENID, "CreateTime": "1", "MsgType": "text",
         "Content": "打卡", "MsgId": "1"},
    )  # fmt: skip
    harmless(client, body[: min(cut, len(body) - 30)], query)


@pytest.mark.parametrize("format", ["xml", "json"])
def test_a_replayed_message_has_no_second_effect(
    application: Application, clock: HandClock, format: Any
) -> None:
    enrol(application, OPENID)
    client = create_app(application).test_client()
    platform = Platform(account(""), application.clock, format=format)
    message = {"ToUserName": "gh_sandbox00001", "FromUserName": OPENID, "MsgType": "text", "MsgId": "1",
               "CreateTime": str(int(clock.now().timestamp())), "Content": "打卡"}  # fmt: skip
    query, body = platform.request(OPENID, message)
    codes = [client.post(CALLBACK, data=body, query_string=query).status_code for _ in range(3)]

    assert codes == [200] * 3
    with application.database.read() as session:
        assert session.scalar(select(func.count()).select_from(CheckIn)) == 1


@pytest.mark.parametrize(
    "said",
    ["", " ", "。。。", "😀😀", "打卡 " + "😀" * 600, "'; DROP TABLE person; --", "<script>alert(1)</script>",
     "帮助\u202e", "\u0627\u0644", "{0} {name} %s", "9" * 100, "打卡 {streak}", "/", "绑定 " + "A" * 3000],
)  # fmt: skip
def test_odd_texts_get_a_plain_sentence(application: Application, said: str) -> None:
    with serving(application) as callback:
        answer = platform_of(application, callback).text(OPENID, said)
    assert answer.text
    assert "出错" not in answer.text
