"""What the sandbox sends to a bot, what it refuses of a reply, and what it shows of one."""

import json
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from random import Random
from typing import Any
from xml.etree import ElementTree

import pytest
from sqlalchemy import func, select

from bot.bootstrap import Application
from bot.errors import SandboxProblem
from bot.simulator import crypto
from bot.simulator.official_account import (
    UNAVAILABLE,
    Account,
    Article,
    Format,
    Mode,
    Platform,
    PushFaults,
)
from bot.simulator.server import Request, Response, serving
from bot.simulator.watching import Push, Watcher
from bot.storage.models import InboxMessage
from tests.conftest import HandClock
from tests.platform import AES_KEY, APP_ID, OPENID, TOKEN, account, enrol
from tests.platform import serving as serving_bot

ENDS = {"ToUserName": OPENID, "FromUserName": "gh_sandbox00001", "CreateTime": "1"}
TEXT = {**ENDS, "MsgType": "text", "Content": "好"}


def xml(fields: Mapping[str, Any]) -> str:
    return f"<xml>{''.join(_element(name, value) for name, value in fields.items())}</xml>"


def _element(name: str, value: Any) -> str:
    if isinstance(value, list):
        return "".join(_element(name, one) for one in value)
    if isinstance(value, dict):
        return f"<{name}>{''.join(_element(inner, one) for inner, one in value.items())}</{name}>"
    return f"<{name}>{value}</{name}>"


def sealed(plain: str | bytes, format: Format = "xml", app_id: str = APP_ID) -> bytes:
    """The encrypted reply."""
    encrypted = crypto.encrypt(AES_KEY, plain, app_id)
    signature = crypto.sign(TOKEN, "1", "n", encrypted)
    fields = {"Encrypt": encrypted, "MsgSignature": signature, "TimeStamp": "1", "Nonce": "n"}
    return (json.dumps(fields) if format == "json" else xml(fields)).encode()


class Heard(Watcher):
    def __init__(self) -> None:
        self.pushes: list[Push] = []

    def attempted(self, push: Push, /) -> None:
        self.pushes.append(push)


class Bot:
    """Answers with its replies in turn, the last one again and again; keeps what it was asked."""

    def __init__(self, *replies: bytes | Response) -> None:
        self.asked: list[Request] = []
        self._replies = [
            one if isinstance(one, Response) else Response(one, "text/xml") for one in replies
        ]

    def answer(self, request: Request) -> Response:
        self.asked.append(request)
        return self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]

    def messages(self) -> list[dict[str, str]]:
        """What was said to it, decrypted."""
        found = []
        for request in self.asked:
            envelope = ElementTree.fromstring(request.body)  # noqa: S314  our own
            encrypted = envelope.findtext("Encrypt", "")
            query = request.query
            parts = (TOKEN, query["timestamp"], query["nonce"])
            assert query["signature"] == crypto.sign(*parts)
            assert query["msg_signature"] == crypto.sign(*parts, encrypted)
            plain = crypto.decrypt(AES_KEY, encrypted, APP_ID)
            inner = ElementTree.fromstring(plain)  # noqa: S314  our own
            found.append({child.tag: child.text or "" for child in inner})
        return found


@contextmanager
def chatting(bot: Bot, clock: HandClock, **more: Any) -> Iterator[Platform]:
    with serving(bot.answer) as base:
        yield Platform(account(f"{base}/callback"), clock, **more)


# Attempts


def test_every_attempt_is_signed_anew_with_the_same_id(clock: HandClock) -> None:
    heard = Heard()
    bot = Bot(Response(b"", status=502), Response(b"", drop=True), sealed(xml(TEXT)))
    with chatting(bot, clock, watch=heard) as platform:
        answer = platform.text(OPENID, "你好")
    assert (answer.text, answer.type, answer.attempts, answer.problem) == ("好", "text", 3, "")
    messages = bot.messages()
    assert messages[0] == messages[1] == messages[2]
    assert messages[0]["Content"] == "你好"
    assert len({request.query["nonce"] for request in bot.asked}) == 3
    assert {request.query["openid"] for request in bot.asked} == {OPENID}

    (push,) = heard.pushes
    assert (push.openid, push.what) == (OPENID, "text 你好")
    assert push.message["MsgId"] == messages[0]["MsgId"]
    assert [attempt.status for attempt in push.attempts] == [502, 0, 200]
    assert [bool(attempt.problem) for attempt in push.attempts] == [True, True, False]
    last = push.attempts[-1]
    assert last.at == clock.now()
    assert last.query["nonce"] == bot.asked[-1].query["nonce"]
    assert "<Content>你好</Content>" in last.plain
    assert last.body.encode() == bot.asked[-1].body
    assert "<Encrypt>" in last.reply_body
    assert last.reply_plain == xml(TEXT)


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("reply", [Response(b"", status=500), Response(b"", drop=True)])
def test_without_an_answer_the_member_reads_that(
    clock: HandClock, reply: Response, strict: bool
) -> None:
    bot = Bot(reply)
    with chatting(bot, clock, strict=strict) as platform:
        answer = platform.text(OPENID, "你好")
    assert (answer.text, answer.attempts, len(bot.asked)) == (UNAVAILABLE, 3, 3)
    assert answer.problem


def test_nobody_is_there(clock: HandClock) -> None:
    answer = Platform(account("http://127.0.0.1:1/"), clock, attempts=2).text(OPENID, "你好")
    assert (answer.text, answer.attempts) == (UNAVAILABLE, 2)
    assert "没有回答" in answer.problem


# Replies


WRONG: list[tuple[bytes, str]] = [
    (sealed(xml(TEXT | {"ToUserName": "oElse"})), "对调"),
    (sealed(xml(TEXT | {"FromUserName": OPENID})), "对调"),
    (sealed(xml(TEXT | {"MsgType": "poem"})), "poem"),
    (sealed(xml(TEXT | {"CreateTime": "now"})), "CreateTime"),
    (sealed(xml(TEXT | {"Content": "好" * 683})), "2048"),
    (sealed(xml({**ENDS, "MsgType": "image", "Image": {"MediaId": ""}})), "MediaId"),
    (sealed(xml({**ENDS, "MsgType": "image"})), "MediaId"),
    (sealed(xml({**ENDS, "MsgType": "news", "ArticleCount": "0", "Articles": ""})), "文章"),
    (sealed("<xml>"), "XML"),
    (sealed(b"<xml>\xff</xml>"), "XML"),
    (sealed(xml(TEXT), app_id="wxother"), "AppID"),
    (sealed(xml(TEXT)).replace(b"<Nonce>n", b"<Nonce>m"), "签名"),
    (xml(TEXT).encode(), "签名"),
    (b'{"errcode": 0}', "XML"),
    (b"<html>", "XML"),
    (b"\xff\xfe", "XML"),
]


@pytest.mark.parametrize(("reply", "why"), WRONG)
def test_a_reply_that_the_platform_would_refuse(clock: HandClock, reply: bytes, why: str) -> None:
    """It is not asked again: the bot did answer."""
    bot = Bot(reply)
    with chatting(bot, clock, strict=False) as platform:
        answer = platform.text(OPENID, "你好")
        assert (answer.text, answer.attempts) == (UNAVAILABLE, 1)
        assert why in answer.problem
        platform.strict = True
        with pytest.raises(SandboxProblem, match=why):
            platform.text(OPENID, "你好")


@pytest.mark.parametrize("broken", ["!", "QUJD", "A" * 43 + "="])
def test_a_reply_that_cannot_be_decrypted(clock: HandClock, broken: str) -> None:
    signature = crypto.sign(TOKEN, "1", "n", broken)
    fields = {"Encrypt": broken, "MsgSignature": signature, "TimeStamp": "1", "Nonce": "n"}
    with (
        chatting(Bot(xml(fields).encode()), clock) as platform,
        pytest.raises(SandboxProblem, match="解不开"),
    ):
        platform.text(OPENID, "你好")


@pytest.mark.parametrize("reply", [b"", b"success"])
@pytest.mark.parametrize("mode", ["safe", "compatible", "plain"])
def test_nothing_said_is_never_encrypted(clock: HandClock, reply: bytes, mode: Mode) -> None:
    with chatting(Bot(reply), clock, mode=mode) as platform:
        answer = platform.text(OPENID, "你好")
    assert (answer.text, answer.type, answer.attempts, answer.problem) == ("", "", 1, "")


@pytest.mark.parametrize("reply", [xml(TEXT).encode(), sealed(xml(TEXT))])
def test_in_compatible_mode_a_reply_may_be_either(clock: HandClock, reply: bytes) -> None:
    bot = Bot(reply)
    with chatting(bot, clock, mode="compatible") as platform:
        assert platform.text(OPENID, "你好").text == "好"
    assert b"<Content>" in bot.asked[0].body
    assert bot.messages()[0]["MsgId"].encode() in bot.asked[0].body


@pytest.mark.parametrize("format", ["xml", "json"])
def test_cards_after_a_message_and_after_an_event(clock: HandClock, format: Format) -> None:
    items = [
        {"Title": f"第{i}篇", "Description": "说", "PicUrl": "p", "Url": "u"} for i in range(9)
    ]
    fields = {**ENDS, "MsgType": "news", "ArticleCount": 9, "Articles": {"item": items}}
    plain = json.dumps(fields) if format == "json" else xml(fields)
    with chatting(Bot(sealed(plain, format)), clock, format=format) as platform:
        after_text = platform.text(OPENID, "你好")
        after_event = platform.event(OPENID, "CLICK", "news")
    assert after_text.articles == (Article("第0篇", "说", "p", "u"),)
    assert [article.title for article in after_event.articles] == [f"第{i}篇" for i in range(8)]
    assert (after_text.type, after_text.text) == ("news", "[news]")


@pytest.mark.parametrize("format", ["xml", "json"])
@pytest.mark.parametrize(
    ("type", "media"),
    [
        ("image", {"MediaId": "M1"}),
        ("voice", {"MediaId": "M1"}),
        ("video", {"MediaId": "M1", "Title": "题", "Description": "说"}),
        ("music", {"Title": "题", "MusicUrl": "http://a/b", "ThumbMediaId": "M2"}),
    ],
)
def test_a_file_as_the_reply(
    clock: HandClock, type: str, media: dict[str, str], format: Format
) -> None:
    fields = {**ENDS, "MsgType": type, type.capitalize(): media}
    plain = json.dumps(fields) if format == "json" else xml(fields)
    with chatting(Bot(sealed(plain, format)), clock, format=format) as platform:
        answer = platform.text(OPENID, "你好")
    assert (answer.type, answer.text, answer.media) == (type, f"[{type}]", media)
    assert answer.fields["MsgType"] == type
    assert all(value in answer.fields[type.capitalize()] for value in media.values())


def test_mode_and_format_are_changed_while_it_runs(clock: HandClock) -> None:
    plain = Bot(sealed(xml(TEXT)), json.dumps(TEXT).encode())
    with chatting(plain, clock) as platform:
        assert platform.text(OPENID, "你好").text == "好"
        platform.mode, platform.format = "plain", "json"
        assert platform.text(OPENID, "你好").text == "好"
    assert json.loads(plain.asked[1].body)["Content"] == "你好"
    assert "encrypt_type" not in plain.asked[1].query


# Faults


def test_a_duplicate_is_answered_again_and_shown_once(
    application: Application, clock: HandClock
) -> None:
    """The real bot keeps one row of it."""
    enrol(application, OPENID)
    heard = Heard()
    with serving_bot(application) as callback:
        faults = PushFaults(duplicate=1.0)
        platform = Platform(account(callback), clock, faults=faults, watch=heard)
        answer = platform.text(OPENID, "打卡 读完第三章")
    assert "打卡成功" in answer.text
    assert answer.attempts == 1
    (push,) = heard.pushes
    first, second = push.attempts
    assert first.plain == second.plain
    assert first.reply_plain == second.reply_plain
    assert first.query["nonce"] != second.query["nonce"]
    with application.database.read() as session:
        assert session.scalar(select(func.count()).select_from(InboxMessage)) == 1


class Dice(Random):
    """Throws 0 once, then 0.99; tells when it was thrown."""

    def __init__(self) -> None:
        super().__init__(1)
        self.thrown = threading.Event()

    def random(self) -> float:
        first = not self.thrown.is_set()
        self.thrown.set()
        return 0.0 if first else 0.99


def test_a_message_overtakes_the_one_before(clock: HandClock) -> None:
    bot, dice = Bot(sealed(xml(TEXT))), Dice()
    faults = PushFaults(reorder=0.5, random=dice)
    with chatting(bot, clock, faults=faults) as platform, ThreadPoolExecutor(1) as pool:
        first = pool.submit(platform.text, OPENID, "一")
        dice.thrown.wait(5)
        platform.text(OPENID, "二")
        assert first.result(10).text == "好"
    assert [message["Content"] for message in bot.messages()] == ["二", "一"]
    one, two = (int(message["MsgId"]) for message in reversed(bot.messages()))
    assert one < two


def test_a_message_that_nothing_follows_comes_in_the_end(clock: HandClock) -> None:
    bot = Bot(sealed(xml(TEXT)))
    with chatting(bot, clock, faults=PushFaults(reorder=1.0)) as platform:
        assert platform.text(OPENID, "一").text == "好"
    assert len(bot.asked) == 1


# What members write


@pytest.mark.parametrize("format", ["xml", "json"])
@pytest.mark.parametrize("mode", ["safe", "compatible"])
def test_odd_texts_reach_the_bot(
    application: Application, clock: HandClock, mode: Mode, format: Format
) -> None:
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
    enrol(application, OPENID)
    with serving_bot(application) as callback:
        platform = Platform(account(callback), clock, mode=mode, format=format)
        assert "打卡成功" in platform.text(OPENID, "打卡\x00\x08\x1f 读\x01书").text
        for text in (family * 400, "\x00" * 50, "<![CDATA[]]>&amp;" * 40, "\ud800", "\u202e\ufffe"):
            answer = platform.text(OPENID, text)
            assert (answer.problem, answer.attempts) == ("", 1)
            assert answer.text


def test_a_burst_of_messages(application: Application, clock: HandClock) -> None:
    openids = [f"oTESTburst{i:020}" for i in range(12)]
    enrol(application, *openids)
    with serving_bot(application) as callback:
        platform = Platform(account(callback), clock)
        with ThreadPoolExecutor(12) as pool:
            answers = list(pool.map(lambda i: platform.text(openids[i % 12], "打卡 好"), range(48)))
    assert Counter(answer.problem for answer in answers) == {"": 48}
    assert all(answer.text for answer in answers)


def test_an_account_without_a_key(clock: HandClock) -> None:
    bot = Bot(xml(TEXT).encode())
    with serving(bot.answer) as base:
        platform = Platform(Account(f"{base}/?a=b", TOKEN, APP_ID), clock, mode="plain")
        assert platform.text(OPENID, "好 & 坏").text == "好"
    assert bot.asked[0].query["a"] == "b"
