"""What all the platforms' callbacks share: a signature over query parameters, and its time."""

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta

from bot.errors import MalformedMessage, StaleTimestamp
from bot.platforms.crypto import MessageKey, check_signature, signature

WINDOW = timedelta(minutes=5)
_PARAMETER_LIMIT = 256
_ECHO_LIMIT = 4096


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

    def echo(self, query: Mapping[str, str], key: MessageKey, now: datetime) -> str:
        """What WeCom's GET must be answered with: its echostr, decrypted. Raises CallbackRefused.

        Source: developer.work.weixin.qq.com/document/path/90930 (回调配置).
        """
        encrypted = parameter(query, "echostr", _ECHO_LIMIT)
        self.check(query, "msg_signature", now, encrypted)
        return key.decrypt(encrypted).decode(errors="replace")

    def seal(self, encrypted: str, now: datetime) -> dict[str, str]:
        """The fields of an encrypted reply, by the vendor's names."""
        timestamp, nonce = str(int(now.timestamp())), secrets.token_hex(8)
        signed = signature(self.token, timestamp, nonce, encrypted)
        names = {"Encrypt": encrypted, "MsgSignature": signed}
        return {**names, "TimeStamp": timestamp, "Nonce": nonce}


def as_xml(fields: Mapping[str, str]) -> str:
    """What `seal` gives as XML."""
    parts = [
        f"<{name}>{text if text.isdigit() else f'<![CDATA[{text}]]>'}</{name}>"
        for name, text in fields.items()
    ]
    return f"<xml>{''.join(parts)}</xml>"


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
