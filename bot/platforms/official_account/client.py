"""Calls to the platform's API, with the token that all processes share.

wechatpy's own client retries without end, has no time-outs, and knows no stable_token.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import requests

from bot.errors import OverLimit, PlatformSilent
from bot.platforms.calls import TIMEOUT, Calls, Conceal, as_body, without
from bot.platforms.official_account.errcodes import remedy_of
from bot.platforms.tokens import Token
from bot.ports import TokenStore

TOKEN_PATH = "/cgi-bin/stable_token"  # noqa: S105
_DOWNLOAD_TIME = timedelta(seconds=60)
_CHUNK = 64 * 1024
_JSON = ("application/json", "text/json", "text/plain")
_OPENID = re.compile(r"(?<![A-Za-z0-9_-])o[A-Za-z0-9_-]{27}(?![A-Za-z0-9_-])")


class Client:
    """One official account's API, for any number of threads at once. Raises PlatformRefused and
    PlatformSilent; neither names a token, the secret or an openid. `timeout` is in seconds, to
    connect and to wait for an answer.
    """

    def __init__(
        self,
        app_id: str,
        secret: str,
        base: str,
        tokens: TokenStore,
        now: Callable[[], datetime],
        timeout: tuple[float, float] = TIMEOUT,
    ) -> None:
        self._app_id = app_id
        self._secret = secret
        self._now = now
        self._calls = Calls(base, remedy_of, timeout)
        self._token = Token(
            tokens, app_id, now, TOKEN_PATH, self._fetch_token, remedy_of, sum(timeout)
        )

    @property
    def base(self) -> str:
        return self._calls.base

    def check(self) -> None:
        """Ask for the token, to try the credentials and the platform's list of addresses."""
        self._token.fetch()

    def call(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """POST JSON to `path` (/cgi-bin/message/custom/send …): the platform's answer."""
        hidden = str(body.get("touser", ""))

        def attempt(token: str) -> dict[str, Any]:
            query = {"access_token": token}
            conceal = self._conceal(token, hidden)
            return self._calls.ask("POST", path, conceal, params=query, **as_body(body))

        return self._token.used_by(attempt)

    def ask(self, path: str) -> dict[str, Any]:
        """GET `path`: the platform's answer."""

        def attempt(token: str) -> dict[str, Any]:
            query = {"access_token": token}
            return self._calls.ask("GET", path, self._conceal(token), params=query)

        return self._token.used_by(attempt)

    def upload(
        self, path: str, query: Mapping[str, str], file: tuple[str, bytes, str]
    ) -> dict[str, Any]:
        """POST the file (its name, bytes and content type) as the form field `media`."""

        def attempt(token: str) -> dict[str, Any]:
            params = {"access_token": token, **query}
            conceal = self._conceal(token)
            return self._calls.ask("POST", path, conceal, params=params, files={"media": file})

        return self._token.used_by(attempt)

    def download(
        self, path: str, query: Mapping[str, str], limit: int
    ) -> tuple[bytes, str, dict[str, Any]]:
        """GET `path`: the file and its content type, or b"", the type and the JSON that came
        instead. Raises OverLimit above `limit` bytes.
        """

        def attempt(token: str) -> tuple[bytes, str, dict[str, Any]]:
            params, conceal = {"access_token": token, **query}, self._conceal(token)
            with self._calls.request("GET", path, params=params, stream=True) as response:
                kind = _content_type(response)
                if kind in _JSON or response.status_code != 200:
                    # An error is to be read as such, however small the file may be.
                    content = self._read(path, response, max(limit, _CHUNK))
                    return b"", kind, self._calls.answer(path, response, content, conceal)
                content = self._read(path, response, limit)
                return content, kind, {}

        return self._token.used_by(attempt)

    def download_from(self, url: str, limit: int) -> tuple[bytes, str]:
        """GET an address without the token, following nothing: as `download` does."""
        path = urlsplit(url).hostname or "a download"
        with self._calls.request("GET", path, url=url, stream=True) as response:
            if response.status_code != 200:
                raise PlatformSilent(
                    path, f"the answer is HTTP {response.status_code}", unclear=False
                )
            return self._read(path, response, limit), _content_type(response)

    def _fetch_token(self) -> dict[str, Any]:
        """stable_token: asked again it gives the same token, so that nobody's is taken away.

        https://developers.weixin.qq.com/doc/service/api/base/api_getstableaccesstoken
        """
        body = {
            "grant_type": "client_credential",
            "appid": self._app_id,
            "secret": self._secret,
            "force_refresh": False,
        }
        return self._calls.ask("POST", TOKEN_PATH, self._conceal(), **as_body(body))

    def _conceal(self, *words: str) -> Conceal:
        return lambda message: _OPENID.sub("***", without(message, self._secret, *words))

    def _read(self, path: str, response: requests.Response, limit: int) -> bytes:
        """The body, chunk by chunk: it may be larger than it says."""
        end = self._now() + _DOWNLOAD_TIME
        content = bytearray()
        try:
            for chunk in response.iter_content(_CHUNK):
                content += chunk
                if len(content) > limit:
                    raise OverLimit("A file on the platform", f"{limit} bytes")
                if self._now() > end:
                    raise PlatformSilent(path, "the file did not come in time", unclear=False)
        except requests.RequestException:
            raise PlatformSilent(path, "the file did not come whole", unclear=False) from None
        return bytes(content)


def _content_type(response: requests.Response) -> str:
    """The bare type in lower case."""
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return kind or "application/octet-stream"
