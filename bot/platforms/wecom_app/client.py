"""Calls to a WeCom app's API, with the token that all processes share.

Sources: developer.work.weixin.qq.com/document/path/91039 (access_token: each app has its own,
which is the same again until it ends).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from bot.platforms.calls import TIMEOUT, Calls, Conceal, as_body, without
from bot.platforms.tokens import Token
from bot.platforms.wecom_errcodes import remedy_of
from bot.ports import TokenStore

TOKEN_PATH = "/cgi-bin/gettoken"  # noqa: S105


class Client:
    """One app's API, for any number of threads at once. Raises PlatformRefused and
    PlatformSilent; neither names a token, the secret or a userid. `timeout` is in seconds, to
    connect and to wait for an answer.
    """

    def __init__(
        self,
        corp_id: str,
        agent_id: int,
        secret: str,
        base: str,
        tokens: TokenStore,
        now: Callable[[], datetime],
        timeout: tuple[float, float] = TIMEOUT,
    ) -> None:
        self.agent_id = agent_id
        self._corp_id = corp_id
        self._secret = secret
        self._calls = Calls(base, remedy_of, timeout)
        name = f"wecom_app:{corp_id}:{agent_id}"
        self._token = Token(
            tokens, name, now, TOKEN_PATH, self._fetch_token, remedy_of, sum(timeout)
        )

    def call(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """POST JSON to `path` (/cgi-bin/message/send …): the platform's answer."""
        people = str(body.get("touser", "")).split("|")

        def attempt(token: str) -> dict[str, Any]:
            query = {"access_token": token}
            conceal = self._conceal(token, people)
            return self._calls.ask("POST", path, conceal, params=query, **as_body(body))

        return self._token.used_by(attempt)

    def ask(self, path: str, query: Mapping[str, str]) -> dict[str, Any]:
        """GET `path`: the platform's answer."""

        def attempt(token: str) -> dict[str, Any]:
            params = {"access_token": token, **query}
            return self._calls.ask("GET", path, self._conceal(token), params=params)

        return self._token.used_by(attempt)

    def _fetch_token(self) -> dict[str, Any]:
        query = {"corpid": self._corp_id, "corpsecret": self._secret}
        return self._calls.ask("GET", TOKEN_PATH, self._conceal(), params=query)

    def _conceal(self, token: str = "", people: Sequence[str] = ()) -> Conceal:
        def conceal(message: str) -> str:
            # A userid may be a short word, and comes back in small letters.
            words = "|".join(re.escape(userid) for userid in people if userid)
            bounded = rf"(?<![\w.@-])(?:{words})(?![\w.@-])"
            masked = re.sub(bounded, "***", message, flags=re.I) if words else message
            return without(masked, self._secret, token)

        return conceal
