"""Other people's cryptography from npm that speaks to the callback of our WeCom app."""

import itertools
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import xmltodict

from bot.bootstrap import Application
from bot.config import Settings
from bot.storage.models import CheckIn
from tests.conftest import HandClock
from tests.interop.processes import asked
from tests.members import rows
from tests.sending import EMOJI
from tests.wecom_app import AGENT, CORP, KEY, TOKEN, USER, serving_app_callback, wecom_app

pytestmark = pytest.mark.interop

CREDENTIALS = {"token": TOKEN, "appid": CORP, "key": KEY}


@pytest.fixture
def dialect() -> str:
    """Which database it is makes no difference to a peer."""
    return "sqlite"


@pytest.fixture
def application(settings: Settings, clock: HandClock) -> Iterator[Application]:
    with wecom_app(settings, clock) as application:
        yield application


class Enterprise:
    """The platform, with one package's signature and encryption."""

    def __init__(self, peers: str, package: str, clock: HandClock, callback: str) -> None:
        self._peers = peers
        self._job = {"name": package, "callback": callback}
        self._clock = clock
        self._numbers = itertools.count(1372623149)

    def asked(self, tool: str, job: dict[str, Any], **other: str) -> dict[str, Any]:
        """`other` are credentials, a timestamp or a nonce."""
        stamp = {"timestamp": self._now(), "nonce": str(next(self._numbers))}
        whole = {**self._job, **CREDENTIALS, **stamp, **job, **other}
        answer: dict[str, Any] = asked(f"{self._peers}/{tool}", whole)
        return answer

    def push(self, fields: dict[str, str], **other: str) -> dict[str, Any]:
        message = {
            "ToUserName": CORP, "FromUserName": USER, "CreateTime": self._now(),
            "MsgType": "text", "AgentID": str(AGENT), **fields,
        }  # fmt: skip
        return self.asked("send-to-app", {"message": message}, **other)

    def said(self, text: str, userid: str) -> str:
        """The words of our reply, read by the package."""
        number = str(next(self._numbers))
        answer = self.push({"Content": text, "MsgId": number, "FromUserName": userid})
        assert answer["status"] == 200, answer
        assert answer.get("id", CORP) == CORP
        reply = xmltodict.parse(answer["message"])["xml"]
        assert (reply["ToUserName"], reply["FromUserName"]) == (userid, CORP)
        return str(reply["Content"])

    def _now(self) -> str:
        return str(int(self._clock.now().timestamp()))


@pytest.fixture(params=["@wecom/crypto", "wechat-crypto"])
def enterprise(
    request: pytest.FixtureRequest, peers: str, clock: HandClock, application: Application
) -> Iterator[Enterprise]:
    with serving_app_callback(application) as callback:
        yield Enterprise(peers, str(request.param), clock, callback)


def test_we_and_their_cryptography_read_each_other(
    enterprise: Enterprise, application: Application
) -> None:
    notes = ["读完第3章", f"读完{EMOJI}👨‍👩‍👧", "字" * 500, "<b> & 'c'"]
    for number, note in enumerate(notes):
        assert "要先记住你" in enterprise.said(f"打卡 {note}", f"{USER}{number}")
        assert f"记下了：{note}" in enterprise.said("1", f"{USER}{number}").splitlines()
    assert rows(application, CheckIn) == len(notes)
    event = enterprise.push({"MsgType": "event", "Event": "enter_agent", "EventKey": ""})
    assert (event["status"], event["body"]) == (200, "")


def test_their_verification_is_answered(enterprise: Enterprise) -> None:
    answer = enterprise.asked("verify", {"echo": "1616140317555161061"})
    assert answer == {"status": 200, "body": "1616140317555161061"}
    assert enterprise.asked("verify", {"echo": "1"}, token="othertoken")["status"] == 403


def test_what_is_wrong_in_their_push_is_refused(
    enterprise: Enterprise, application: Application, clock: HandClock
) -> None:
    text = {"Content": "打卡", "MsgId": "1"}
    stamp = {"timestamp": str(int(clock.now().timestamp())), "nonce": "1"}
    assert enterprise.push(text, token="othertoken")["status"] == 403
    assert enterprise.push(text, appid="wwffffffffffffffff")["status"] == 400
    assert enterprise.push(text, key=KEY[::-1])["status"] == 400
    assert enterprise.push(text, **stamp)["status"] == 200
    clock.forward(timedelta(seconds=301))
    assert enterprise.push(text, **stamp)["status"] == 403
