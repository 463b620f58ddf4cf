"""The access token of a platform account: one for all processes, one new one and one more try
for each call.
"""

import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar

from bot.domain.delivery import Outcome, Remedy
from bot.errors import PlatformRefused, PlatformSilent
from bot.ports import TokenStore

Result = TypeVar("Result")

# An official account's platform renews a token in its last 5 minutes, in which the old one is good
# as well. WeCom gives the same one again until it ends; then a call is refused and tried anew.
_MARGIN = timedelta(minutes=5)
# The store lets go of a token at least 150 s before the platform does: well over this.
_REMEMBERED = timedelta(seconds=30)


class Token:
    """The token of the account that the store knows as `name`, for any number of threads.

    `fetch` asks the platform at `path` for one. It is remembered for a short time, and one thread
    at a time asks the store; the others wait `patience` seconds for that one.
    """

    def __init__(
        self,
        store: TokenStore,
        name: str,
        now: Callable[[], datetime],
        path: str,
        fetch: Callable[[], Mapping[str, Any]],
        remedy_of: Callable[[int], Remedy],
        patience: float,
    ) -> None:
        self._store = store
        self._name = name
        self._now = now
        self._path = path
        self._ask_platform = fetch
        self._remedy_of = remedy_of
        self._patience = patience
        self._lock = threading.Lock()
        # The token, and between which times it may be used unasked: written as a whole.
        self._kept: tuple[str, datetime, datetime] | None = None

    def used_by(self, attempt: Callable[[str], Result]) -> Result:
        """What `attempt` comes to with the token, or with a new one if that is not good."""
        token = self._get(None)
        try:
            return attempt(token)
        except PlatformRefused as refused:
            if self._remedy_of(refused.code) is not Remedy.TOKEN:
                raise
        return attempt(self._get(token))

    def fetch(self) -> tuple[str, datetime]:
        """A token from the platform, and from when on it is not to be used."""
        try:
            answer = self._ask_platform()
        except PlatformSilent as silent:
            # Whatever became of the token: what it was wanted for has not been sent.
            silent.unclear = False
            raise
        token, seconds = answer.get("access_token"), answer.get("expires_in")
        if not isinstance(token, str) or not isinstance(seconds, int):
            raise PlatformSilent(self._path, "the answer holds no token", unclear=False)
        life = timedelta(seconds=seconds)
        return token, self._now() + max(life - _MARGIN, life / 2)

    def _get(self, stale: str | None) -> str:
        """A token other than `stale`, which was refused."""
        if token := self._remembered(stale):
            return token
        if not self._lock.acquire(timeout=self._patience):
            raise PlatformSilent(self._path, "there was no token in time", unclear=False)
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
            token, end = self.fetch()
            ends.append(end)
            return token, end

        token = None if stale else self._store.current(self._name)
        token = token or self._store.renew(self._name, stale, fetch)
        now = self._now()
        self._kept = token, now, min([now + _REMEMBERED, *ends])
        return token


def refusal(refused: PlatformRefused, remedy_of: Callable[[int], Remedy], path: str) -> Outcome:
    """What a push came to that was refused; `path` is where tokens come from."""
    remedy = remedy_of(refused.code)
    if remedy is Remedy.TOKEN:
        # The token's own call says with the same code that the secret is wrong.
        remedy = Remedy.CONFIGURATION if refused.call == path else Remedy.RETRY
    return Outcome(remedy, refused.code, str(refused))
