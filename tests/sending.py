"""A client of the sandbox's API whose token is kept in memory, and bodies to send."""

import threading
from collections.abc import Callable, Mapping
from datetime import datetime

import pytest

from bot.errors import PlatformRefused
from bot.platforms.calls import TIMEOUT
from bot.platforms.official_account.client import Client
from tests.conftest import HandClock
from tests.platform import APP_ID

SECRET = "s3cr3t-of-the-account"
MEMBER = "oTESTmember00000000000000001"
OTHER = "oTESTmember00000000000000002"
PICTURE = b"\x89PNG\r\n\x1a\n\x00\xff" * 100
EMOJI = "\U0001f389"
CUSTOM = "/cgi-bin/message/custom/send"
TEMPLATE = "/cgi-bin/message/template/send"
SUBSCRIPTION = "/cgi-bin/message/subscribe/bizsend"
TOKEN = "/cgi-bin/stable_token"


class MemoryTokens:
    """A TokenStore of this process alone; it counts how often it is asked."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.asked = 0
        self._now = now
        self._lock = threading.Lock()
        self._token, self._end = "", now()

    def current(self, name: str) -> str | None:
        self.asked += 1
        return self._token if self._now() < self._end else None

    def renew(self, name: str, stale: str | None, fetch: Callable[[], tuple[str, datetime]]) -> str:
        with self._lock:
            self.asked += 1
            if self._token in ("", stale) or self._now() >= self._end:
                self._token, self._end = fetch()
            return self._token


def client_at(
    base: str,
    clock: HandClock,
    tokens: MemoryTokens | None = None,
    timeout: tuple[float, float] = TIMEOUT,
    secret: str = SECRET,
) -> Client:
    tokens = tokens or MemoryTokens(clock.now)
    return Client(APP_ID, secret, base, tokens, clock.now, timeout)


def code_of(error: pytest.ExceptionInfo[PlatformRefused]) -> int:
    return error.value.code


def refused(client: Client, path: str, body: Mapping[str, object]) -> int:
    """The code of the refusal, 0 for none."""
    try:
        client.call(path, body)
    except PlatformRefused as error:
        return error.code
    return 0


def text_for(openid: str, content: str = "你好") -> dict[str, object]:
    return {"touser": openid, "msgtype": "text", "text": {"content": content}}


def template_for(openid: str, **more: object) -> dict[str, object]:
    return {"touser": openid, "template_id": "T1", "data": {"thing1": {"value": "开会"}}, **more}
