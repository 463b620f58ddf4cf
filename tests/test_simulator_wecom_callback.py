"""The sandbox as WeCom: a bot's callback, over real encrypted HTTP."""

import base64
import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from xml.etree import ElementTree

import pytest
import requests
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from bot.bootstrap import Application, build, prepare_database
from bot.config import Settings
from bot.errors import SandboxProblem
from bot.simulator import crypto
from bot.simulator.server import Response, serving
from bot.simulator.wecom.callback import Callback, CallbackFaults, serving_callback
from bot.simulator.wecom.enterprise import Enterprise
from bot.simulator.wecom.people import People
from tests.conftest import HandClock
from tests.platform import serving as serving_application
from tests.wecom import (
    BOT,
    KEY,
    PNG,
    Answer,
    Fields,
    ScriptedBot,
    card_message,
    enterprise_at,
    markdown,
    sealed,
    serving_bot,
    stream,
    update,
)

# The vendor's own examples (developer.work.weixin.qq.com, 加解密方案说明)

VENDOR_TOKEN, CORP = "QDG6eK", "wx5823bf96d3bd56c7"
VENDOR_KEY = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"
ECHO = "P9nAzCzyDtyTWESHep1vC5X9xho/qYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp+4RPcs8TgAE7OaBO+FZXvnaqQ=="
MESSAGE = (
    "RypEvHKD8QQKFhvQ6QleEB4J58tiPdvo+rtK1I9qca6aM/wvqnLSV5zEPeusUiX5L5X/0lWfrf0QADHHhGd3QczcdCUp"
    "j911L3vg3W/sYYvuJTs3TUUkSUXxaccAS0qhxchrRYt66wiSpGLYL42aM6A8dTT+6k4aSknmPj48kzJs8qLjvd4Xgpue"
    "06DOdnLxAUHzM6+kDZ+HMZfJYuR+LtwGc2hgf5gsijff0ekUNXZiqATP7PF5mZxZ3Izoun1s4zG4LUMnvw2r+KqCKIw+"
    "3IQH03v+BCA9nMELNqbSf6tiWSrXJB3LAVGUcallcrw8V2t9EL4EhzJWrQUax5wLVMNS0+rUPA3k22Ncx4XXZS9o0MBH"
    "27Bo6BpNelZpS+/uh9KsNlY6bHCmJU9p8g7m3fVKn28H3KDYA5Pl/T8Z1ptDAVe0lXdQ2YoyyH2uyPIGHBZZIs2pDBS8"
    "R07+qN+E7Q=="
)


def test_the_vendors_vectors() -> None:
    parts = VENDOR_TOKEN, "1409659589", "263014780", ECHO
    assert crypto.sign(*parts) == "5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3"
    assert crypto.decrypt(VENDOR_KEY, ECHO, CORP) == b"1616140317555161061"
    parts = VENDOR_TOKEN, "1409659813", "1372623149", MESSAGE
    assert crypto.sign(*parts) == "477715d11cdb4164915debcba66cb864d751f3e6"
    message = ElementTree.fromstring(crypto.decrypt(VENDOR_KEY, MESSAGE, CORP))  # noqa: S314
    found = {child.tag: child.text for child in message}
    assert (found["Content"], found["FromUserName"], found["AgentID"]) == (
        "hello",
        "mycreate",
        "218",
    )
    assert found["MsgId"] == "4561255354251345929"
    with pytest.raises(SandboxProblem):
        crypto.decrypt(VENDOR_KEY, MESSAGE, "")


@pytest.fixture
def enterprise(clock: HandClock) -> Enterprise:
    return enterprise_at(clock)


@contextmanager
def talking(
    enterprise: Enterprise, answer: Callable[[Fields], Answer], **options: Any
) -> Iterator[tuple[People, ScriptedBot, Callback]]:
    """Members, a bot that answers so, and the platform between them."""
    with serving_bot(answer) as bot, serving_callback(enterprise, bot.url, **options) as line:
        yield People(enterprise, line), bot, line


def nothing(_heard: Fields) -> Answer:
    return b""


# Verification


def test_the_address_is_verified(enterprise: Enterprise) -> None:
    with talking(enterprise, nothing) as (_, _, line):
        line.verify()


@pytest.mark.parametrize("response", [Response(b"1234"), Response(b"", status=403), Response(b"", drop=True), Response(b"", delay=1.2)])  # fmt: skip
def test_another_answer_does_not_verify(enterprise: Enterprise, response: Response) -> None:
    with serving(lambda _: response) as base:
        line = Callback(enterprise, base)
        with pytest.raises(SandboxProblem, match="验证"):
            line.verify()


# What the bot hears


def test_a_text_in_the_single_chat_and_in_a_group(enterprise: Enterprise) -> None:
    with talking(enterprise, lambda _: stream("好")) as (people, bot, _):
        single = people.say("U1", "打卡")
        quote = {"msgtype": "text", "text": {"content": "昨天的"}}
        group = people.say("U2", "@学习 助手 打卡", "G1", quote=quote)

    first, second = bot.heard
    assert first.pop("response_url").startswith("http://127.0.0.1")
    assert first == {
        "msgid": single.id, "aibotid": BOT.id, "chattype": "single", "from": {"userid": "U1"},
        "msgtype": "text", "text": {"content": "打卡"},
    }  # fmt: skip
    assert second.pop("response_url")
    assert second == {
        "msgid": group.id, "aibotid": BOT.id, "chattype": "group", "chatid": "G1",
        "from": {"userid": "U2"}, "msgtype": "text", "text": {"content": "@学习 助手 打卡"},
        "quote": quote,
    }  # fmt: skip
    assert [(one.sender, one.text) for one in enterprise.messages("G1")] == [
        ("U2", "@学习 助手 打卡"),
        ("", "好"),
    ]
    assert (single.text, single.finished, single.problem, single.attempts) == ("好", True, "", 1)


def test_what_nobody_can_do_on_a_phone(enterprise: Enterprise) -> None:
    with talking(enterprise, nothing) as (people, bot, _):
        for text in ("打卡", "学习 助手 打卡"):
            with pytest.raises(SandboxProblem, match="@"):
                people.say("U1", text, "G1")
        with pytest.raises(SandboxProblem, match="@"):
            people.mixed("U1", [("image", PNG)], "G1")
        with pytest.raises(SandboxProblem, match="不在群"):
            people.say("U3", "@学习 助手 打卡", "G1")
        with pytest.raises(SandboxProblem, match="不在群"):
            people.say("U3", "@学习 助手 打卡", "G2")
        with pytest.raises(SandboxProblem, match="企业里没有"):
            people.say("U4", "打卡")
        with pytest.raises(SandboxProblem, match="已经有"):
            enterprise.add_group("U1", "二班")
        with pytest.raises(SandboxProblem, match="不是企业成员"):
            enterprise.add_group("G2", "二班", ("U4",))
    assert bot.heard == []
    assert enterprise.messages("G1") == []


def decrypted(content: bytes, key: bytes) -> bytes:
    decryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).decryptor()
    padded = decryptor.update(content) + decryptor.finalize()
    assert len(padded) % 32 == 0
    assert set(padded[-padded[-1] :]) == {padded[-1]}
    return padded[: -padded[-1]]


def fetched(url: str) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        return session.get(url, timeout=5)


def test_files_are_encrypted_with_the_bots_key_for_five_minutes(
    enterprise: Enterprise, clock: HandClock
) -> None:
    with talking(enterprise, nothing) as (people, bot, _):
        people.picture("U1", PNG)
        people.file("U1", b"x" * 32)
        people.video("U1", b"")
        people.voice("U1", "打卡 读完了")
        people.mixed("U1", [("text", "@学习 助手 打卡"), ("image", PNG), ("text", "读完了")], "G1")

        picture, file, video, voice, mixed = bot.heard
        assert [one["msgtype"] for one in bot.heard] == ["image", "file", "video", "voice", "mixed"]
        key = base64.b64decode(KEY + "=")
        assert decrypted(fetched(picture["image"]["url"]).content, key) == PNG
        assert decrypted(fetched(file["file"]["url"]).content, key) == b"x" * 32
        assert decrypted(fetched(video["video"]["url"]).content, key) == b""
        assert voice["voice"] == {"content": "打卡 读完了"}
        texts = [one.get("text") for one in mixed["mixed"]["msg_item"]]
        assert texts == [{"content": "@学习 助手 打卡"}, None, {"content": "读完了"}]
        url = mixed["mixed"]["msg_item"][1]["image"]["url"]
        clock.forward(timedelta(minutes=5) - timedelta(seconds=1))
        assert decrypted(fetched(url).content, key) == PNG
        clock.forward(timedelta(seconds=1))
        assert fetched(url).status_code == 403
    assert "aeskey" not in str(bot.heard)
    shown = enterprise.messages("U1")
    assert [(one.type, one.pictures, one.file) for one in shown][:2] == [
        ("image", (PNG,), b""),
        ("file", (), b"x" * 32),
    ]
    assert "sign=" not in str(list(enterprise.ledger))


def test_the_chat_is_entered_once_a_day(enterprise: Enterprise, clock: HandClock) -> None:
    answers: list[Answer] = [b"", {"msgtype": "text", "text": {"content": "欢迎"}}]
    with talking(enterprise, lambda _: answers.pop(0)) as (people, bot, _):
        first = people.enter_chat("U1")
        assert first is not None
        assert (first.text, first.problem) == ("", "")
        clock.forward(timedelta(hours=14, minutes=59))  # 23:59 in Shanghai
        assert people.enter_chat("U1") is None
        clock.forward(timedelta(minutes=1))
        second = people.enter_chat("U1")
        assert second is not None
        assert second.text == "欢迎"
    assert bot.heard[0] == {
        "msgid": first.id, "create_time": 1795395600, "aibotid": BOT.id, "from": {"userid": "U1"},
        "msgtype": "event", "event": {"eventtype": "enter_chat"},
    }  # fmt: skip
    assert len(bot.heard) == 2


def test_feedback(enterprise: Enterprise) -> None:
    answers: list[Answer] = [
        stream("好", feedback={"id": "F1"}),
        stream("没有"),
        b"",
        stream("谢谢"),
    ]
    with talking(enterprise, lambda _: answers.pop(0)) as (people, bot, _):
        liked = people.say("U1", "@学习 助手 帮助", "G1").last
        other = people.say("U1", "帮助").last
        assert liked is not None
        assert other is not None
        given = people.feedback("U2", liked, 2, "再细一些", [2, 4])
        assert given.problem == ""
        with pytest.raises(SandboxProblem, match="不能评价"):
            people.feedback("U1", other, 1)
        assert "不能回复" in people.feedback("U2", liked, 1).problem
    assert bot.heard[2]["event"] == {
        "eventtype": "feedback_event",
        "feedback_event": {
            "id": "F1",
            "type": 2,
            "content": "再细一些",
            "inaccurate_reason_list": [2, 4],
        },
    }
    assert (bot.heard[2]["chatid"], "response_url" in bot.heard[2]) == ("G1", False)


def test_a_card_is_tapped_and_updated(enterprise: Enterprise) -> None:
    answers: list[Answer] = [card_message(), update(), update(title="U1 打过了", userids=["U1"])]
    with talking(enterprise, lambda _: answers.pop(0)) as (people, bot, _):
        shown = people.say("U1", "@学习 助手 打卡", "G1").last
        assert shown is not None
        tapped = people.tap("U2", shown, "check-in", {"Q1": ["one", "two"]})
        again = people.tap("U1", shown, "no")
        with pytest.raises(SandboxProblem, match="没有这个按钮"):
            people.tap("U1", shown, "other")
        with pytest.raises(SandboxProblem, match="不在群"):
            people.tap("U3", shown, "no")

    event = bot.heard[1]
    assert event["response_url"]
    assert event["event"] == {
        "eventtype": "template_card_event",
        "template_card_event": {
            "card_type": "button_interaction", "event_key": "check-in", "task_id": "T1",
            "selected_items": {"selected_item": [{"question_key": "Q1", "option_ids": {"option_id": ["one", "two"]}}]},
        },
    }  # fmt: skip
    assert tapped.problem == again.problem == ""
    assert again.card is not None
    assert again.card["main_title"]["title"] == "U1 打过了"
    (now,) = [one for one in enterprise.messages("G1") if one.card]
    titles = [(card or {})["main_title"]["title"] for card in map(now.card_of, ("U1", "U2"))]
    assert titles == ["U1 打过了", "打过了"]
    assert enterprise.used("G1") == (1, 1)


def test_a_card_beside_an_unfinished_stream_is_tapped(enterprise: Enterprise) -> None:
    both = {
        **stream("在想", finish=False),
        **card_message(),
        "msgtype": "stream_with_template_card",
    }
    go = threading.Event()

    def answer(heard: Fields) -> Answer:
        if heard["msgtype"] == "stream":
            go.wait(5)
            return stream("想好了")
        return update() if heard["msgtype"] == "event" else both

    with (
        talking(enterprise, answer, pause=lambda _: None) as (people, bot, _),
        ThreadPoolExecutor(1) as pool,
    ):
        said = pool.submit(people.say, "U1", "问题")
        assert enterprise.until(lambda: enterprise.card("T1") is not None)
        shown = enterprise.card("T1")
        assert shown is not None
        tapped = people.tap("U1", shown, "no")
        go.set()
        exchange = said.result(5)
    assert (tapped.problem, exchange.problem, exchange.text) == ("", "", "想好了")
    assert exchange.card == tapped.card == update()["template_card"]
    assert [heard["msgtype"] for heard in bot.heard].count("stream") == 1


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (update("T2"), "task_id"),
        (stream("好"), "update_template_card"),
        (card_message(), "update_template_card"),
        (update(userids="U1"), "userids"),
        ({"response_type": "update_template_card"}, "template_card"),
    ],
)
def test_other_answers_to_a_tap_are_refused(
    enterprise: Enterprise, answer: Answer, problem: str
) -> None:
    answers: list[Answer] = [card_message(), answer]
    with talking(enterprise, lambda _: answers.pop(0)) as (people, _, _):
        shown = people.say("U1", "打卡").last
        assert shown is not None
        assert problem in people.tap("U1", shown, "no").problem
    assert enterprise.messages("U1")[-1].card == shown.card


# What the bot answers


def test_a_stream_goes_on_until_it_is_finished(enterprise: Enterprise) -> None:
    contents = ["在想", "在想，快了", "想好了"]
    waited: list[float] = []

    def answer(heard: Fields) -> Answer:
        content = contents.pop(0)
        return stream(content, finish=not contents)

    with talking(enterprise, answer, pause=waited.append) as (people, bot, _):
        exchange = people.say("U1", "@学习 助手 问题", "G1")
    assert (exchange.text, exchange.finished, exchange.stream) == ("想好了", True, "S1")
    assert waited == [1.0, 1.0]
    poll = bot.heard[1]
    assert poll == {
        "msgid": poll["msgid"], "aibotid": BOT.id, "chattype": "group", "chatid": "G1",
        "from": {"userid": "U1"}, "msgtype": "stream", "stream": {"id": "S1"},
    }  # fmt: skip
    assert len({heard["msgid"] for heard in bot.heard}) == 3
    assert len(enterprise.messages("G1")) == 2
    assert enterprise.used("G1") == (1, 1)


def test_a_stream_that_is_not_finished_in_six_minutes_stays_as_it_is(
    enterprise: Enterprise, clock: HandClock
) -> None:
    def pause(seconds: float) -> None:
        clock.forward(timedelta(seconds=seconds))

    answer = stream("在想", finish=False)
    with talking(enterprise, lambda _: answer, pause=pause, poll_seconds=30) as (people, bot, _):
        begun = clock.now()
        exchange = people.say("U1", "问题")
    assert "6 分钟" in exchange.problem
    assert (exchange.text, exchange.finished) == ("在想", True)
    assert timedelta(minutes=6) < clock.now() - begun < timedelta(minutes=7)
    assert 12 <= len(bot.heard) <= 14


def test_a_poll_that_is_not_answered_is_asked_again(enterprise: Enterprise) -> None:
    answers: list[Answer] = [
        stream("一", finish=False), Response(b"", status=500), b"", sealed({}, "1"), stream("二"),
    ]  # fmt: skip
    with talking(enterprise, lambda _: answers.pop(0), pause=lambda _: None) as (people, _, _):
        exchange = people.say("U1", "问题")
    assert (exchange.text, exchange.problem, exchange.attempts) == ("二", "", 1)


@pytest.mark.parametrize("answer", [stream("二", id="S2"), card_message(), {"msgtype": "text", "text": {"content": "好"}}])  # fmt: skip
def test_other_answers_to_a_poll_are_refused(enterprise: Enterprise, answer: Answer) -> None:
    answers: list[Answer] = [stream("一", finish=False), answer]
    with talking(enterprise, lambda _: answers.pop(0), pause=lambda _: None) as (people, _, _):
        exchange = people.say("U1", "问题")
    assert exchange.problem
    assert exchange.text == "一"


def with_picture(content: bytes = PNG, *, finish: bool = True, md5: str = "") -> Fields:
    digest = md5 or hashlib.md5(content, usedforsecurity=False).hexdigest()
    image = {"base64": base64.b64encode(content).decode(), "md5": digest}
    return stream("图", finish=finish, msg_item=[{"msgtype": "image", "image": image}])


def test_a_finished_stream_has_pictures_and_a_card_comes_with_a_stream(
    enterprise: Enterprise,
) -> None:
    both = {**stream("卡片", id="S2"), **card_message("T9"), "msgtype": "stream_with_template_card"}
    answers: list[Answer] = [with_picture(), both]
    with talking(enterprise, lambda _: answers.pop(0)) as (people, _, _):
        picture, card = people.say("U1", "图"), people.say("U1", "卡片")
    assert picture.last is not None
    assert picture.last.pictures == (PNG,)
    assert card.text == "卡片"
    assert card.card is not None
    assert card.card["task_id"] == "T9"
    assert picture.problem == card.problem == ""


LONG_CARD = card_message(sub_title_text="x", horizontal_content_list=[{"keyname": "k"}] * 7)


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ({"msgtype": "text", "text": {"content": "好"}}, "不能回复"),
        (markdown("好"), "不能回复"),
        ({"msgtype": "voice", "voice": {}}, "不能回复"),
        ({}, ""),
        (b"", ""),
        (b"success", ""),
        (stream("字" * 6826 + "ab"), ""),
        (stream("字" * 6827), "20480"),
        (stream("好", id=""), "id"),
        (stream("好", finish=1), "finish"),  # type: ignore[arg-type]
        ({"msgtype": "stream", "stream": {"id": "S"}}, "6 分钟"),
        ({"msgtype": "stream"}, "stream"),
        (stream("好", feedback={"id": "f" * 257}), "feedback"),
        (with_picture(finish=False), "msg_item"),
        (with_picture(b"GIF89a"), "JPG"),
        (with_picture(md5="0" * 32), "md5"),
        (stream("图", msg_item=[{"msgtype": "image", "image": {"base64": "?", "md5": ""}}]), "base64"),
        (stream("图", msg_item=[{}]), "image"),
        (stream("图", msg_item=[{}] * 11), "10"),
        (card_message("含空 格"), "task_id"),
        (card_message("T" * 129), "task_id"),
        (card_message(card_type="other"), "other"),
        (card_message(button_list=[]), "按钮"),
        (card_message(button_list=[{"text": "a", "key": "k"}] * 7), "button_list"),
        (card_message(button_list=[{"text": "a", "key": "k"}] * 2), "重复"),
        (card_message(button_list=[{"text": "a", "key": "k" * 1025}]), "1024"),
        (card_message(button_list=["a"]), "button_list"),
        (LONG_CARD, "horizontal_content_list"),
        (card_message(action_menu={"desc": "", "action_list": []}), "action_menu"),
        (card_message(card_type="vote_interaction"), "submit_button"),
        (card_message(card_type="vote_interaction", submit_button={"key": "s"}, checkbox={"option_list": [{}] * 21}), "option_list"),
        (card_message(card_type="vote_interaction", submit_button={"key": "s"}), "投票"),
        (card_message(card_type="multiple_interaction", submit_button={"key": "s"}, select_list=[{}]), "多选"),
        (b"{}", "encrypt"),
        (b"[]", "JSON"),
        (b"nonsense", "JSON"),
        (sealed(stream("好"), "1"), "nonce"),
    ],
)  # fmt: skip
def test_what_the_platform_makes_of_an_answer(
    enterprise: Enterprise, clock: HandClock, answer: Answer, problem: str
) -> None:
    def pause(seconds: float) -> None:
        clock.forward(timedelta(seconds=400))

    with talking(enterprise, lambda _: answer, attempts=1, pause=pause) as (people, _, _):
        exchange = people.say("U1", "问题")
    assert (problem in exchange.problem) if problem else (exchange.problem == "")
    assert any(one.problem for one in enterprise.ledger) == bool(problem)


@pytest.mark.parametrize(
    ("other", "problem"),
    [
        ({}, ""),
        ({"timestamp": "1795395600"}, ""),
        ({"timestamp": 1795395600.5}, "timestamp"),
        ({"timestamp": None}, "timestamp"),
        ({"msgsignature": "0" * 40}, "签名"),
        ({"encrypt": None}, "encrypt"),
        ({"encrypt": "A" * 64}, "解不开"),
        ({"msg_signature": "x"}, "msg_signature"),
    ],
)
def test_the_envelope_of_an_answer(enterprise: Enterprise, other: Fields, problem: str) -> None:
    class Sealing(ScriptedBot):
        def serve(self, request: Any) -> Response:
            return Response(sealed(stream("好"), request.query["nonce"], **other))

    with (
        serving(Sealing(nothing).serve) as base,
        serving_callback(enterprise, base, attempts=1) as line,
    ):
        exchange = People(enterprise, line).say("U1", "问题")
    assert problem in exchange.problem
    assert bool(exchange.problem) == bool(problem)
    assert exchange.text == ("" if problem else "好")


def test_a_welcome_is_a_text_or_a_card(enterprise: Enterprise) -> None:
    answers: list[Answer] = [card_message(), stream("欢迎")]
    with talking(enterprise, lambda _: answers.pop(0)) as (people, _, _):
        first, second = people.enter_chat("U1"), people.enter_chat("U2")
    assert first is not None
    assert second is not None
    assert first.card is not None
    assert "不能回复" in second.problem


def test_a_task_id_is_used_once(enterprise: Enterprise) -> None:
    with talking(enterprise, lambda _: card_message()) as (people, _, _):
        assert people.say("U1", "卡片").problem == ""
        assert "task_id" in people.say("U1", "卡片").problem


def test_a_conversation_gets_thirty_messages_a_minute_and_a_thousand_an_hour(
    enterprise: Enterprise, clock: HandClock
) -> None:
    with talking(enterprise, lambda heard: stream("好")) as (people, _, _):
        for _ in range(30):
            assert people.say("U1", "你好").problem == ""
        assert "30 条" in people.say("U1", "你好").problem
        assert people.say("U2", "你好").problem == ""
        assert enterprise.used("U1") == (30, 30)
        clock.forward(timedelta(minutes=1))
        assert people.say("U1", "你好").problem == ""
    assert any("30 条" in one.problem for one in enterprise.ledger)


# Repeats


def test_without_an_answer_the_same_message_comes_again_signed_anew(enterprise: Enterprise) -> None:
    answers: list[Answer] = [Response(b"", status=500), Response(b"", drop=True), stream("好")]
    with talking(enterprise, lambda _: answers.pop(0)) as (people, bot, _):
        exchange = people.say("U1", "打卡")
    assert (exchange.text, exchange.attempts) == ("好", 3)
    assert len({heard["msgid"] for heard in bot.heard}) == 1
    assert [one.problem for one in enterprise.ledger if not one.to_bot] == [
        "机器人回答了 HTTP 500", "机器人没有回答：Remote end closed connection without response", "",
    ]  # fmt: skip


def test_five_seconds_and_no_more(enterprise: Enterprise) -> None:
    with talking(enterprise, nothing) as (_, _, line):
        assert line.seconds == 5.0
    slow = Response(b"", delay=1.0)
    with talking(enterprise, lambda _: slow, seconds=0.2, attempts=2) as (people, _, _):
        begun = time.perf_counter()
        exchange = people.say("U1", "打卡")
        assert time.perf_counter() - begun < 1.9
        assert "秒内没有答完" in exchange.problem
        assert exchange.shown == []
        assert exchange.attempts == 2


def test_a_lost_answer_and_a_duplicate(enterprise: Enterprise) -> None:
    with talking(enterprise, lambda _: stream("好")) as (people, bot, line):
        line.faults = CallbackFaults(lost=0.5)
        lost = people.say("U1", "一")
        line.faults = CallbackFaults(duplicate=1.0)
        twice = people.say("U1", "二")
    assert lost.attempts == 2
    assert twice.attempts == 2
    heard = [one["msgid"] for one in bot.heard]
    assert heard == [lost.id] * lost.attempts + [twice.id] * 2
    assert [one.text for one in enterprise.messages("U1")] == ["一", "好", "二", "好"]


def test_a_message_overtakes_the_one_before(enterprise: Enterprise) -> None:
    with talking(enterprise, lambda _: stream("好")) as (people, bot, line):
        line.faults = CallbackFaults(reorder=1.0)
        with ThreadPoolExecutor(2) as pool:
            first = pool.submit(people.say, "U1", "一")
            assert enterprise.until(lambda: len(enterprise.messages("U1")) == 1)
            time.sleep(0.2)
            line.faults = CallbackFaults()
            people.say("U1", "二")
            first.result(5)
    assert [heard["text"]["content"] for heard in bot.heard] == ["二", "一"]


def test_three_messages_of_one_member_at_once(enterprise: Enterprise) -> None:
    go = threading.Event()

    def answer(_heard: Fields) -> Answer:
        go.wait(5)
        return stream("好")

    with talking(enterprise, answer) as (people, bot, _), ThreadPoolExecutor(3) as pool:
        said = [pool.submit(people.say, "U1", str(number)) for number in range(3)]
        assert enterprise.until(lambda: enterprise.under_way("U1") == 3)
        with pytest.raises(SandboxProblem, match="同时最多有 3 条"):
            people.say("U1", "四")
        other = pool.submit(people.say, "U2", "别人")
        go.set()
        assert all(one.result(5).text == "好" for one in [*said, other])
        assert people.say("U1", "四").text == "好"
    assert len(bot.heard) == 5


# Another answer by response_url


def posted(url: str, body: Any) -> int:
    with requests.Session() as session:
        session.trust_env = False
        response = session.post(url, json=body, timeout=5)
    assert response.status_code == 200
    return int(response.json()["errcode"])


def test_one_more_answer_within_the_hour(enterprise: Enterprise, clock: HandClock) -> None:
    with talking(enterprise, nothing) as (people, bot, _):
        exchange = people.say("U1", "@学习 助手 问题", "G1")
        for _ in range(3):
            people.say("U1", "问题")
        first, second, third, late = (heard["response_url"] for heard in bot.heard)
        assert posted(first, {"msgtype": "text", "text": {"content": "好"}}) == 40058
        assert posted(first, stream("好", finish=False)) == 40058
        assert posted(first, [1]) == 40058
        assert posted(first, markdown("字" * 6827)) == 40058
        assert posted(first, markdown("**想好了**")) == 0
        assert posted(first, markdown("再来")) == 40029
        assert posted(second, card_message()) == 0
        assert posted(third, stream("好")) == 0
        assert posted(first.replace("response_code=", "response_code=x"), markdown("好")) == 40029
        clock.forward(timedelta(hours=1) - timedelta(seconds=1))
        assert posted(late, []) == 40058
        clock.forward(timedelta(seconds=1))
        assert posted(late, markdown("晚了")) == 40029
    assert [(one.way, one.text) for one in exchange.shown] == [("response_url", "**想好了**")]
    assert enterprise.messages("G1")[-1].way == "response_url"
    assert [one.type for one in enterprise.messages("U1")[3:]] == ["template_card", "stream"]
    ledger = str(list(enterprise.ledger))
    assert "response_code=" not in ledger
    assert first.rpartition("=")[2] not in ledger


# Our own bot


@pytest.fixture
def dialect() -> str:
    """Which database it is makes no difference here."""
    return "sqlite"


@pytest.fixture
def ours(settings: Settings, clock: HandClock) -> Iterator[Application]:
    section = {
        "mode": "callback",
        "token": BOT.token,
        "encoding_aes_key": BOT.encoding_aes_key,
        "name": BOT.name,
    }
    values = settings.model_dump() | {"wecom_bot": section}
    built = replace(build(Settings.model_validate(values), "web"), clock=clock)
    prepare_database(built)
    yield built
    built.database.dispose()


def test_our_bot_is_played_to(ours: Application, enterprise: Enterprise) -> None:
    with serving_application(ours) as url:
        url = url.replace("official-account", "wecom-bot")
        # The first question of a process waits until the packs are learned.
        with serving_callback(enterprise, url, seconds=60) as line:
            people = People(enterprise, line)
            line.verify()
            welcome = people.enter_chat("U1")
            assert welcome is not None
            assert welcome.text
            assert people.say("U1", "@学习 助手 帮助", "G1").text
            line.faults = CallbackFaults(duplicate=1.0)
            said = people.say("U1", "帮助")
    assert said.text
    assert [one for one in enterprise.ledger if one.problem] == []
    replies = [one.text for one in enterprise.ledger if not one.to_bot]
    assert json.loads(replies[-1]) == json.loads(replies[-2])
