"""Calls to the platform's API: one token for all processes, one new token and one more try a call.

wechatpy's own client retries without end, has no time-outs, and knows no stable_token.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import requests

from bot.errors import PlatformRefused, PlatformSilent
from bot.platforms.official_account.errcodes import Remedy, remedy_of
from bot.ports import TokenStore

TIMEOUT = (3.05, 10.0)
# The platform renews a token in its last 5 minutes, in which the old one is good as well.
_MARGIN = timedelta(minutes=5)


class Client:
    """One official account's API. Raises PlatformRefused and PlatformSilent; neither names a
    token. `timeout` is in seconds, to connect and to wait for an answer.
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
        self._tokens = tokens
        self._now = now
        self._timeout = timeout
        self._session = requests.Session()
        self._session.trust_env = False

    def check(self) -> None:
        """Ask for the token, to try the credentials and the platform's list of addresses."""
        self._fetch()

    def call(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """POST JSON to `path` (/cgi-bin/message/custom/send …): the platform's answer."""
        token = self._tokens.current(self._app_id)
        token = token or self._tokens.renew(self._app_id, None, self._fetch)
        try:
            return self._post(path, body, token)
        except PlatformRefused as refused:
            if remedy_of(refused.code) is not Remedy.TOKEN:
                raise
        token = self._tokens.renew(self._app_id, token, self._fetch)
        return self._post(path, body, token)

    def _fetch(self) -> tuple[str, datetime]:
        """stable_token: asked again it gives the same token, so that nobody's is taken away.

        https://developers.weixin.qq.com/doc/service/api/base/api_getstableaccesstoken
        """
        body = {
            "grant_type": "client_credential",
            "appid": self._app_id,
            "secret": self._secret,
            "force_refresh": False,
        }
        path = "/cgi-bin/stable_token"
        answer = self._post(path, body, None)
        token, seconds = answer.get("access_token"), answer.get("expires_in")
        if not isinstance(token, str) or not isinstance(seconds, int):
            raise PlatformSilent(path, "the answer holds no token", unclear=False)
        life = timedelta(seconds=seconds)
        return token, self._now() + max(life - _MARGIN, life / 2)

    def _post(self, path: str, body: Mapping[str, Any], token: str | None) -> dict[str, Any]:
        """No exception of requests gets out: its text has the address with the token in it."""
        query = {"access_token": token} if token else {}
        try:
            response = self._session.post(
                f"{self._base}{path}", params=query, json=body, timeout=self._timeout
            )
            answer: Any = response.json()
        except requests.ConnectTimeout:
            raise PlatformSilent(path, "no connection in time", unclear=False) from None
        except requests.Timeout:
            raise PlatformSilent(path, "no answer in time", unclear=True) from None
        except requests.ConnectionError as error:
            unclear = "aborted" in str(error) or "reset" in str(error)
            raise PlatformSilent(path, "the connection failed", unclear=unclear) from None
        except requests.RequestException:
            raise PlatformSilent(path, "the answer is no JSON", unclear=True) from None
        code = answer.get("errcode", 0) if isinstance(answer, dict) else None
        if not isinstance(answer, dict) or not isinstance(code, int):
            raise PlatformSilent(path, "the answer is not the platform's", unclear=True)
        if remedy_of(code) is not Remedy.DONE:
            raise PlatformRefused(path, code, str(answer.get("errmsg", "")))
        return answer
