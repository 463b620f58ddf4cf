"""The sandbox as WeCom: the long connection, over real sockets."""

import base64
import hashlib
import json
import ssl
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
import requests
from websockets.exceptions import ConnectionClosed, ConnectionClosedOK, InvalidStatus
from websockets.sync.client import connect

from bot.errors import SandboxProblem
from bot.simulator.wecom.connection import ConnectionFaults, LongConnection, serving_connection
from bot.simulator.wecom.enterprise import Bot, Enterprise
from bot.simulator.wecom.limits import Counts
from bot.simulator.wecom.people import People
from bot.simulator.wecom.watching import Shown, Traffic, Watcher
from tests.conftest import HandClock
from tests.test_simulator_caller import certificate
from tests.test_simulator_wecom_callback import decrypted
from tests.wecom import (
    BOT,
    PNG,
    SECRET,
    Fields,
    RawBot,
    card_message,
    enterprise_at,
    markdown,
    raw_bot,
    stream,
    update,
)

GROUP_TEXT = "@学习 助手 打卡"


@pytest.fixture
def enterprise(clock: HandClock) -> Enterprise:
    return enterprise_at(clock)


@pytest.fixture
def line(enterprise: Enterprise) -> Iterator[LongConnection]:
    with serving_connection(enterprise) as line:
        yield line


@pytest.fixture
def people(enterprise: Enterprise, line: LongConnection) -> People:
    return People(enterprise, line)


@pytest.fixture
def bot(line: LongConnection) -> Iterator[RawBot]:
    """Subscribed."""
    with raw_bot(line.url) as bot:
        yield bot


# Subscribing


def test_nothing_goes_before_the_subscription(line: LongConnection) -> None:
    with raw_bot(line.url, subscribed=False) as bot:
        assert bot.code("ping") == 846609
        assert bot.code("aibot_send_msg", {"chatid": "G1", **markdown("好")}) == 846609
        assert bot.subscribe(secret="another") == 853000
        assert bot.subscribe(bot_id="another") == 853000
        assert bot.code("aibot_subscribe", {"bot_id": BOT.id, "secret": 1}) == 853000
        assert bot.code("ping") == 846609
        assert line.wait_live(0, live=False)
        assert bot.call("aibot_subscribe", {"bot_id": BOT.id, "secret": SECRET}) == {
            "headers": {"req_id": "aibot_subscribe_7"}, "errcode": 0, "errmsg": "ok",
        }  # fmt: skip
        assert line.live
        assert bot.code("ping") == 0


def test_a_bot_without_a_secret_is_not_let_in(clock: HandClock) -> None:
    with (
        serving_connection(Enterprise(Bot(), clock)) as line,
        raw_bot(line.url, subscribed=False) as bot,
    ):
        assert bot.subscribe(secret="", bot_id=Bot().id) == 853000


def test_another_subscription_ends_the_one_before(
    enterprise: Enterprise, line: LongConnection, people: People
) -> None:
    with raw_bot(line.url) as old, raw_bot(line.url) as new:
        event = old.take()
        assert event["cmd"] == "aibot_event_callback"
        assert event["body"]["event"] == {"eventtype": "disconnected_event"}
        with pytest.raises(ConnectionClosedOK):
            old.take()
        people.say("U1", "打卡")
        assert new.take()["cmd"] == "aibot_msg_callback"
        assert new.subscribe() == 0  # once more, on the same connection
        assert new.code("ping") == 0
        assert line.live
    assert line.wait_live(live=False)


def test_nothing_comes_before_the_acknowledgement(line: LongConnection, people: People) -> None:
    done = threading.Event()

    def chatter() -> None:
        while not done.wait(0.001):
            people.say("U1", "在吗")

    with ThreadPoolExecutor(1) as pool:
        said = pool.submit(chatter)
        for _ in range(10):
            with raw_bot(line.url) as bot:  # whose subscription takes the next frame for the ack
                assert bot.take()["cmd"] == "aibot_msg_callback"
        done.set()
        said.result(5)


def test_a_kick_and_a_cut(line: LongConnection) -> None:
    with raw_bot(line.url) as bot:
        line.kick()
        assert bot.take()["body"]["event"] == {"eventtype": "disconnected_event"}
        with pytest.raises(ConnectionClosedOK):
            bot.take()
        assert not line.live
    with raw_bot(line.url) as bot:
        line.cut()
        assert not line.live
        with pytest.raises(ConnectionClosed) as closed:
            bot.take()
        assert not isinstance(closed.value, ConnectionClosedOK)


def test_what_is_said_while_nobody_is_connected_is_lost(
    enterprise: Enterprise, line: LongConnection, people: People
) -> None:
    exchange = people.say("U1", "打卡").wait(0)
    assert "没有连着" in exchange.problem
    assert enterprise.ledger[-1].problem
    with raw_bot(line.url) as bot:
        people.say("U1", "二")
        assert bot.take()["body"]["text"] == {"content": "二"}


def test_tls(enterprise: Enterprise, tmp_path: Path) -> None:
    file = certificate(tmp_path)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(file)
    trusting = ssl.create_default_context(cafile=str(file))
    with serving_connection(enterprise, tls=server) as line:
        assert line.url.startswith("wss://")
        with connect(line.url, ssl=trusting, proxy=None) as connection:
            assert RawBot(connection).subscribe() == 0
        with pytest.raises(ssl.SSLCertVerificationError), ExitStack() as stack:
            stack.enter_context(connect(line.url, proxy=None))


# Messages and answers


def test_a_message_and_a_stream_in_two_frames(
    enterprise: Enterprise, people: People, bot: RawBot
) -> None:
    exchange = people.say("U2", GROUP_TEXT, "G1")
    frame = bot.take()
    assert frame == {
        "cmd": "aibot_msg_callback",
        "headers": {"req_id": exchange.request},
        "body": {
            "msgid": exchange.id, "aibotid": BOT.id, "chatid": "G1", "chattype": "group",
            "from": {"userid": "U2"}, "msgtype": "text", "text": {"content": GROUP_TEXT},
        },
    }  # fmt: skip
    assert bot.code("aibot_respond_msg", stream("在想", finish=False), exchange.request) == 0
    assert (exchange.wait(0).text, exchange.finished) == ("在想", False)
    assert bot.code("aibot_respond_msg", stream("想好了"), exchange.request) == 0
    assert (exchange.wait().text, exchange.finished, exchange.problem) == ("想好了", True, "")
    assert bot.code("aibot_respond_msg", stream("再想"), exchange.request) == 846608
    assert enterprise.used("G1") == (1, 1)
    assert [one.text for one in enterprise.messages("G1")] == [GROUP_TEXT, "想好了"]


def test_a_stream_ends_six_minutes_after_its_first_frame(
    people: People, bot: RawBot, clock: HandClock
) -> None:
    exchange = people.say("U1", "问题")
    request = bot.request()
    clock.forward(timedelta(minutes=10))
    assert bot.code("aibot_respond_msg", stream("一", finish=False), request) == 0
    clock.forward(timedelta(minutes=6))
    assert bot.code("aibot_respond_msg", stream("二", finish=False), request) == 0
    clock.forward(timedelta(seconds=1))
    ack = bot.call("aibot_respond_msg", stream("三"), request)
    assert (ack["errcode"], ack["errmsg"][:29]) == (846608, "stream message update expired")
    assert (exchange.text, exchange.finished) == ("二", True)
    assert bot.code("aibot_respond_msg", stream("新的", id="S2"), request) == 0


def test_an_answer_may_come_for_a_day(people: People, bot: RawBot, clock: HandClock) -> None:
    people.say("U1", "问题")
    request = bot.request()
    clock.forward(timedelta(hours=24))
    assert bot.code("aibot_respond_msg", markdown("好"), request) == 0
    clock.forward(timedelta(seconds=1))
    assert bot.code("aibot_respond_msg", markdown("好"), request) == 846605


def test_an_answer_to_what_it_is_not_for(people: People, bot: RawBot) -> None:
    assert bot.call("aibot_respond_msg", stream("好"), "unknown")["errmsg"] == "invalid req_id"
    people.enter_chat("U1")
    welcome = bot.request()
    people.say("U1", "问题")
    message = bot.request()
    assert bot.code("aibot_respond_msg", stream("好"), welcome) == 846605
    assert bot.code("aibot_respond_update_msg", update(), welcome) == 846605
    assert bot.code("aibot_respond_welcome_msg", card_message(), message) == 846605
    assert bot.code("aibot_respond_update_msg", update(), message) == 846605
    assert bot.code("aibot_respond_msg", stream("好"), message) == 0


TEXT: Fields = {"msgtype": "text", "text": {"content": "欢迎"}}


def test_a_welcome_within_five_seconds(people: People, bot: RawBot, clock: HandClock) -> None:
    first = people.enter_chat("U1")
    assert first is not None
    request = bot.request()
    assert bot.code("aibot_respond_welcome_msg", stream("欢迎"), request) == 40058
    clock.forward(timedelta(seconds=5))
    assert bot.code("aibot_respond_welcome_msg", TEXT, request) == 0
    assert bot.code("aibot_respond_welcome_msg", TEXT, request) == 846605
    assert first.text == "欢迎"
    people.enter_chat("U2")
    late = bot.request()
    clock.forward(timedelta(seconds=6))
    assert bot.code("aibot_respond_welcome_msg", TEXT, late) == 846605


def test_a_card_is_updated_within_five_seconds(
    people: People, bot: RawBot, clock: HandClock
) -> None:
    exchange = people.say("U1", GROUP_TEXT, "G1")
    assert bot.code("aibot_respond_msg", card_message(), bot.request()) == 0
    shown = exchange.wait().last
    assert shown is not None
    tapped = people.tap("U2", shown, "check-in")
    frame = bot.take()
    assert frame["cmd"] == "aibot_event_callback"
    assert frame["body"]["event"]["template_card_event"]["task_id"] == "T1"
    request = frame["headers"]["req_id"]
    assert bot.code("aibot_respond_msg", stream("好"), request) == 846605
    assert bot.code("aibot_respond_update_msg", update("T2"), request) == 40058
    assert bot.code("aibot_respond_update_msg", update(), request) == 0
    assert tapped.wait().card == update()["template_card"]
    assert bot.code("aibot_respond_update_msg", update(), request) == 846605
    people.tap("U1", shown, "no")
    late = bot.request()
    clock.forward(timedelta(seconds=6))
    assert bot.code("aibot_respond_update_msg", update(), late) == 846605


def test_feedback_has_no_answer(people: People, bot: RawBot) -> None:
    exchange = people.say("U1", "问题")
    assert bot.code("aibot_respond_msg", stream("好", feedback={"id": "F1"}), bot.request()) == 0
    shown = exchange.wait().last
    assert shown is not None
    given = people.feedback("U1", shown, 1)
    assert bot.take()["body"]["event"]["feedback_event"] == {"id": "F1", "type": 1}
    assert given.over


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (stream("字" * 6827), 40058),
        (stream("图", msg_item=[{"msgtype": "image"}]), 40058),
        ({"msgtype": "text", "text": {"content": "好"}}, 40058),
        ({"msgtype": "file", "file": {"media_id": "M"}}, 40007),
        ({"msgtype": "file", "file": {}}, 40058),
        ({"msgtype": ["stream"]}, 40058),
        ({}, 40058),
        (markdown("**好**"), 0),
        ({**stream("好"), **card_message(), "msgtype": "stream_with_template_card"}, 0),
        ({**stream("好"), "msgtype": "stream_with_template_card"}, 0),
    ],
)
def test_what_an_answer_may_be(people: People, bot: RawBot, body: Fields, code: int) -> None:
    exchange = people.say("U1", "问题")
    assert bot.code("aibot_respond_msg", body, bot.request()) == code
    assert bool(exchange.wait(0).shown) == (code == 0)
    assert bool(exchange.problem) == (code == 40058)


def test_a_card_comes_once_with_a_stream(people: People, bot: RawBot) -> None:
    both = {**stream("一", finish=False), "msgtype": "stream_with_template_card"}
    exchange = people.say("U1", "问题")
    request = bot.request()
    assert bot.code("aibot_respond_msg", both, request) == 0
    assert (
        bot.code(
            "aibot_respond_msg", {**both, **card_message("T1"), "msgtype": both["msgtype"]}, request
        )
        == 0
    )
    assert (
        bot.code(
            "aibot_respond_msg", {**both, **card_message("T2"), "msgtype": both["msgtype"]}, request
        )
        == 40058
    )
    assert exchange.last is not None
    assert (exchange.last.card or {})["task_id"] == "T1"


# Pushes and limits


def test_who_has_talked_to_the_bot_gets_pushes(
    enterprise: Enterprise, people: People, bot: RawBot
) -> None:
    people.enter_chat("U3")
    bot.request()
    push = {"chatid": "U1", **markdown("早")}
    assert bot.call("aibot_send_msg", push)["errmsg"] == "invalid chatid"
    assert bot.code("aibot_send_msg", {**push, "chatid": "U3"}) == 93006
    people.say("U1", GROUP_TEXT, "G1")
    people.say("U2", "你好")
    for _ in range(2):
        bot.request()
    assert bot.code("aibot_send_msg", push) == 93006
    for chat, type, code in (
        ("G1", None, 0), ("G1", 2, 0), ("G1", 1, 93006), ("U2", 1, 0), ("U2", 2, 93006), (1, None, 93006),
    ):  # fmt: skip
        body = {"chatid": chat, **markdown("早")} | ({"chat_type": type} if type else {})
        assert bot.code("aibot_send_msg", body) == code
    assert bot.code("aibot_send_msg", {"chatid": "U2", **card_message()}) == 0
    assert bot.code("aibot_send_msg", {"chatid": "U2", **stream("早")}) == 40058
    assert [(one.way, one.text) for one in enterprise.messages("G1")[1:]] == [("push", "早")] * 2
    shown = enterprise.messages("U2")[-1]
    assert enterprise.card("T1") == shown
    people.tap("U2", shown, "no")
    assert bot.code("aibot_respond_update_msg", update(), bot.request()) == 0


def test_thirty_messages_a_minute_of_answers_and_pushes_together(
    enterprise: Enterprise, people: People, bot: RawBot, clock: HandClock
) -> None:
    people.say("U1", GROUP_TEXT, "G1")
    request = bot.request()
    for number in range(15):
        for finish in (False, True):
            answer = stream("好", id=f"S{number}", finish=finish)
            assert bot.code("aibot_respond_msg", answer, request) == 0
        assert bot.code("aibot_send_msg", {"chatid": "G1", **markdown("早")}) == 0
    assert enterprise.used("G1") == (30, 30)
    assert bot.code("aibot_send_msg", {"chatid": "G1", **markdown("早")}) == 846607
    assert bot.code("aibot_respond_msg", markdown("好"), request) == 846607
    over = [one for one in enterprise.ledger if one.code == 846607]
    assert [one.problem for one in over] == ["超过每个会话每分钟 30 条、每小时 1000 条"] * 2
    assert len(enterprise.messages("G1")) == 31
    clock.forward(timedelta(minutes=1))
    assert bot.code("aibot_respond_msg", markdown("好"), request) == 0


def test_a_thousand_messages_an_hour(clock: HandClock) -> None:
    counts = Counts()
    for _ in range(1000):
        assert counts.take("G1", clock.now())
        clock.forward(timedelta(seconds=3))
    assert not counts.take("G1", clock.now())
    assert counts.take("G2", clock.now())
    clock.forward(timedelta(minutes=10) - timedelta(seconds=1))
    assert not counts.take("G1", clock.now())
    clock.forward(timedelta(seconds=1))
    assert counts.take("G1", clock.now())


# Files


def test_a_picture_has_a_key_of_its_own(people: People, bot: RawBot, clock: HandClock) -> None:
    keys = set()
    for _ in range(2):
        people.picture("U1", PNG)
        image = bot.take()["body"]["image"]
        key = base64.b64decode(image["aeskey"])
        with requests.Session() as session:
            session.trust_env = False
            assert decrypted(session.get(image["url"], timeout=5).content, key) == PNG
        keys.add(key)
    assert len(keys) == 2


def upload(bot: RawBot, content: bytes, piece: int, **other: object) -> Fields:
    """The last ack; `other` replaces fields of the first frame."""
    pieces = [content[start : start + piece] for start in range(0, len(content), piece)]
    begin: Fields = {
        "type": "file", "filename": "a.txt", "total_size": len(content), "total_chunks": len(pieces),
        "md5": hashlib.md5(content, usedforsecurity=False).hexdigest(), **other,
    }  # fmt: skip
    ack = bot.call("aibot_upload_media_init", begin)
    if ack["errcode"]:
        return ack
    id = ack["body"]["upload_id"]
    for index, part in reversed(list(enumerate(pieces))):
        data = base64.b64encode(part).decode()
        body = {"upload_id": id, "chunk_index": index, "base64_data": data}
        ack = bot.call("aibot_upload_media_chunk", body)
        if ack["errcode"]:
            return ack
    return bot.call("aibot_upload_media_finish", {"upload_id": id})


def test_a_file_goes_up_in_pieces_and_out(
    enterprise: Enterprise, people: People, bot: RawBot, clock: HandClock
) -> None:
    people.say("U1", "资料")
    request = bot.request()
    content = bytes(range(256)) * 4000
    done = upload(bot, content, 512 * 1024)
    media = done["body"]["media_id"]
    assert done["body"] == {"type": "file", "media_id": media, "created_at": "1795395600"}
    file = {"msgtype": "file", "file": {"media_id": media}}
    assert bot.code("aibot_respond_msg", file, request) == 0
    assert (
        bot.code("aibot_respond_msg", {"msgtype": "image", "image": {"media_id": media}}, request)
        == 40007
    )
    clock.forward(timedelta(days=3) - timedelta(seconds=1))
    assert bot.code("aibot_send_msg", {"chatid": "U1", **file}) == 0
    clock.forward(timedelta(seconds=1))
    assert bot.code("aibot_send_msg", {"chatid": "U1", **file}) == 40007
    assert [one.file for one in enterprise.messages("U1")[1:]] == [content] * 2
    assert base64.b64encode(content[:99]).decode() not in str(list(enterprise.ledger))


def test_uploads_that_are_refused(bot: RawBot, clock: HandClock) -> None:
    assert upload(bot, b"x" * 9, 4, md5="0" * 32)["errcode"] == 40058
    assert upload(bot, b"x" * 9, 4, total_size=8)["errcode"] == 40058
    assert upload(bot, b"x" * 9, 4, total_chunks=4)["errcode"] == 40058
    assert upload(bot, b"x" * 9, 4, total_chunks=101)["errcode"] == 40058
    assert upload(bot, b"x" * 9, 4, total_chunks=1)["errcode"] == 40058
    assert upload(bot, b"x" * 9, 4, type="text")["errcode"] == 40058
    assert upload(bot, b"x" * 9, 4, type=["file"])["errcode"] == 40058
    assert upload(bot, b"x" * 9, 4, filename="")["errcode"] == 40058
    assert upload(bot, b"x" * (512 * 1024 + 1), 512 * 1024 + 1)["errcode"] == 40058
    begin = {"type": "image", "filename": "a", "total_size": 1, "total_chunks": 1}
    id = bot.call("aibot_upload_media_init", begin)["body"]["upload_id"]
    body = {"upload_id": id, "chunk_index": 0, "base64_data": "?"}
    assert bot.code("aibot_upload_media_chunk", body) == 40058
    clock.forward(timedelta(minutes=30))
    assert bot.code("aibot_upload_media_chunk", {**body, "base64_data": "eA=="}) == 40058
    for _ in range(30):
        assert bot.code("aibot_upload_media_init", begin) == 0
    assert bot.code("aibot_upload_media_init", begin) == 846607


# What goes wrong


def test_no_pong_no_ack_and_late_acks(
    enterprise: Enterprise, line: LongConnection, people: People, bot: RawBot
) -> None:
    exchange = people.say("U1", "问题")
    request = bot.request()
    line.faults = ConnectionFaults(no_pong=True)
    bot.send("ping")
    assert bot.code("aibot_respond_msg", stream("一", finish=False), request) == 0
    line.faults = ConnectionFaults(no_ack=True)
    bot.send("aibot_respond_msg", stream("二"), request)
    assert bot.code("ping") == 0
    assert exchange.wait(0).text == "二"
    line.faults = ConnectionFaults(ack_seconds=0.2)
    begun = time.perf_counter()
    assert bot.code("ping") == 0
    assert time.perf_counter() - begun >= 0.2


def test_connections_are_refused(line: LongConnection) -> None:
    line.faults = ConnectionFaults(refusing=True)
    with pytest.raises(InvalidStatus), ExitStack() as stack:
        stack.enter_context(raw_bot(line.url))
    line.faults.refusing = False
    with raw_bot(line.url):
        assert line.live


def test_frames_twice_and_out_of_order(line: LongConnection, people: People, bot: RawBot) -> None:
    line.faults = ConnectionFaults(reorder=1.0)
    late = people.say("U1", "一")
    line.faults = ConnectionFaults(duplicate=1.0)
    twice = people.say("U1", "二")
    texts = [bot.take()["body"]["text"]["content"] for _ in range(3)]
    assert texts == ["二", "二", "一"]
    assert (late.attempts, twice.attempts) == (1, 2)


def test_nonsense_to_the_bot(line: LongConnection, people: People, bot: RawBot) -> None:
    line.faults = ConnectionFaults(malformed=1.0)
    for number in range(8):
        people.say("U1", str(number))
        bot.connection.recv(5)
        assert bot.take()["body"]["text"]["content"] == str(number)
    line.send_raw("nonsense")
    assert bot.connection.recv(5) == "nonsense"


@pytest.mark.parametrize(
    "frame", ["nonsense", "[]", "null", '{"cmd": "ping"}', '{"cmd": "ping", "headers": {"req_id": 1}}',
              '{"cmd": 1, "headers": {"req_id": "1"}}', '{"cmd": "ping", "headers": {"req_id": "1"}, "body": [1]}', b"\xff\xfe"]
)  # fmt: skip
def test_nonsense_from_the_bot(enterprise: Enterprise, bot: RawBot, frame: str | bytes) -> None:
    bot.connection.send(frame)
    assert bot.code("ping") == 0
    assert [one.problem for one in enterprise.ledger if one.what == "?"] == [
        "这一帧不是 cmd、headers.req_id、body"
    ]


def test_odd_texts_both_ways(people: People, bot: RawBot) -> None:
    half = "\ud800"  # of a pair, which JSON lets through
    odd = f"\x00\x08<b>{half}" + "👨‍👩‍👧" * 500
    exchange = people.say("U1", odd)
    frame = bot.take()
    assert frame["body"]["text"]["content"] == odd.replace(half, "?")
    request = frame["headers"]["req_id"]
    assert bot.code("aibot_respond_msg", stream(half, feedback={"id": half}), request) == 0
    assert exchange.text == half
    key = [{"text": "好", "key": half}]
    assert bot.code("aibot_respond_msg", card_message(button_list=key), request) == 0
    deep: object = []
    for _ in range(400):
        deep = [deep]
    assert bot.code("aibot_respond_msg", {"msgtype": deep}, request) == 40058
    bot.send("ping", request=half)
    assert bot.take()["headers"] == {"req_id": "?"}


def test_a_command_that_there_is_not(bot: RawBot) -> None:
    assert bot.code("aibot_other") == 40058


# Watching


class Noting(Watcher):
    def __init__(self) -> None:
        self.shown_texts: list[str] = []
        self.changes: list[str] = []
        self.traffic: list[Traffic] = []
        self.lives: list[bool] = []

    def shown(self, message: Shown, /) -> None:
        self.shown_texts.append(message.text)

    def changed(self, message: Shown, /) -> None:
        self.changes.append(message.text)

    def passed(self, traffic: Traffic, /) -> None:
        self.traffic.append(traffic)

    def connected(self, live: bool, /) -> None:
        self.lives.append(live)


def test_a_watcher_hears_of_everything_but_secrets(
    enterprise: Enterprise, line: LongConnection, people: People
) -> None:
    enterprise.watch = noting = Noting()
    with raw_bot(line.url) as bot:
        people.say("U1", "问题")
        request = bot.request()
        bot.call("aibot_respond_msg", stream("一", finish=False), request)
        bot.call("aibot_respond_msg", stream("二"), request)
        people.picture("U1", PNG)
        image = bot.take()["body"]["image"]
    assert line.wait_live(live=False)
    assert (noting.shown_texts, noting.changes) == (["问题", "一", ""], ["二"])
    assert [one.what for one in noting.traffic] == [
        "aibot_subscribe", "aibot_msg_callback text", "aibot_respond_msg stream",
        "aibot_respond_msg stream", "aibot_msg_callback image",
    ]  # fmt: skip
    assert [one.chat for one in noting.traffic] == ["", "U1", "U1", "U1", "U1"]
    assert [one.to_bot for one in noting.traffic] == [False, True, False, False, True]
    assert json.loads(noting.traffic[0].text)["body"] == {"bot_id": BOT.id, "secret": "***"}
    everything = repr(noting.traffic) + repr(enterprise.bot)
    for secret in (
        SECRET,
        BOT.token,
        BOT.encoding_aes_key,
        image["aeskey"],
        image["url"].rpartition("=")[2],
    ):
        assert secret not in everything
    assert enterprise.until(lambda: noting.lives == [True, False])


def test_an_unknown_button_and_another_ones_chat(people: People, bot: RawBot) -> None:
    exchange = people.say("U1", "卡片")
    assert bot.code("aibot_respond_msg", card_message(), bot.request()) == 0
    shown = exchange.wait().last
    assert shown is not None
    with pytest.raises(SandboxProblem, match="单聊"):
        people.tap("U2", shown, "no")
