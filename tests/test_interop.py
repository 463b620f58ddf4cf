"""Other people's bots, clients and cryptography from npm and PyPI, in both directions."""

import itertools
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from flask import Flask
from werobot import WeRoBot
from werobot.contrib.flask import make_view
from werobot.replies import ImageReply

from bot.bootstrap import Application
from bot.simulator.api import Api, serving_api, serving_app
from bot.simulator.official_account import UNAVAILABLE, Account, Format, Mode, Platform
from tests.conftest import HandClock
from tests.interop.clients import ClientPeer, CoWechatApi, Refused, WeRoBotClient
from tests.interop.fixtures import CREDENTIALS
from tests.interop.processes import asked
from tests.platform import AES_KEY, APP_ID, OPENID, TOKEN, account, enrol, serving
from tests.sending import CUSTOM, EMOJI, PICTURE, SECRET, TEMPLATE
from tests.test_callback import with_account

pytestmark = pytest.mark.interop

MODES: tuple[Mode, ...] = ("plain", "compatible", "safe")
every_mode = pytest.mark.parametrize("mode", MODES)


@pytest.fixture
def dialect() -> str:
    """Which database it is makes no difference to a peer."""
    return "sqlite"


# Bots that our simulator pushes to


def robot_with(encoding_aes_key: str) -> WeRoBot:
    """A bot that answers as interop/servers.js does."""
    robot = WeRoBot(
        token=TOKEN, app_id=APP_ID, encoding_aes_key=encoding_aes_key, SESSION_STORAGE=False
    )

    def answer(message: Any) -> Any:
        if message.type.endswith("_event"):
            return f"事件 {message.type.removesuffix('_event').upper()} {message.key}"
        article = ["题", "说", "https://example.org/p.png", "https://example.org/?a=1&b=2"]
        answers = {"图片": ImageReply(message, media_id="M1"), "图文": [article], "无": None}
        return answers.get(message.content, f"你说：{message.content}")

    robot.add_handler(answer)
    return robot


@pytest.fixture(scope="session")
def robots() -> Iterator[str]:
    """The base URL of two WeRoBots, by path: without a key and with one."""
    app = Flask(__name__)
    for name, key in (("plain", ""), ("encrypted", AES_KEY)):
        app.add_url_rule(f"/werobot/{name}", name, make_view(robot_with(key)), methods=["POST"])
    with serving_app(app) as base:
        yield base


@pytest.fixture(params=["werobot", "co-wechat", "wechat"])
def bot_peer(request: pytest.FixtureRequest) -> str:
    """The URL of one bot, without its last part."""
    name = str(request.param)
    base = request.getfixturevalue("robots" if name == "werobot" else "peers")
    return f"{base}/{name}"


def callback_of(bot_peer: str, mode: Mode) -> str:
    return f"{bot_peer}/{'plain' if mode == 'plain' else 'encrypted'}"


@every_mode
def test_we_understand_what_their_bots_answer(bot_peer: str, clock: HandClock, mode: Mode) -> None:
    platform = Platform(account(callback_of(bot_peer, mode)), clock, mode=mode, attempts=1)

    said = platform.text(OPENID, f"打卡 <b> & 'c' {EMOJI}")
    assert said.text == f"你说：打卡 <b> & 'c' {EMOJI}"
    assert said.fields["ToUserName"] == OPENID
    assert said.fields["FromUserName"] == "gh_sandbox00001"
    assert platform.text(OPENID, "字" * 600).text == "你说：" + "字" * 600
    assert platform.event(OPENID, "CLICK", "help").text == "事件 CLICK help"

    picture = platform.text(OPENID, "图片").fields
    assert (picture["MsgType"], picture["Image"].strip()) == ("image", "M1")
    news = platform.text(OPENID, "图文").fields
    assert (news["MsgType"], news["ArticleCount"].strip()) == ("news", "1")
    parts = ["题", "说", "https://example.org/p.png", "https://example.org/?a=1&b=2"]
    assert "".join(news["Articles"].split()) == "".join(parts)

    nothing = platform.text(OPENID, "无")
    assert (nothing.text, nothing.fields) == ("", {})


@every_mode
def test_their_bots_refuse_another_token(bot_peer: str, clock: HandClock, mode: Mode) -> None:
    other = Account(callback_of(bot_peer, mode), "othertoken", APP_ID, AES_KEY)
    platform = Platform(other, clock, mode=mode, attempts=1)

    assert platform.text(OPENID, "打卡").text == UNAVAILABLE


# Clients that call our simulated API


@pytest.fixture
def api(clock: HandClock) -> Api:
    return Api(APP_ID, SECRET, clock)


@pytest.fixture
def platform_url(api: Api) -> Iterator[str]:
    with serving_api(api) as base:
        yield base


Connect = Callable[[str], ClientPeer]


@pytest.fixture(params=["werobot", "co-wechat-api"])
def connect(request: pytest.FixtureRequest, platform_url: str) -> Connect:
    """A client with the secret that it is given."""
    if request.param == "werobot":
        patch = request.getfixturevalue("monkeypatch")
        return lambda secret: WeRoBotClient(platform_url, secret, patch)
    peers = request.getfixturevalue("peers")
    return lambda secret: CoWechatApi(peers, platform_url, secret)


@pytest.fixture
def client(connect: Connect) -> ClientPeer:
    return connect(SECRET)


def test_their_clients_get_a_token(client: ClientPeer, api: Api) -> None:
    assert client.token()
    assert api.calls == ["/cgi-bin/token"]


def test_their_clients_send_messages(client: ClientPeer, api: Api) -> None:
    api.heard(OPENID, "message")
    client.text(OPENID, f"明天开会 <b> & {EMOJI}")
    client.template(OPENID, "T1", {"thing1": {"value": "开会"}})

    text, template = api.sent
    assert (text.path, text.touser) == (CUSTOM, OPENID)
    assert text.body["text"] == {"content": f"明天开会 <b> & {EMOJI}"}
    assert (template.path, template.touser) == (TEMPLATE, OPENID)
    assert template.body["data"] == {"thing1": {"value": "开会"}}
    assert [event["Event"] for event in api.events] == ["TEMPLATESENDJOBFINISH"]


MENU = {
    "button": [
        {"type": "click", "name": "打卡", "key": "check-in"},
        {
            "name": "更多",
            "sub_button": [{"type": "view", "name": "看", "url": "https://e.org/?a=1"}],
        },
    ]
}


def test_their_clients_make_and_read_a_menu(client: ClientPeer, api: Api) -> None:
    client.create_menu(MENU)

    assert api.menu == MENU["button"]
    assert client.menu() == {"menu": MENU}


def test_their_clients_make_a_code(client: ClientPeer, api: Api) -> None:
    code = client.code("join:示例")

    assert api.scenes == {code["ticket"]: "join:示例"}
    assert (code["expire_seconds"], code["url"][:4]) == (600, "http")


def test_their_clients_upload_and_download(client: ClientPeer, api: Api, tmp_path: Path) -> None:
    file = tmp_path / "党课.png"
    file.write_bytes(PICTURE)

    assert client.download(client.upload(file)) == PICTURE


def test_a_refusal_is_their_clients_own_error(client: ClientPeer, api: Api) -> None:
    assert code_of(lambda: client.text(OPENID, "你好")) == 45015
    assert code_of(lambda: client.text("nobody", "你好")) == 40003
    assert code_of(client.menu) == 46003
    # co-wechat-api gets a new token three times before it gives up.
    api.refuse[CUSTOM] = [40001] * 4
    assert code_of(lambda: client.text(OPENID, "你好")) == 40001
    assert api.sent == []


def test_their_clients_are_refused_with_another_secret(connect: Connect) -> None:
    assert code_of(connect("another").token) == 40125


def test_co_wechat_api_gets_another_token_for_one_that_is_not_good_any_more(
    peers: str, platform_url: str, api: Api
) -> None:
    client = CoWechatApi(peers, platform_url, SECRET)
    api.heard(OPENID, "message")
    client.text(OPENID, "一")
    api.revoke()
    client.text(OPENID, "二")

    assert [sent.body["text"]["content"] for sent in api.sent] == ["一", "二"]
    assert api.calls.count("/cgi-bin/token") == 2


def code_of(call: Callable[[], object]) -> int:
    """The code that the call is refused with."""
    with pytest.raises(Refused) as refused:
        call()
    return refused.value.code


# Cryptography that speaks to our callback


class Sender:
    """Pushes as the platform does, by one package's signature and encryption."""

    def __init__(
        self, peers: str, name: str, clock: HandClock, callback: str, mode: Mode,
        format: Format = "xml",
    ) -> None:  # fmt: skip
        self._peers = peers
        self._clock = clock
        self._job = {"name": name, "callback": callback, "mode": mode, "format": format}
        self._mode = mode
        self._format = format
        self._nonces = itertools.count(415670741)

    def push(self, fields: dict[str, str], **other: str) -> dict[str, Any]:
        """What interop/sender.js says; `other` are credentials, a timestamp or a nonce."""
        now = str(int(self._clock.now().timestamp()))
        message: dict[str, Any] = {
            "ToUserName": "gh_1", "FromUserName": OPENID, "CreateTime": int(now),
            "MsgType": "text", **fields,
        }  # fmt: skip
        stamp = {"timestamp": now, "nonce": str(next(self._nonces))}
        job = {**self._job, "message": message, **stamp, **CREDENTIALS, **other}
        answer: dict[str, Any] = asked(f"{self._peers}/send", job)
        return answer

    def said(self, fields: dict[str, str], **other: str) -> str:
        """The words of our reply, read by the package; "" for none."""
        answer = self.push(fields, **other)
        assert answer["status"] == 200, answer
        if answer["body"] == "success":
            return ""
        assert ("message" in answer) == (self._mode != "plain")
        assert answer.get("id", APP_ID) == APP_ID
        reply = parsed(answer.get("message", answer["body"]), self._format)
        ends = reply["ToUserName"], reply["FromUserName"]
        assert ends == (fields.get("FromUserName", OPENID), "gh_1")
        return reply["Content"]


def parsed(text: str, format: Format) -> dict[str, str]:
    if format == "json":
        return dict(json.loads(text))
    return {child.tag: child.text or "" for child in ElementTree.fromstring(text)}  # noqa: S314


@pytest.fixture(params=["@wecom/crypto", "wechat-crypto", "wechat-encrypt"])
def package(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("format", ["xml", "json"])
@every_mode
def test_we_and_their_cryptography_read_each_other(
    application: Application, clock: HandClock, peers: str, package: str, mode: Mode, format: Format
) -> None:
    notes = ["读完第3章", f"读完{EMOJI}👨‍👩‍👧", "字" * 500, "<b> & 'c'"]
    openids = [f"{OPENID[:-1]}{number}" for number in range(len(notes))]
    enrol(application, *openids, account="gh_1")
    key = "" if mode == "plain" else AES_KEY
    with serving(with_account(application, encoding_aes_key=key)) as callback:
        sender = Sender(peers, package, clock, callback, mode, format)
        for openid, note in zip(openids, notes, strict=True):
            text = {"FromUserName": openid, "Content": f"打卡 {note}", "MsgId": f"1{openid[-1]}"}
            assert sender.said(text).splitlines()[1] == f"记下了：{note}"
        event = {"FromUserName": openids[0], "MsgType": "event", "EventKey": ""}
        assert sender.said({**event, "Event": "subscribe"}).startswith("你好，我是学伴。")
        assert sender.said({**event, "Event": "unsubscribe"}) == ""


@every_mode
def test_what_is_wrong_in_their_push_is_refused(
    application: Application, clock: HandClock, peers: str, package: str, mode: Mode
) -> None:
    enrol(application, OPENID, account="gh_1")
    encrypted = mode != "plain"
    key = AES_KEY if encrypted else ""
    text = {"Content": "打卡", "MsgId": "1"}
    stamp = {"timestamp": str(int(clock.now().timestamp())), "nonce": "1514711492"}
    with serving(with_account(application, encoding_aes_key=key)) as callback:
        sender = Sender(peers, package, clock, callback, mode)
        assert sender.push(text, token="othertoken")["status"] == 403
        if encrypted:
            assert sender.push(text, appid="wxffffffffffffffff")["status"] == 400
            assert sender.push(text, key=AES_KEY[::-1])["status"] == 400
        # Nothing of it was taken: this is the first 打卡.
        good = {**text, "MsgId": "2"}
        assert "打卡成功" in sender.said(good, **stamp)
        clock.forward(timedelta(seconds=301))
        assert sender.push(good, **stamp)["status"] == 403
