"""How a message travels to the bot and its reply back: mode, format, signature, encryption."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from bot.errors import SandboxProblem
from bot.simulator import crypto

Mode = Literal["safe", "compatible", "plain"]
Format = Literal["xml", "json"]
_NUMBERS = ("CreateTime", "MsgId", "MsgID")


@dataclass(frozen=True)
class Account:
    """What the platform and the bot's configuration both know."""

    callback: str
    token: str
    app_id: str
    encoding_aes_key: str = ""
    id: str = "gh_sandbox00001"


@dataclass(frozen=True, slots=True)
class Opened:
    """A reply as the platform reads it. `fields` are top-level ones as text (nested ones as their
    texts in a row in XML, as Python's text of them in JSON), `nested` the same with mappings and
    lists in place; `plain` is the decrypted body.
    """

    plain: str
    fields: Mapping[str, str]
    nested: Mapping[str, Any]


@dataclass(frozen=True)
class Envelope:
    """One way to travel."""

    account: Account
    mode: Mode
    format: Format

    @property
    def content_type(self) -> str:
        return "application/json" if self.format == "json" else "text/xml"

    def plain(self, message: Mapping[str, Any]) -> bytes:
        return _dump(message, self.format)

    def seal(
        self, openid: str, message: Mapping[str, Any], now: datetime
    ) -> tuple[dict[str, str], bytes]:
        """The query and the body, with a timestamp and a nonce of their own."""
        timestamp, nonce = str(int(now.timestamp())), str(secrets.randbelow(10**10))
        token, key = self.account.token, self.account.encoding_aes_key
        query = {
            "signature": crypto.sign(token, timestamp, nonce),
            "timestamp": timestamp,
            "nonce": nonce,
            "openid": openid,
        }
        plain = self.plain(message)
        if self.mode == "plain":
            return query, plain
        if not key:
            raise SandboxProblem("没有 EncodingAESKey，只能用明文")
        encrypted = crypto.encrypt(key, plain, self.account.app_id)
        query["encrypt_type"] = "aes"
        query["msg_signature"] = crypto.sign(token, timestamp, nonce, encrypted)
        outside: dict[str, Any] = {"ToUserName": self.account.id, "Encrypt": encrypted}
        if self.mode == "compatible":
            outside = {**message, "Encrypt": encrypted}
        return query, _dump(outside, self.format)

    def open(self, body: bytes) -> Opened:
        """Raises SandboxProblem for what the platform would not understand. In compatible mode
        the reply may be either.
        """
        opened = _load(body, self.format)
        if self.mode == "plain" or (self.mode == "compatible" and "Encrypt" not in opened.fields):
            return opened
        parts = [opened.fields.get(name, "") for name in ("TimeStamp", "Nonce", "Encrypt")]
        if crypto.sign(self.account.token, *parts) != opened.fields.get("MsgSignature"):
            raise SandboxProblem("回复的签名不对")
        key, app_id = self.account.encoding_aes_key, self.account.app_id
        return _load(crypto.decrypt(key, parts[2], app_id), self.format)


def _dump(fields: Mapping[str, Any], format: Format) -> bytes:
    if format == "json":
        text = json.dumps(
            {name: int(value) if name in _NUMBERS else value for name, value in fields.items()},
            ensure_ascii=False,
        )
    else:
        text = element("xml", fields)
    return text.encode(errors="replace")


def element(name: str, value: Any) -> str:
    """A mapping as elements within this one; a list as this element again and again."""
    if isinstance(value, list):
        return "".join(element(name, item) for item in value)
    if isinstance(value, Mapping):
        inside = "".join(element(inner, item) for inner, item in value.items())
    else:
        inside = escape(str(value))
    return f"<{name}>{inside}</{name}>"


def _load(body: bytes, format: Format) -> Opened:
    try:
        text = body.decode()
        if format == "json":
            parsed: dict[str, Any] = json.loads(text)
            return Opened(text, {name: str(value) for name, value in parsed.items()}, parsed)
        root = ElementTree.fromstring(text)  # noqa: S314  the bot's own answer
    except (ValueError, AttributeError, RecursionError, ElementTree.ParseError) as error:
        raise SandboxProblem(f"回复不是 {format.upper()}：{error}") from error
    nested = _nested(root)
    fields = {child.tag: "".join(child.itertext()) for child in root}
    return Opened(text, fields, nested if isinstance(nested, dict) else {})


def _nested(element: ElementTree.Element) -> Any:
    """An element's text, or a mapping of its children, where a repeated one has a list."""
    if not len(element):
        return element.text or ""
    found: dict[str, Any] = {}
    for child in element:
        value = _nested(child)
        if child.tag not in found:
            found[child.tag] = value
        elif isinstance(found[child.tag], list):
            found[child.tag].append(value)
        else:
            found[child.tag] = [found[child.tag], value]
    return found
