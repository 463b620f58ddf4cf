"""The tokens of one account, by the stable call and by the old one, which know nothing of each
other.
"""

import secrets
from collections.abc import Iterator
from datetime import datetime, timedelta

from bot.simulator.ledger import day_of

TOKEN_LIFE = timedelta(seconds=7200)
# In this last part of a token's life a new one is given, and both are good.
_OVERLAP = timedelta(minutes=5)
_FORCED_A_DAY = 20
# https://developers.weixin.qq.com/doc/service/api/base/api_getstableaccesstoken.html: sooner, the
# token stays as it is.
_BETWEEN_FORCED = timedelta(seconds=30)


class Tokens:
    """Iterates over every token that is not revoked, expired ones as well."""

    def __init__(self) -> None:
        self._stable: dict[str, datetime] = {}
        self._classic: dict[str, datetime] = {}
        self._forced: list[datetime] = []

    def __iter__(self) -> Iterator[str]:
        return iter([*self._stable, *self._classic])

    def revoke(self) -> None:
        """None of them is good any more."""
        self._stable.clear()
        self._classic.clear()

    def stable(self, now: datetime, *, force: bool) -> tuple[str, int] | None:
        """The token and its seconds; None when the day's forced ones are used up."""
        if force and not (self._forced and now - self._forced[-1] < _BETWEEN_FORCED):
            self._forced = [at for at in self._forced if day_of(at) == day_of(now)]
            if len(self._forced) >= _FORCED_A_DAY:
                return None
            self._forced.append(now)
            self._stable.clear()
        token = next((t for t, end in self._stable.items() if end - now > _OVERLAP), None)
        if token is None:
            token = _new(self._stable, now)
        return token, int((self._stable[token] - now).total_seconds())

    def classic(self, now: datetime) -> tuple[str, int]:
        """A new token and its seconds; the one before it is good for five more minutes."""
        for token, end in self._classic.items():
            self._classic[token] = min(end, now + _OVERLAP)
        return _new(self._classic, now), int(TOKEN_LIFE.total_seconds())

    def refusal(self, token: str, now: datetime) -> int:
        """The error code for a token that is not good, else 0."""
        if not token:
            return 41001
        if token in self._stable:
            return 0 if now < self._stable[token] else 42001
        if token in self._classic:
            # One that was replaced is not the latest; the last one expires.
            latest = token == next(reversed(self._classic))
            return 0 if now < self._classic[token] else 42001 if latest else 40001
        return 40001


def _new(tokens: dict[str, datetime], now: datetime) -> str:
    token = secrets.token_urlsafe(64)
    tokens[token] = now + TOKEN_LIFE
    return token
