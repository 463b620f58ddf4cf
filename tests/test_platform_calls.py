"""Our client's calls: files, the menu, silence, many threads at once, and no leaks."""

import json
import time
import traceback
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import get_ident
from urllib.parse import urlsplit

import pytest

from bot.errors import OverLimit, PlatformRefused, PlatformSilent
from bot.platforms.official_account import endpoints
from bot.platforms.official_account.client import Client
from bot.simulator.api import Api, serving_api
from bot.simulator.server import Request, Response, serving
from tests.conftest import HandClock
from tests.sending import (
    CUSTOM,
    MEMBER,
    OTHER,
    PICTURE,
    SECRET,
    TEMPLATE,
    TOKEN,
    MemoryTokens,
    client_at,
    code_of,
    refused,
    template_for,
)

# The wire, files, menu, scene codes


def test_a_message_stands_in_the_request_as_it_is(clock: HandClock) -> None:
    """Escaped, members would see \\u4f60; half a surrogate pair cannot be sent at all."""
    bodies: list[bytes] = []

    def answer(request: Request) -> Response:
        bodies.append(request.body)
        return Response(b'{"errcode": 0, "access_token": "abc", "expires_in": 7200}')

    with serving(answer) as base:
        endpoints.send_text(client_at(base, clock), MEMBER, "你好\x00\ud800“")
    assert '"content": "你好“"'.encode() in bodies[-1]


@pytest.mark.parametrize(
    ("type", "name", "kind"),
    [("image", "图 片.PNG", "image/png"), ("voice", "a.mp3", "audio/mpeg"), ("video", "a.mp4", "video/mp4")],
)  # fmt: skip
def test_a_file_goes_up_and_comes_down(
    client: Client, api: Api, clock: HandClock, type: endpoints.MediaType, name: str, kind: str
) -> None:
    media_id = endpoints.upload(client, type, PICTURE, name)
    assert endpoints.download(client, media_id, len(PICTURE)) == (PICTURE, kind)
    with pytest.raises(OverLimit):
        endpoints.download(client, media_id, len(PICTURE) - 1)
    api.heard(MEMBER, "message")
    endpoints.send_media(client, MEMBER, type, media_id, "标题", "说明")
    assert api.sent[0].body[type]["media_id"] == media_id
    assert ("title" in api.sent[0].body[type]) == (type == "video")
    clock.forward(timedelta(days=3))
    with pytest.raises(PlatformRefused) as error:
        endpoints.download(client, media_id, 10_000)
    assert code_of(error) == 40007
    with pytest.raises(PlatformRefused) as error:
        endpoints.send_media(client, MEMBER, type, media_id)
    assert code_of(error) == 40007


def test_what_a_member_sent_is_fetched(client: Client, api: Api) -> None:
    media_id = api.receive("voice", b"#!AMR" * 50_000, "audio/amr")
    assert endpoints.download(client, media_id, 250_000) == (b"#!AMR" * 50_000, "audio/amr")


def test_files_over_the_limit_are_not_sent(client: Client, api: Api) -> None:
    with pytest.raises(OverLimit):
        endpoints.upload(client, "image", bytes(2 * 1024 * 1024 + 1), "a.png")
    with pytest.raises(OverLimit):
        endpoints.upload(client, "video", bytes(10 * 1024 * 1024 + 1), "a.mp4")
    assert api.calls == []
    assert endpoints.upload(client, "image", bytes(2 * 1024 * 1024), "a.png")
    with pytest.raises(PlatformRefused) as error:
        client.upload(
            "/cgi-bin/media/upload", {"type": "image"}, ("a.png", bytes(3_000_000), "image/png")
        )
    assert code_of(error) == 40009


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/",
        "http://evil.example/#.qq.com",
        "http://evil.example/?.qq.com",
        "http://evil.example\\.qq.com/a",
        "http://evil.example\\@a.qq.com/a",
        "http://evilqq.com/a",
        "http://a.qq.com.evil.example/a",
        "http://a.qq.com@evil.example/a",
        "http://a.qq.com:8080/a",
        "http://a.qq.com:x/a",
        "http://[::1]/a",
        "file:///etc/passwd",
        "ftp://a.qq.com/a",
        "//a.qq.com/a",
        "",
        7,
    ],
)
def test_a_video_is_fetched_from_the_platforms_hosts_only(clock: HandClock, url: object) -> None:
    def answer(request: Request) -> Response:
        told = {"access_token": "abc", "expires_in": 7200, "video_url": url}
        return Response(json.dumps(told).encode())

    with serving(answer) as base, pytest.raises(PlatformSilent) as silent:
        endpoints.download(client_at(base, clock), "M", 1000)
    assert "video" in str(silent.value)


@pytest.mark.parametrize(
    ("url", "fine"),
    [
        ("http://vweixinf.tc.qq.com/102/a?b=c", True),
        ("https://mmbiz.qpic.cn/a", True),
        ("https://api.example:8443/a", True),
        ("https://api.example/a", False),
    ],
)
def test_hosts_of_the_platform(url: str, fine: bool) -> None:
    assert endpoints._is_platforms(url, "https://api.example:8443") is fine


def test_a_redirect_is_not_followed(clock: HandClock) -> None:
    asked: list[str] = []

    def answer(request: Request) -> Response:
        asked.append(request.path)
        if request.path == TOKEN:
            return Response(b'{"access_token": "abc", "expires_in": 7200}')
        return Response(b"", status=302, location=f"http://{request.host}/elsewhere")

    with serving(answer) as base:
        for call in (
            lambda client: endpoints.download(client, "M", 1000),
            lambda client: endpoints.send_text(client, MEMBER, "好"),
        ):
            with pytest.raises(PlatformSilent) as silent:
                call(client_at(base, clock))
            assert not silent.value.unclear
    assert asked == [TOKEN, "/cgi-bin/media/get", TOKEN, CUSTOM]


def test_a_menu_of_three_with_five_each(client: Client, api: Api) -> None:
    tap: dict[str, object] = {"name": "签到", "type": "click", "key": "check_in"}
    buttons: list[dict[str, object]] = [tap, {"name": "更多", "sub_button": [tap] * 5}]
    with pytest.raises(PlatformRefused) as error:
        endpoints.get_menu(client)
    assert code_of(error) == 46003
    endpoints.create_menu(client, buttons)
    assert endpoints.get_menu(client) == buttons
    endpoints.delete_menu(client)
    with pytest.raises(PlatformRefused):
        endpoints.get_menu(client)
    calls = len(api.calls)
    deep: dict[str, object] = {"name": "更多", "sub_button": [tap] * 6}
    for wrong in ([tap] * 4, [deep]):
        with pytest.raises(OverLimit):
            endpoints.create_menu(client, wrong)
    assert len(api.calls) == calls
    assert refused(client, "/cgi-bin/menu/create", {"button": [tap] * 4}) == 40016
    assert refused(client, "/cgi-bin/menu/create", {"button": [deep]}) == 40023


def test_scene_codes(client: Client, api: Api) -> None:
    for scene, seconds in (("绑" * 64, 2_592_000), ("b", 1), ("permanent", None)):
        code = endpoints.create_scene_code(client, scene, seconds)
        assert api.scenes[code.ticket] == scene
        assert code.url.startswith("http://weixin.qq.com/q/")
        assert code.picture.endswith(f"ticket={code.ticket.replace('=', '%3D')}")
        assert urlsplit(code.picture).hostname == "mp.weixin.qq.com"
    calls = len(api.calls)
    for scene, seconds in (("", 60), ("x" * 65, 60), ("x", 2_592_001), ("x", 0)):
        with pytest.raises(OverLimit):
            endpoints.create_scene_code(client, scene, seconds)
    assert len(api.calls) == calls
    wrong = {"action_name": "QR_STR_SCENE", "action_info": {"scene": {"scene_str": "x" * 65}}}
    assert refused(client, "/cgi-bin/qrcode/create", wrong) == 40053


@pytest.mark.parametrize("kind", ["text/plain", "application/json", "image/png"])
def test_a_download_is_never_larger_than_its_limit(clock: HandClock, kind: str) -> None:
    """And the video's own address is asked without the token."""
    asked: list[dict[str, str]] = []

    def answer(request: Request) -> Response:
        if request.path == "/video":
            asked.append(dict(request.query))
            return Response(bytes(1001), kind)
        told = {
            "access_token": "abc",
            "expires_in": 7200,
            "video_url": f"http://{request.host}/video",
        }
        return Response(json.dumps(told).encode())

    with serving(answer) as base:
        assert endpoints.download(client_at(base, clock), "M", 1001) == (bytes(1001), kind)
        with pytest.raises(OverLimit):
            endpoints.download(client_at(base, clock), "M", 1000)
    assert asked == [{}, {}]


# Silence


@pytest.mark.parametrize(("status", "unclear"), [(500, True), (502, True), (404, False)])
def test_an_answer_of_a_proxy(clock: HandClock, status: int, unclear: bool) -> None:
    """Its JSON has no errcode, which must not pass for 0."""

    def answer(request: Request) -> Response:
        if request.path == TOKEN:
            return Response(b'{"access_token": "abc", "expires_in": 7200}')
        return Response(b'{"message": "no"}', status=status)

    with serving(answer) as base, pytest.raises(PlatformSilent) as silent:
        endpoints.send_text(client_at(base, clock), MEMBER, "好")
    assert silent.value.unclear is unclear


def test_an_answer_without_a_code_is_unclear(clock: HandClock) -> None:
    told = b'{"access_token": "abc", "expires_in": 7200}'
    with serving(lambda request: Response(told)) as base, pytest.raises(PlatformSilent) as silent:
        endpoints.send_text(client_at(base, clock), MEMBER, "好")
    assert silent.value.unclear


def test_without_a_token_nothing_can_have_been_sent(clock: HandClock) -> None:
    """Whatever silence the token's own call meets."""
    with serving(lambda request: Response(b"", status=502)) as base:
        with pytest.raises(PlatformSilent) as silent:
            endpoints.send_text(client_at(base, clock), MEMBER, "好")
        assert not silent.value.unclear
    with serving(lambda request: Response(b"", drop=True)) as base:
        with pytest.raises(PlatformSilent) as silent:
            endpoints.send_text(client_at(base, clock), MEMBER, "好")
        assert not silent.value.unclear
    for wrong in ("http://no-such-host.invalid", "http://:0", "https://127.0.0.1:1"):
        with pytest.raises(PlatformSilent) as silent:
            endpoints.send_text(client_at(wrong, clock), MEMBER, "好")
        assert not silent.value.unclear


def test_a_connection_that_was_left_open_is_used_again_or_unclear(
    api: Api, clock: HandClock
) -> None:
    """The platform goes away between two messages of the same thread."""
    tokens = MemoryTokens(clock.now)
    with serving_api(api) as base:
        client = client_at(base, clock, tokens)
        client.call(TEMPLATE, template_for(MEMBER))
    with pytest.raises(PlatformSilent):
        client.call(TEMPLATE, template_for(MEMBER))
    assert len(api.sent) == 1


# Many at once


def test_twenty_threads_share_a_token_and_keep_their_connections(
    api: Api, clock: HandClock
) -> None:
    tokens = MemoryTokens(clock.now)
    threads: set[int] = set()

    def answer(request: Request) -> Response:
        threads.add(get_ident())  # the server has a thread for each connection
        return api.handle(request)

    with serving(answer) as base:
        client = client_at(base, clock, tokens)
        with ThreadPoolExecutor(20) as pool:
            numbers = list(pool.map(lambda i: _template(client, str(i)), range(400)))
    assert len(set(numbers)) == 400
    assert len(api.sent) == 400
    assert Counter(api.calls) == {TOKEN: 1, TEMPLATE: 400}
    assert len(threads) <= 20
    assert tokens.asked <= 3


def _template(client: Client, key: str) -> str:
    return endpoints.send_template(client, MEMBER, "T1", {"thing1": "开会"}, key=key)


def test_twenty_threads_with_a_revoked_token_ask_for_one(
    base: str, api: Api, clock: HandClock
) -> None:
    client = client_at(base, clock)
    _template(client, "first")
    api.revoke()
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(lambda i: _template(client, str(i)), range(20)))
    calls = Counter(api.calls)
    assert calls[TOKEN] == 2
    assert 22 <= calls[TEMPLATE] <= 41
    assert len(api.sent) == 21


def test_a_token_is_remembered_for_a_short_time(base: str, api: Api, clock: HandClock) -> None:
    tokens = MemoryTokens(clock.now)
    client = client_at(base, clock, tokens)
    client.check()
    for _ in range(3):
        _template(client, "")
    asked = tokens.asked
    clock.forward(timedelta(seconds=29))
    _template(client, "")
    assert tokens.asked == asked
    clock.forward(timedelta(seconds=1))
    _template(client, "")
    assert tokens.asked == asked + 1
    clock.forward(timedelta(hours=-1))
    _template(client, "")
    assert tokens.asked == asked + 2


def test_a_token_is_not_remembered_past_its_end(clock: HandClock) -> None:
    lives = iter((10, 7200))
    tokens: list[str] = []

    def answer(request: Request) -> Response:
        if request.path == TOKEN:
            life = next(lives)
            told = {"access_token": f"for-{life}", "expires_in": life}
            return Response(json.dumps(told).encode())
        tokens.append(request.query["access_token"])
        return Response(b'{"errcode": 0}')

    with serving(answer) as base:
        client = client_at(base, clock)
        client.call(CUSTOM, {})
        clock.forward(timedelta(seconds=5))
        client.call(CUSTOM, {})
    assert tokens == ["for-10", "for-7200"]


def test_a_round_trip_holds_nobody_up(base: str, api: Api, clock: HandClock) -> None:
    client = client_at(base, clock)
    _template(client, "")
    api.round_trip = 0.3
    begin = time.perf_counter()
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(lambda _: _template(client, ""), range(20)))
    assert 0.3 <= time.perf_counter() - begin < 2


# Leaks


def test_an_error_repeats_no_token_secret_or_openid(
    clock: HandClock, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Even when the platform's own words do."""
    token = "tttttttttttttttttoken"

    def answer(request: Request) -> Response:
        if request.path == TOKEN:
            told: dict[str, object] = {"access_token": token, "expires_in": 7200}
        else:
            said = f"no {request.query.get('access_token')} {SECRET} {MEMBER} {OTHER} oShort"
            told = {"errcode": 40003, "errmsg": said}
        return Response(json.dumps(told).encode())

    caplog.set_level("INFO")
    said: list[str] = []
    with serving(answer) as base:
        client = client_at(base, clock)
        for call in (
            lambda: endpoints.send_text(client, "oShort", "好"),
            lambda: endpoints.send_text(client, MEMBER, "好"),
            lambda: endpoints.upload(client, "image", b"x", "a.png"),
            lambda: endpoints.download(client, "M", 10),
            lambda: endpoints.get_menu(client),
        ):
            with pytest.raises(PlatformRefused) as error:
                call()
            assert "oShort" not in str(error.value) or said
            said.append("".join(traceback.format_exception(error.value)))
    for word in (token, SECRET, MEMBER, OTHER):
        assert word not in "".join([*said, caplog.text, *capfd.readouterr()])
