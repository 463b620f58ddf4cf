"""HTTP to a platform: what can go wrong becomes PlatformSilent or PlatformRefused, and neither
names an address, since a token or a key may stand in it.
"""

import json
import ssl
import threading
from collections.abc import Callable
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from bot.domain.delivery import Outcome, Remedy
from bot.errors import PlatformRefused, PlatformSilent

TIMEOUT = (3.05, 10.0)
_MESSAGE_LIMIT = 200
_MASK = "***"

Conceal = Callable[[str], str]


class Calls:
    """Requests to `base` (https://host), for any number of threads at once. `remedy_of` tells
    what the platform's error codes mean; `timeout` is in seconds, to connect and to wait for an
    answer.
    """

    def __init__(
        self,
        base: str,
        remedy_of: Callable[[int], Remedy],
        timeout: tuple[float, float] = TIMEOUT,
    ) -> None:
        self.base = base
        self._remedy_of = remedy_of
        self._timeout = timeout
        self._local = threading.local()

    def request(
        self, method: str, path: str, *, url: str = "", **arguments: Any
    ) -> requests.Response:
        """`path` is what errors name. No exception of requests gets out: its text has the address
        in it.
        """
        try:
            return self._session().request(
                method,
                url or f"{self.base}{path}",
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

    def answer(
        self, path: str, response: requests.Response, content: bytes, conceal: Conceal
    ) -> dict[str, Any]:
        """The platform's JSON. `conceal` takes what is secret out of its error message."""
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
        if self._remedy_of(code) is not Remedy.DONE:
            message = conceal(str(answer.get("errmsg", "")))
            raise PlatformRefused(path, code, message[:_MESSAGE_LIMIT])
        return answer

    def ask(self, method: str, path: str, conceal: Conceal, **arguments: Any) -> dict[str, Any]:
        """Request and answer in one."""
        response = self.request(method, path, **arguments)
        return self.answer(path, response, response.content, conceal)

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


def as_body(fields: Any) -> dict[str, Any]:
    """The arguments of a request whose body is JSON, written as it is: the platforms show
    \\u4f60 to members as these six characters.
    """
    data = json.dumps(fields, ensure_ascii=False).encode(errors="replace")
    return {"data": data, "headers": {"Content-Type": "application/json"}}


def without(text: str, *words: str | None) -> str:
    """`text` with each of these words masked."""
    for word in words:
        text = text.replace(word, _MASK) if word else text
    return text


def acknowledged(path: str, answer: dict[str, Any]) -> dict[str, Any]:
    """The answer to a message. Raises PlatformSilent for one without a code: nobody knows."""
    if "errcode" not in answer:
        raise PlatformSilent(path, "the answer is not the platform's", unclear=True)
    return answer


def outcome_of(silent: PlatformSilent) -> Outcome:
    """What a push came to that had no answer."""
    return Outcome(Remedy.UNCLEAR if silent.unclear else Remedy.RETRY, reason=str(silent))


def _before_sending(error: requests.ConnectionError) -> bool:
    """Whether it failed before any byte of the request could go out: no address, no connection,
    or a certificate that is not the platform's.
    """
    cause = getattr(error.args[0] if error.args else None, "reason", None)
    if isinstance(cause, NewConnectionError | ConnectTimeoutError):
        return True
    inner = cause.args[0] if isinstance(cause, Exception) and cause.args else None
    return isinstance(inner, ssl.SSLCertVerificationError)
