"""WeCom's own SDKs and cryptography as bots that our sandbox plays the platform to."""

import hashlib
import json
import ssl
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.simulator.wecom.callback import serving_callback
from bot.simulator.wecom.connection import ConnectionFaults, LongConnection, serving_connection
from bot.simulator.wecom.enterprise import Bot, Enterprise
from bot.simulator.wecom.people import People
from tests.conftest import HandClock
from tests.interop.bots import BotPeer, started
from tests.interop.processes import SCRIPTS, node
from tests.platform import AES_KEY, APP_ID, TOKEN
from tests.test_simulator_caller import certificate
from tests.wecom import PNG, card

pytestmark = pytest.mark.interop

SECRET = "longsecret1"


@pytest.fixture
def enterprise(clock: HandClock) -> Enterprise:
    enterprise = Enterprise(Bot("BOT1", "学伴", SECRET, TOKEN, AES_KEY), clock)
    enterprise.add_member("U1")
    enterprise.add_group("G1", "一班", ("U1",))
    return enterprise


@dataclass
class Peer:
    """One SDK beside the platform; `start` gives a bot with this secret."""

    name: str
    line: LongConnection
    people: People
    start: Callable[[str], AbstractContextManager[BotPeer]]


@contextmanager
def node_peer(enterprise: Enterprise, packages: Path) -> Iterator[Peer]:
    with serving_connection(enterprise) as line:

        def start(secret: str) -> AbstractContextManager[BotPeer]:
            job = {"url": line.url, "bot": "BOT1", "secret": secret}
            return started(["node", str(SCRIPTS / "aibot.js"), json.dumps(job)], NODE_PATH=str(packages))  # fmt: skip

        yield Peer("node", line, People(enterprise, line), start)


@contextmanager
def python_peer(enterprise: Enterprise, folder: Path) -> Iterator[Peer]:
    """Over TLS: it knows nothing else."""
    file = certificate(folder)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(file)
    with serving_connection(enterprise, tls=tls) as line:

        def start(secret: str) -> AbstractContextManager[BotPeer]:
            job = {"url": line.url, "bot": "BOT1", "secret": secret, "ca": str(file)}
            script = str(SCRIPTS / "aibot_bot.py")
            return started([sys.executable, "-W", "ignore", script, json.dumps(job)])

        yield Peer("python", line, People(enterprise, line), start)


@pytest.fixture(params=["node", "python"])
def peer(request: pytest.FixtureRequest, enterprise: Enterprise, tmp_path: Path) -> Iterator[Peer]:
    if request.param == "python":
        with python_peer(enterprise, tmp_path) as peer:
            yield peer
        return
    with node_peer(enterprise, request.getfixturevalue("packages")) as peer:
        yield peer


def test_their_bots_answer(peer: Peer, enterprise: Enterprise) -> None:
    with peer.start(SECRET) as bot:
        bot.wait("authenticated")
        welcome = peer.people.enter_chat("U1")
        assert welcome is not None
        assert (welcome.wait(10).text, bot.wait("welcomed")) == ("欢迎", 0)

        said = peer.people.say("U1", "@学伴 打卡😀", "G1").wait(10)
        assert (said.text, said.stream, bot.wait("answered")) == ("你说：打卡😀", "S1", [0, 0])
        frames = [one for one in enterprise.ledger if one.what == "aibot_respond_msg stream"]
        assert len(frames) == 2

        shown = peer.people.say("U1", f"卡片 {json.dumps(card())}").wait(10).last
        assert bot.wait("card") == 0
        assert shown is not None
        tapped = peer.people.tap("U1", shown, "check-in").wait(10)
        assert tapped.card is not None
        assert (tapped.card["main_title"], bot.wait("updated")) == ({"title": "点了 check-in"}, 0)

        peer.people.picture("U1", PNG)
        assert bytes.fromhex(bot.wait("picture")) == PNG
        assert enterprise.until(
            lambda: any(one.what == "ping" and not one.code for one in enterprise.ledger)
        )


def test_their_bots_push_and_go_over_the_limit(peer: Peer, enterprise: Enterprise) -> None:
    with peer.start(SECRET) as bot:
        bot.wait("authenticated")
        peer.people.say("U1", "@学伴 推送 32", "G1")
        assert bot.wait("pushed") == [0] * 30 + [846607] * 2
    assert [one.text for one in enterprise.messages("G1")[1:]] == ["**早**"] * 30


def test_their_bots_are_refused_with_another_secret(peer: Peer) -> None:
    with peer.start("another") as bot:
        assert "853000" in bot.wait("error")
        assert not peer.line.live


def test_their_bots_are_kicked_and_stay_away(peer: Peer) -> None:
    with peer.start(SECRET) as bot:
        bot.wait("authenticated")
        peer.line.kick()
        bot.wait("kicked")
        assert bot.silent("authenticated", 1.0)
        assert not peer.line.live


def test_their_bots_come_back_after_a_cut(peer: Peer) -> None:
    with peer.start(SECRET) as bot:
        bot.wait("authenticated")
        peer.line.faults = ConnectionFaults(refusing=True)
        peer.line.cut()
        bot.wait("disconnected")
        peer.line.faults = ConnectionFaults()
        bot.wait("authenticated")
        assert peer.people.say("U1", "回来了").wait(10).text == "你说：回来了"


def test_their_bots_give_a_line_up_that_has_no_pongs(peer: Peer) -> None:
    """The Python package never comes back: after an orderly end it waits for ever."""
    with peer.start(SECRET) as bot:
        bot.wait("authenticated")
        peer.line.faults = ConnectionFaults(no_pong=True)
        assert peer.line.wait_live(10, live=False)
        if peer.name == "node":
            bot.wait("authenticated")


def test_a_file_goes_up_from_their_bot(enterprise: Enterprise, packages: Path) -> None:
    """The Python package has no uploads."""
    with node_peer(enterprise, packages) as peer, peer.start(SECRET) as bot:
        bot.wait("authenticated")
        exchange = peer.people.say("U1", "上传").wait(10)
        code, digest = bot.wait("uploaded")
        assert code == 0
        assert exchange.last is not None
        assert hashlib.md5(exchange.last.file).hexdigest() == digest  # noqa: S324


def test_their_cryptography_reads_what_our_callback_sends(
    enterprise: Enterprise, packages: Path
) -> None:
    credentials = {"token": TOKEN, "appid": APP_ID, "key": AES_KEY}
    with (
        node("peers.js", packages, credentials) as peers,
        serving_callback(enterprise, f"{peers}/wecom/bot", pause=lambda _: None) as line,
    ):
        line.verify()
        people = People(enterprise, line)
        for text in ("打卡 读完😀了", "字" * 2000, "<b> & 'c'"):
            exchange = people.say("U1", text)
            assert (exchange.problem, exchange.text) == ("", f"你说：{text}")
        assert "HTTP 403" in wrongly(enterprise, peers)


def wrongly(enterprise: Enterprise, peers: str) -> str:
    """What becomes of a message that another token signs."""
    bot = Bot("BOT1", "学伴", token="another", encoding_aes_key=AES_KEY)
    other = Enterprise(bot, enterprise.clock)
    other.add_member("U1")
    with serving_callback(other, f"{peers}/wecom/bot", attempts=1) as line:
        return People(other, line).say("U1", "打卡").problem
