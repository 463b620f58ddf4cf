"""What all the platforms' callbacks share: a signature over query parameters, and its time."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from bot.errors import MalformedMessage, StaleTimestamp
from bot.platforms.crypto import check_signature

WINDOW = timedelta(minutes=5)
_PARAMETER_LIMIT = 256


class Signed:
    """Checks requests against the token of their callback."""

    def __init__(self, token: str) -> None:
        self.token = token

    def check(self, query: Mapping[str, str], name: str, now: datetime, *more: str) -> None:
        """Raise CallbackRefused unless the parameter `name` signs timestamp, nonce and `more`, now.

        The signature first: a stranger must not learn what this clock says.
        """
        timestamp, nonce = parameter(query, "timestamp"), parameter(query, "nonce")
        check_signature((self.token, timestamp, nonce, *more), parameter(query, name))
        check_time(query, now)


def check_time(query: Mapping[str, str], now: datetime) -> None:
    """Raise StaleTimestamp for one that is more than five minutes away, either way."""
    text = parameter(query, "timestamp")
    if not (text.isascii() and text.isdigit() and len(text) <= 12):
        raise MalformedMessage("The timestamp is not a number.")
    skew = int(text) - now.timestamp()
    if abs(skew) > WINDOW.total_seconds():
        raise StaleTimestamp(skew)


def parameter(query: Mapping[str, str], name: str, limit: int = _PARAMETER_LIMIT) -> str:
    """Raise MalformedMessage for a parameter that is missing or too long."""
    value = query.get(name, "")
    if not value or len(value) > limit:
        raise MalformedMessage(f"The parameter {name} is missing or too long.")
    return value
