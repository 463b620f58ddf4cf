"""Plays the platform for one official account: pushes messages, checks and shows the replies."""

import itertools
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import requests

from bot.clock import Clock
from bot.errors import SandboxProblem
from bot.simulator import crypto

Mode = Literal["safe", "compatible", "plain"]
Format = Literal["xml", "json"]
UNAVAILABLE = "该公众号暂时无法提供服务，请稍后再试"
_TEXT_LIMIT = 2048
_TIMEOUT = 5.0
_NUMBERS = ("CreateTime", "MsgId", "MsgID")
_REPLY_TYPES = ("text", "image", "voice", "video", "music", "news")


@dataclass(frozen=True)
class Account:
    """What the platform and the bot's configuration both know."""

    callback: str
    token: str
    app_id: str
    encoding_aes_key: str = ""
    id: str = "gh_sandbox00001"


@dataclass(frozen=True)
class Answer:
    """What the member sees: `text` is "" when nothing was said. `fields` is the whole reply."""

    text: str
    fields: Mapping[str, str] = field(default_factory=dict)
    attempts: int = 1


class Platform:
    """Pushes for one account. Every attempt is signed anew; no answer in 5 s is tried again."""

    def __init__(
        self, account: Account, clock: Clock, *, mode: Mode = "safe", format: Format = "xml",
        attempts: int = 3,
    ) -> None:  # fmt: skip
        self._account = account
        self._clock = clock
        self._mode = mode
        self._format = format
        self._attempts = attempts
        self._session = requests.Session()
        self._session.trust_env = False
        self._ids = itertools.count(secrets.randbelow(10**15) * 1000)

    def text(self, openid: str, content: str) -> Answer:
        """A member sends a text."""
        return self.push(openid, {"MsgType": "text", "Content": content, "MsgId": self.new_id()})

    def media(self, openid: str, type: str, recognised: str = "", media_id: str = "") -> Answer:
        """A picture, or a voice with the words that the platform recognised in it. `media_id` is
        what Api.receive gave for the file itself.
        """
        media_id = media_id or secrets.token_hex(16)
        fields = {"MsgType": type, "MediaId": media_id, "MsgId": self.new_id()}
        if type == "image":
            fields["PicUrl"] = "http://mmbiz.qpic.cn/sandbox"
        else:
            fields |= {"Format": "amr", "Recognition": recognised}
        return self.push(openid, fields)

    def event(self, openid: str, name: str, key: str = "", **more: Any) -> Answer:
        """`more` are the event's own fields, like MsgID and Status."""
        return self.push(openid, {"MsgType": "event", "Event": name, "EventKey": key, **more})

    def tell(self, event: Mapping[str, Any]) -> Answer:
        """One of Api.events: what became of a message."""
        return self.push(str(event["FromUserName"]), event)

    def new_id(self) -> str:
        return str(next(self._ids))

    def push(self, openid: str, fields: Mapping[str, Any]) -> Answer:
        """Send one message until it is answered; raises SandboxProblem for a wrong reply. Fields
        may be nested.
        """
        message: dict[str, Any] = {
            "ToUserName": self._account.id,
            "FromUserName": openid,
            "CreateTime": str(int(self._clock.now().timestamp())),
            **fields,
        }
        for attempt in range(1, self._attempts + 1):
            query, body = self.request(openid, message)
            try:
                response = self._session.post(
                    self._account.callback, params=query, data=body, timeout=_TIMEOUT
                )
            except requests.RequestException:
                continue
            if response.status_code == 200:
                return self._read(response.content.decode(), message, attempt)
        return Answer(UNAVAILABLE, attempts=self._attempts)

    def request(self, openid: str, message: Mapping[str, Any]) -> tuple[dict[str, str], bytes]:
        """One attempt's query and body, with a timestamp and a nonce of its own."""
        timestamp = str(int(self._clock.now().timestamp()))
        nonce = str(secrets.randbelow(10**10))
        token, key = self._account.token, self._account.encoding_aes_key
        query = {
            "signature": crypto.sign(token, timestamp, nonce),
            "timestamp": timestamp,
            "nonce": nonce,
            "openid": openid,
        }
        if self._mode == "plain":
            return query, _dump(message, self._format)
        encrypted = crypto.encrypt(key, _dump(message, self._format).decode(), self._account.app_id)
        query["encrypt_type"] = "aes"
        query["msg_signature"] = crypto.sign(token, timestamp, nonce, encrypted)
        outside: dict[str, Any] = {"ToUserName": self._account.id, "Encrypt": encrypted}
        if self._mode == "compatible":
            outside = {**message, "Encrypt": encrypted}
        return query, _dump(outside, self._format)

    def _read(self, body: str, message: Mapping[str, Any], attempt: int) -> Answer:
        if body in ("", "success"):
            return Answer("", attempts=attempt)
        fields = _load(body, self._format)
        if self._mode != "plain":
            fields = _load(self._open(fields), self._format)
        self._check(fields, message)
        return Answer(fields.get("Content", f"[{fields['MsgType']}]"), fields, attempt)

    def _open(self, envelope: Mapping[str, str]) -> str:
        parts = [envelope.get(name, "") for name in ("TimeStamp", "Nonce", "Encrypt")]
        if crypto.sign(self._account.token, *parts) != envelope.get("MsgSignature"):
            raise SandboxProblem("the reply's signature is wrong")
        return crypto.decrypt(self._account.encoding_aes_key, parts[2], self._account.app_id)

    def _check(self, fields: Mapping[str, str], message: Mapping[str, Any]) -> None:
        ends = fields.get("ToUserName"), fields.get("FromUserName")
        if ends != (message["FromUserName"], message["ToUserName"]):
            raise SandboxProblem("the reply's sender and receiver are not the message's, swapped")
        if fields.get("MsgType") not in _REPLY_TYPES:
            raise SandboxProblem(f"{fields.get('MsgType')!r} is no type of a passive reply")
        if not fields.get("CreateTime", "").isdigit():
            raise SandboxProblem("the reply has no CreateTime")
        if len(fields.get("Content", "").encode()) > _TEXT_LIMIT:
            raise SandboxProblem(f"the reply's text is over {_TEXT_LIMIT} bytes")


def _dump(fields: Mapping[str, Any], format: Format) -> bytes:
    if format == "json":
        return json.dumps(
            {name: int(value) if name in _NUMBERS else value for name, value in fields.items()},
            ensure_ascii=False,
        ).encode()
    return _element("xml", fields).encode()


def _element(name: str, value: Any) -> str:
    """A mapping as elements within this one; a list as this element again and again."""
    if isinstance(value, list):
        return "".join(_element(name, item) for item in value)
    if isinstance(value, Mapping):
        inside = "".join(_element(inner, item) for inner, item in value.items())
    else:
        inside = escape(str(value))
    return f"<{name}>{inside}</{name}>"


def _load(body: str, format: Format) -> dict[str, str]:
    """Top-level fields as text; nested ones (a picture's MediaId) as their own JSON or text."""
    try:
        if format == "json":
            return {name: str(value) for name, value in json.loads(body).items()}
        root = ElementTree.fromstring(body)  # noqa: S314  the bot's own answer
    except (ValueError, AttributeError, ElementTree.ParseError) as error:
        raise SandboxProblem(f"the reply is no {format}: {error}") from error
    return {child.tag: "".join(child.itertext()) for child in root}
