"""The platform's pushes as ready HTTP bytes, and what a reply to one says."""

import itertools
import secrets
from collections.abc import Sequence
from hashlib import sha256
from urllib.parse import urlencode
from xml.etree import ElementTree

from bot.clock import Clock
from bot.simulator import crypto
from bot.simulator.official_account import Account, Platform

TOKEN = "benchtoken"
AES_KEY = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"
APP_ID = "wx0123456789abcdef"
ACCOUNT_ID = "gh_bench00001"
PATH = "/callback/official-account"
TEXT = "打卡 读完第3章"


def openid(number: int) -> str:
    """The member's openid; neighbours in number are no neighbours in an index."""
    return "o" + sha256(str(number).encode()).hexdigest()[:27]


class Pushes:
    """Signed and encrypted check-ins, each with a MsgId and a sender of its own.

    There are `members` senders; the first one follows the last. A request is good for five
    minutes: the bot refuses an older timestamp.
    """

    def __init__(self, members: int) -> None:
        self._platform = Platform(Account("", TOKEN, APP_ID, AES_KEY, ACCOUNT_ID), Clock())
        self._members = itertools.cycle(range(members))
        self._ids = itertools.count(secrets.randbelow(10**15) * 10**3)

    def take(self, count: int) -> list[bytes]:
        """The next `count` requests, headers and body."""
        return [self._request(openid(next(self._members))) for _ in range(count)]

    def _request(self, sender: str) -> bytes:
        message = {
            "ToUserName": ACCOUNT_ID,
            "FromUserName": sender,
            "CreateTime": str(int(Clock().now().timestamp())),
            "MsgType": "text",
            "Content": TEXT,
            "MsgId": str(next(self._ids)),
        }
        query, body = self._platform.request(sender, message)
        head = (
            f"POST {PATH}?{urlencode(query)} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"Content-Type: text/xml\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


def text_of(reply: bytes) -> str:
    """The text inside an encrypted reply. Raises SandboxProblem or ValueError for a wrong one."""
    envelope = ElementTree.fromstring(reply)  # noqa: S314  from servers of our own
    parts = [envelope.findtext(name, "") for name in ("TimeStamp", "Nonce", "Encrypt")]
    if crypto.sign(TOKEN, *parts) != envelope.findtext("MsgSignature"):
        raise ValueError("the reply's signature is wrong")
    inner = ElementTree.fromstring(crypto.decrypt(AES_KEY, parts[2], APP_ID))  # noqa: S314
    return inner.findtext("Content", "")


def check(replies: Sequence[bytes], expected: str) -> None:
    """Raise AssertionError unless every reply, decrypted, contains `expected`."""
    for reply in replies:
        text = text_of(reply)
        assert expected in text, f"{expected!r} is not in the reply {text!r}"
