"""The sandbox's pushes of a WeCom app: what it makes of each answer of a bot."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from bot.errors import SandboxProblem
from bot.simulator import crypto
from bot.simulator.envelope import element
from bot.simulator.server import Request, Response, serving
from bot.simulator.wecom.app import AppPlatform
from tests.conftest import HandClock
from tests.wecom_app import AGENT, CORP, KEY, TOKEN, USER

REPLY = {
    "ToUserName": USER, "FromUserName": CORP, "CreateTime": "1", "MsgType": "text", "Content": "好",
}  # fmt: skip


def sealed(
    fields: dict[str, str], *, key: str = KEY, token: str = TOKEN, corp: str = CORP
) -> bytes:
    encrypted = crypto.encrypt(key, element("xml", fields), corp)
    names = {"Encrypt": encrypted, "MsgSignature": crypto.sign(token, "1", "n", encrypted)}
    return element("xml", {**names, "TimeStamp": "1", "Nonce": "n"}).encode()


@contextmanager
def bot(
    clock: HandClock, answer: Callable[[Request], Response], *, strict: bool = True
) -> Iterator[AppPlatform]:
    with serving(answer) as base:
        yield AppPlatform(f"{base}/callback", TOKEN, KEY, CORP, AGENT, clock, strict=strict)


def test_a_push_is_what_the_platform_sends(clock: HandClock) -> None:
    asked: list[Request] = []

    def answer(request: Request) -> Response:
        asked.append(request)
        return Response(sealed(REPLY), "application/xml")

    with bot(clock, answer) as platform:
        assert platform.text(USER, "你好 <b>").text == "好"
    (request,) = asked
    assert set(request.query) == {"msg_signature", "timestamp", "nonce"}
    outside = request.body.decode()
    assert outside.startswith(f"<xml><ToUserName>{CORP}</ToUserName><AgentID>{AGENT}</AgentID>")
    encrypted = outside.partition("<Encrypt>")[2].partition("</Encrypt>")[0]
    parts = request.query["timestamp"], request.query["nonce"], encrypted
    assert crypto.sign(TOKEN, *parts) == request.query["msg_signature"]
    inside = crypto.decrypt(KEY, encrypted, CORP).decode()
    assert "<Content>你好 &lt;b&gt;</Content>" in inside
    assert f"<AgentID>{AGENT}</AgentID>" in inside


@pytest.mark.parametrize(
    "body",
    [
        element("xml", REPLY).encode(),
        sealed(REPLY, token="other"),
        sealed(REPLY, key="Z" * 42 + "A"),
        sealed(REPLY, corp="wwother"),
        sealed({**REPLY, "ToUserName": "somebody"}),
        sealed({**REPLY, "Content": ""}),
        sealed({**REPLY, "Content": "字" * 683}),
        sealed({**REPLY, "MsgType": "poem"}),
        b"{}",
    ],
)
def test_a_reply_that_the_platform_would_not_show(clock: HandClock, body: bytes) -> None:
    with bot(clock, lambda _: Response(body)) as platform:
        with pytest.raises(SandboxProblem):
            platform.text(USER, "你好")
        platform.strict = False
        answer = platform.text(USER, "你好")
        assert (answer.text, bool(answer.problem)) == ("", True)


def test_nothing_is_a_good_answer(clock: HandClock) -> None:
    with bot(clock, lambda _: Response(b"")) as platform:
        answer = platform.text(USER, "你好")
        assert (answer.text, answer.problem, answer.attempts) == ("", "", 1)


def test_a_silent_bot_is_asked_three_times_and_the_member_sees_nothing(clock: HandClock) -> None:
    asked: list[str] = []

    def answer(request: Request) -> Response:
        asked.append(request.query["nonce"])
        return Response(b"", status=500)

    with bot(clock, answer) as platform:
        said = platform.text(USER, "你好")
    assert (said.text, said.attempts, "500" in said.problem) == ("", 3, True)
    assert len(set(asked)) == 3


@pytest.mark.parametrize("body", [b"", b'"1"', b"1\n", b"refused"])
def test_a_verification_must_be_answered_to_the_byte(clock: HandClock, body: bytes) -> None:
    with bot(clock, lambda _: Response(body)) as platform, pytest.raises(SandboxProblem):
        platform.verify()
    gone = AppPlatform("http://127.0.0.1:9/x", TOKEN, KEY, CORP, AGENT, clock)
    with pytest.raises(SandboxProblem):
        gone.verify()
