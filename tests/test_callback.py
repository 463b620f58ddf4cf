"""The callback over a real socket: modes, formats, keys, and what is refused."""

import ast
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import requests
from sqlalchemy import func, select

from bot.bootstrap import Application, build
from bot.config import Settings
from bot.domain.messages import Link, Media, Notice, Reply
from bot.routing import Context, Dispatcher, Router
from bot.simulator import crypto
from bot.simulator.official_account import Account, Format, Mode, Platform
from bot.storage.models import InboxMessage
from tests.conftest import HandClock
from tests.platform import AES_KEY, APP_ID, OPENID, TOKEN, account, enrol, platform_of, serving


@pytest.fixture(autouse=True)
def member(application: Application) -> None:
    enrol(application, OPENID)


OTHER_KEY = "ZYXWVUTSRQPONMLKJIHGFEDCBA9876543210zyxwvuA"


def rows(application: Application) -> int:
    with application.database.read() as session:
        return session.scalar(select(func.count()).select_from(InboxMessage)) or 0


def with_account(application: Application, **values: Any) -> Application:
    """The same application with other values of [official_account]."""
    given = {"app_id": APP_ID, "token": TOKEN, **values}
    section = application.settings.model_dump() | {"official_account": given}
    section["storage"]["url"] = application.settings.storage.url
    built = build(Settings.model_validate(section), "web")
    built.database.dispose()
    return replace(application, official_account=built.official_account)


def saying(application: Application, handler: Callable[[Context], Any]) -> Application:
    """The same application with one handler for everything, and paging."""
    router = Router("test")
    router.otherwise(handler)
    router.event("subscribe")(handler)
    dispatcher = Dispatcher(
        application.database, (router,), application.library.packs, "party-branch"
    )
    return replace(application, dispatcher=dispatcher)


@contextmanager
def refused(application: Application) -> Iterator[str]:
    """Whatever is asked in the block leaves no row."""
    with serving(application) as callback:
        yield callback
    assert rows(application) == 0


@pytest.mark.parametrize("format", ["xml", "json"])
@pytest.mark.parametrize("mode", ["safe", "compatible", "plain"])
def test_every_mode_and_format(application: Application, mode: Mode, format: Format) -> None:
    encrypted = mode != "plain"
    chosen = with_account(application, encoding_aes_key=AES_KEY if encrypted else "")
    with serving(chosen) as callback:
        platform = Platform(
            account(callback, encrypted=encrypted), application.clock, mode=mode, format=format
        )
        answer = platform.text(OPENID, "打卡 <b>a]]>b</b> & c")

    assert answer.text.splitlines()[1] == "记下了：<b>a]]>b</b> & c"
    assert answer.fields["MsgType"] == "text"
    assert answer.attempts == 1


def test_verification(application: Application) -> None:
    stamp = str(int(application.clock.now().timestamp()))
    query = {"timestamp": stamp, "nonce": "n", "echostr": "<b>4375</b>"}
    query["signature"] = crypto.sign(TOKEN, stamp, "n")
    with serving(application) as callback:
        good = requests.get(callback, params=query, timeout=5)
        bad = requests.get(callback, params={**query, "nonce": "m"}, timeout=5)

    assert (good.status_code, good.text) == (200, "<b>4375</b>")
    assert good.headers["Content-Type"].startswith("text/plain")
    assert (bad.status_code, "4375" in bad.text) == (403, False)


@pytest.mark.parametrize("key", [AES_KEY, OTHER_KEY])
def test_the_reply_is_encrypted_with_the_key_that_decrypted(
    application: Application, key: str
) -> None:
    chosen = with_account(
        application, encoding_aes_key=AES_KEY, previous_encoding_aes_key=OTHER_KEY
    )
    with serving(chosen) as callback:
        platform = Platform(Account(callback, TOKEN, APP_ID, key), application.clock)
        assert "打卡成功" in platform.text(OPENID, "打卡").text


def test_an_unknown_key_is_refused(application: Application) -> None:
    with refused(application) as callback:
        platform = Platform(
            Account(callback, TOKEN, APP_ID, OTHER_KEY), application.clock, attempts=1
        )
        assert "暂时无法提供服务" in platform.text(OPENID, "打卡").text


def post(platform: Platform, callback: str, message: dict[str, str], **query: str) -> int:
    parameters, body = platform.request(OPENID, {**base(platform), **message})
    response = requests.post(callback, params={**parameters, **query}, data=body, timeout=5)
    assert "Traceback" not in response.text
    return response.status_code


def base(platform: Platform) -> dict[str, str]:
    stamp = str(int(platform._clock.now().timestamp()))
    return {"ToUserName": "gh_1", "FromUserName": OPENID, "CreateTime": stamp, "MsgType": "text",
            "Content": "打卡", "MsgId": platform.new_id()}  # fmt: skip


@pytest.mark.parametrize("seconds", [-301, 301])
def test_outside_the_window_nothing_is_taken(
    application: Application, clock: HandClock, seconds: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with refused(application) as callback:
        platform = platform_of(application, callback)
        parameters, body = platform.request(OPENID, base(platform))
        clock.forward(timedelta(seconds=-seconds))
        for _ in range(3):
            response = requests.post(callback, params=parameters, data=body, timeout=5)
            assert response.status_code == 403

    log = capsys.readouterr()
    assert (log.out + log.err).count(f"The clock differs by {seconds:+d} s") == 1


def test_a_forged_signature_is_refused(application: Application) -> None:
    with refused(application) as callback:
        platform = platform_of(application, callback)
        assert post(platform, callback, {}, msg_signature="0" * 40) == 403
        assert post(platform, callback, {}, msg_signature="错") == 403
        assert post(platform, callback, {}, nonce="other") == 403


def test_missing_or_doubled_parameters_are_refused(application: Application) -> None:
    with refused(application) as callback:
        platform = platform_of(application, callback)
        parameters, body = platform.request(OPENID, base(platform))
        for name in ("timestamp", "nonce", "msg_signature"):
            less = {key: value for key, value in parameters.items() if key != name}
            assert requests.post(callback, params=less, data=body, timeout=5).status_code == 400
            twice = [*parameters.items(), (name, parameters[name])]
            assert requests.post(callback, params=twice, data=body, timeout=5).status_code == 400


def test_plaintext_is_refused_where_a_key_is_configured(application: Application) -> None:
    with refused(application) as callback:
        platform = Platform(account(callback), application.clock, mode="plain")
        assert post(platform, callback, {}) == 403


def test_encrypted_is_refused_where_no_key_is_configured(application: Application) -> None:
    chosen = with_account(application)
    with refused(chosen) as callback:
        assert post(platform_of(application, callback), callback, {}) == 403


def test_in_plaintext_mode_a_signature_brings_only_one_body(application: Application) -> None:
    chosen = with_account(application)
    with serving(chosen) as callback:
        platform = Platform(account(callback), application.clock, mode="plain")
        message = base(platform)
        parameters, body = platform.request(OPENID, message)
        _, other = platform.request(OPENID, {**message, "MsgId": "2", "Content": "帮助"})
        codes = [
            requests.post(callback, params=parameters, data=data, timeout=5).status_code
            for data in (body, body, other)
        ]

    assert codes == [200, 200, 403]
    assert rows(application) == 1


def test_a_big_body_is_refused(application: Application) -> None:
    with refused(application) as callback:
        response = requests.post(callback, data=b"x" * 1_000_000, timeout=5)

    assert response.status_code == 413


def test_a_lone_control_character_is_taken_without_it(application: Application) -> None:
    chosen = with_account(application)
    with serving(chosen) as callback:
        platform = Platform(account(callback), application.clock, mode="plain")
        assert platform.text(OPENID, "打卡 a\x07b").text.endswith("记下了：ab")


NOTICES = [
    (Notice("t", title="题", lines=("a\x07]]>b",), link=Link("看", "https://e.org/?a=1&b=2")),
     {"MsgType": "text", "Content": '题\na]]>b\n<a href="https://e.org/?a=1&b=2">看</a>'}),
    (Notice("t", media=Media("image", "M1")), {"MsgType": "image", "Image": "M1"}),
    (Notice("t", media=Media("voice", "M1")), {"MsgType": "voice", "Voice": "M1"}),
    (Notice("t", title="题", lines=("说",), media=Media("video", "M1")), {"MsgType": "video", "Video": "M1题说"}),
    (Notice("t", title="题", lines=("说",), link=Link("", "u"), media=Media("music", "M1")),
     {"MsgType": "music", "Music": "M1题说uu"}),
    (Notice("t", title="题", lines=("说",), link=Link("", "u"), media=Media("news", picture_url="p")),
     {"MsgType": "news", "ArticleCount": "1", "Articles": "题说pu"}),
]  # fmt: skip


@pytest.mark.parametrize("format", ["xml", "json"])
@pytest.mark.parametrize(("notice", "expected"), NOTICES)
def test_each_type_of_passive_reply(
    application: Application, notice: Notice, expected: dict[str, str], format: Format
) -> None:
    with serving(saying(application, lambda _: notice)) as callback:
        platform = Platform(account(callback), application.clock, format=format)
        fields = platform.text(OPENID, "x").fields

    for name, value in expected.items():
        assert flat(fields[name]) == value


def flat(value: str) -> str:
    """A nested field's texts one after the other, whichever format it came in."""
    if value[:1] not in "{[":
        return "".join(value.split()) if value[:1].isspace() else value
    parsed: Any = ast.literal_eval(value)
    return "".join(
        str(part)
        for item in (parsed if isinstance(parsed, list) else [parsed])
        for part in item.values()
    )


def test_a_long_text_comes_in_pages_with_its_source(application: Application) -> None:
    sentence = "成立联合党支部，一般不超过五个单位。"
    notice = Notice("t", title="问：很长？", lines=(sentence * 150,), source="依据：《条例》第五条")
    with serving(saying(application, lambda _: notice)) as callback:
        platform = platform_of(application, callback)
        texts = [platform.text(OPENID, word).text for word in ("x", *"9９999")]

    pages = texts[:-1]
    assert all(len(text.encode()) <= 2048 for text in texts)
    assert all("依据：《条例》第五条" in text for text in pages)
    assert [f"回复 9 看下一页（{n}/5）" in text for n, text in enumerate(pages[:4], 1)] == [
        True
    ] * 4
    bodies = [text.split("\n依据")[0] for text in pages]
    assert all(body.endswith("。") for body in bodies)
    assert "".join(bodies) == f"问：很长？\n{sentence * 150}"
    assert "没有下一页" in texts[-1]


def test_nothing_to_say_is_the_platforms_word_for_it(application: Application) -> None:
    with serving(saying(application, lambda _: None)) as callback:
        platform = platform_of(application, callback)
        query, body = platform.request(OPENID, base(platform))
        response = requests.post(callback, params=query, data=body, timeout=5)
        event = platform.event(OPENID, "unsubscribe")

    assert (response.status_code, response.text) == (200, "success")
    assert event.text == ""


def test_a_repeat_gets_the_stored_reply_in_the_format_it_asks_for(
    application: Application,
) -> None:
    replies = iter([Reply(Notice("t", lines=("一",))), Reply(Notice("t", lines=("二",)))])
    with serving(saying(application, lambda _: next(replies))) as callback:
        xml = platform_of(application, callback)
        json = Platform(account(callback), application.clock, format="json")
        message = {"MsgType": "text", "Content": "x", "MsgId": "7"}
        texts = [platform.push(OPENID, message).text for platform in (xml, json, xml)]

    assert texts == ["一", "一", "一"]
