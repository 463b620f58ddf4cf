"""Calls to the platform's API: one token for all processes, one new token and one more try a call.

wechatpy's own client retries without end, has no time-outs, and knows no stable_token.
"""

import json
import re
import ssl
import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from bot.domain.delivery import Remedy
from bot.errors import OverLimit, PlatformRefused, PlatformSilent
from bot.platforms.official_account.errcodes import remedy_of
from bot.ports import TokenStore

Result = TypeVar("Result")

TIMEOUT = (3.05, 10.0)
TOKEN_PATH = "/cgi-bin/stable_token"  # noqa: S105
# The platform renews a token in its last 5 minutes, in which the old one is good as well.
_MARGIN = timedelta(minutes=5)
# The store lets go of a token at least 150 s before the platform does: well over this.
_REMEMBERED = timedelta(seconds=30)
_DOWNLOAD_TIME = timedelta(seconds=60)
_CHUNK = 64 * 1024
_JSON = ("application/json", "text/json", "text/plain")
_OPENID = re.compile(r"(?<![A-Za-z0-9_-])o[A-Za-z0-9_-]{27}(?![A-Za-z0-9_-])")
_MESSAGE_LIMIT = 200


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
        self._base = base
        self._now = now
        self._timeout = timeout
        self._tokens = _Tokens(tokens, app_id, now, self._fetch_token, sum(timeout))
        self._local = threading.local()

    @property
    def base(self) -> str:
        return self._base

    def check(self) -> None:
        """Ask for the token, to try the credentials and the platform's list of addresses."""
        self._fetch_token()

    def call(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """POST JSON to `path` (/cgi-bin/message/custom/send …): the platform's answer."""
        # Written as it is: the platform shows \u4f60 to members as these six characters.
        data = json.dumps(body, ensure_ascii=False).encode(errors="replace")
        hidden = str(body.get("touser", ""))
        return self._with_token(lambda token: self._post(path, data, token, hidden))

    def ask(self, path: str) -> dict[str, Any]:
        """GET `path`: the platform's answer."""

        def attempt(token: str) -> dict[str, Any]:
            response = self._request("GET", path, params={"access_token": token})
            return self._answer(path, response, response.content, token)

        return self._with_token(attempt)

    def upload(
        self, path: str, query: Mapping[str, str], file: tuple[str, bytes, str]
    ) -> dict[str, Any]:
        """POST the file (its name, bytes and content type) as the form field `media`."""

        def attempt(token: str) -> dict[str, Any]:
            response = self._request(
                "POST", path, params={"access_token": token, **query}, files={"media": file}
            )
            return self._answer(path, response, response.content, token)

        return self._with_token(attempt)

    def download(
        self, path: str, query: Mapping[str, str], limit: int
    ) -> tuple[bytes, str, dict[str, Any]]:
        """GET `path`: the file and its content type, or b"", the type and the JSON that came
        instead. Raises OverLimit above `limit` bytes.
        """

        def attempt(token: str) -> tuple[bytes, str, dict[str, Any]]:
            params = {"access_token": token, **query}
            with self._request("GET", path, params=params, stream=True) as response:
                kind = _content_type(response)
                if kind in _JSON or response.status_code != 200:
                    # An error is to be read as such, however small the file may be.
                    content = self._read(path, response, max(limit, _CHUNK))
                    return b"", kind, self._answer(path, response, content, token)
                content = self._read(path, response, limit)
                return content, kind, {}

        return self._with_token(attempt)

    def download_from(self, url: str, limit: int) -> tuple[bytes, str]:
        """GET an address without the token, following nothing: as `download` does."""
        path = urlsplit(url).hostname or "a download"
        with self._request("GET", path, url=url, stream=True) as response:
            if response.status_code != 200:
                raise PlatformSilent(
                    path, f"the answer is HTTP {response.status_code}", unclear=False
                )
            return self._read(path, response, limit), _content_type(response)

    def _with_token(self, attempt: Callable[[str], Result]) -> Result:
        token = self._tokens.get(None)
        try:
            return attempt(token)
        except PlatformRefused as refused:
            if remedy_of(refused.code) is not Remedy.TOKEN:
                raise
        return attempt(self._tokens.get(token))

    def _fetch_token(self) -> tuple[str, datetime]:
        """stable_token: asked again it gives the same token, so that nobody's is taken away.

        https://developers.weixin.qq.com/doc/service/api/base/api_getstableaccesstoken
        """
        body = {
            "grant_type": "client_credential",
            "appid": self._app_id,
            "secret": self._secret,
            "force_refresh": False,
        }
        try:
            answer = self._post(TOKEN_PATH, json.dumps(body).encode(), None)
        except PlatformSilent as silent:
            # Whatever became of the token: what it was wanted for has not been sent.
            silent.unclear = False
            raise
        token, seconds = answer.get("access_token"), answer.get("expires_in")
        if not isinstance(token, str) or not isinstance(seconds, int):
            raise PlatformSilent(TOKEN_PATH, "the answer holds no token", unclear=False)
        life = timedelta(seconds=seconds)
        return token, self._now() + max(life - _MARGIN, life / 2)

    def _post(self, path: str, data: bytes, token: str | None, hidden: str = "") -> dict[str, Any]:
        query = {"access_token": token} if token else {}
        headers = {"Content-Type": "application/json"}
        response = self._request("POST", path, params=query, data=data, headers=headers)
        return self._answer(path, response, response.content, token, hidden)

    def _request(
        self, method: str, path: str, *, url: str = "", **arguments: Any
    ) -> requests.Response:
        """No exception of requests gets out: its text has the address with the token in it."""
        try:
            return self._session().request(
                method,
                url or f"{self._base}{path}",
                timeout=self._timeout,
                allow_redirects=False,
                **arguments,
            )
        except requests.ConnectTimeout:
            raise PlatformSilent(path, "no connection in time", unclear=False) from None
        except requests.Timeout:
            raise PlatformSilent(path, "no answer in time", unclear=True) from None
        except requests.ConnectionError as error:
            unclear = not _before_sending(error)
            raise PlatformSilent(path, "the connection failed", unclear=unclear) from None
        except requests.RequestException as error:
            # What requests finds wrong with an address, it finds before it sends anything.
            unclear = not isinstance(error, ValueError)
            raise PlatformSilent(path, "the request failed", unclear=unclear) from None

    def _session(self) -> requests.Session:
        """The calling thread's own: a Session is not made for several."""
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = requests.Session()
            session.trust_env = False
            for scheme in ("http://", "https://"):
                session.mount(scheme, HTTPAdapter(pool_connections=2, pool_maxsize=1))
            self._local.session = session
        return session

    def _answer(
        self, path: str, response: requests.Response, content: bytes, *hidden: str | None
    ) -> dict[str, Any]:
        status = response.status_code
        if status != 200:
            raise PlatformSilent(path, f"the answer is HTTP {status}", unclear=status >= 500)
        try:
            answer: Any = json.loads(content)
        except (ValueError, RecursionError):
            raise PlatformSilent(path, "the answer is no JSON", unclear=True) from None
        code = answer.get("errcode", 0) if isinstance(answer, dict) else None
        if not isinstance(answer, dict) or not isinstance(code, int):
            raise PlatformSilent(path, "the answer is not the platform's", unclear=True)
        if remedy_of(code) is not Remedy.DONE:
            message = str(answer.get("errmsg", ""))[:_MESSAGE_LIMIT]
            for word in (self._secret, *hidden):
                message = message.replace(word, "***") if word else message
            raise PlatformRefused(path, code, _OPENID.sub("***", message))
        return answer

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


class _Tokens:
    """The store's token, remembered for a short time; one thread at a time asks the store.

    `patience` is how many seconds the other threads wait for that one.
    """

    def __init__(
        self,
        store: TokenStore,
        name: str,
        now: Callable[[], datetime],
        fetch: Callable[[], tuple[str, datetime]],
        patience: float,
    ) -> None:
        self._store = store
        self._name = name
        self._now = now
        self._fetch = fetch
        self._patience = patience
        self._lock = threading.Lock()
        # The token, and between which times it may be used unasked: written as a whole.
        self._kept: tuple[str, datetime, datetime] | None = None

    def get(self, stale: str | None) -> str:
        """A token other than `stale`, which was refused."""
        if token := self._remembered(stale):
            return token
        if not self._lock.acquire(timeout=self._patience):
            raise PlatformSilent(TOKEN_PATH, "there was no token in time", unclear=False)
        try:
            return self._remembered(stale) or self._ask(stale)
        finally:
            self._lock.release()

    def _remembered(self, stale: str | None) -> str | None:
        if self._kept is None:
            return None
        token, since, until = self._kept
        return token if token != stale and since <= self._now() < until else None

    def _ask(self, stale: str | None) -> str:
        ends: list[datetime] = []

        def fetch() -> tuple[str, datetime]:
            token, end = self._fetch()
            ends.append(end)
            return token, end

        token = None if stale else self._store.current(self._name)
        token = token or self._store.renew(self._name, stale, fetch)
        now = self._now()
        self._kept = token, now, min([now + _REMEMBERED, *ends])
        return token


def _content_type(response: requests.Response) -> str:
    """The bare type in lower case."""
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return kind or "application/octet-stream"


def _before_sending(error: requests.ConnectionError) -> bool:
    """Whether it failed before any byte of the request could go out: no address, no connection,
    or a certificate that is not the platform's.
    """
    cause = getattr(error.args[0] if error.args else None, "reason", None)
    if isinstance(cause, NewConnectionError | ConnectTimeoutError):
        return True
    inner = cause.args[0] if isinstance(cause, Exception) and cause.args else None
    return isinstance(inner, ssl.SSLCertVerificationError)
