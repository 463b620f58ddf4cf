"""What official accounts and WeCom apps have in common in what they push: fields of a message,
and its XML.

Fields: developers.weixin.qq.com/doc/subscription (接收普通消息, 接收事件推送) and
developer.work.weixin.qq.com/document/path/90239, 90240.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from xml.parsers.expat import ExpatError

import xmltodict

from bot.domain.messages import Channel
from bot.errors import MalformedMessage
from bot.platforms.fields import CONTROLS, check_depth, required, sendable, text_field

_ID_LIMIT = 64
_CONTROL_REFERENCES = re.compile(
    r"&#(?:0*(?:[0-8]|1[124-9]|2\d|3[01])|x0*(?:[0-8bcef]|1[0-9a-f]));", re.I
)
_COMMON = frozenset(
    {"ToUserName", "FromUserName", "CreateTime", "MsgType", "MsgId", "Content", "Recognition",
     "Event", "EventKey", "Encrypt"}
)  # fmt: skip


def utf_8(body: bytes) -> str:
    """The body as text. Raises MalformedMessage."""
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise MalformedMessage("The body is not UTF-8.") from None


def read_xml(text: str) -> dict[str, Any]:
    """The fields in <xml>. Raises MalformedMessage for what is no XML, or has none."""
    clean = _CONTROL_REFERENCES.sub("", CONTROLS.sub("", text))
    try:
        parsed = xmltodict.parse(clean, disable_entities=True)
    except (ExpatError, ValueError):
        raise MalformedMessage("The body is not XML.") from None
    check_depth(parsed)
    return with_fields(parsed.get("xml"))


def with_fields(read: Any) -> dict[str, Any]:
    """Raise MalformedMessage for what has no fields."""
    if not isinstance(read, dict):
        raise MalformedMessage("The body has no fields.")
    return read


def writable(text: str) -> str:
    """Text that can stand in CDATA: `]]>` is split over two sections."""
    return sendable(text).replace("]]>", "]]]]><![CDATA[>")


def sent_at(fields: Mapping[str, Any]) -> datetime:
    text = required(fields, "CreateTime", 20)
    try:
        return datetime.fromtimestamp(int(text), UTC)
    except (ValueError, OverflowError, OSError):
        raise MalformedMessage("The field CreateTime is not a time.") from None


def key_of(channel: Channel, fields: Mapping[str, Any]) -> bytes:
    """What all repeats of one message share (接收普通消息: 关于重试的消息排重).

    MsgId; an event has none, and FromUserName + CreateTime alone would make one of two events of
    the same second (two receipts, two taps).
    """
    account, sender = required(fields, "ToUserName"), required(fields, "FromUserName")
    if message_id := text_field(fields, "MsgId", _ID_LIMIT):
        parts = [message_id]
    elif text_field(fields, "MsgType").lower() == "event":
        names = ("CreateTime", "Event", "EventKey")
        parts = ["event", sender, *(text_field(fields, name) for name in names)]
        # Which message a receipt speaks of may stand deep inside.
        parts += [f"{name}={value}" for name, value in details(fields)]
    else:
        raise MalformedMessage("The field MsgId is missing.")
    whole = json.dumps([channel, account, *parts])
    return hashlib.sha256(whole.encode()).digest()


def details(fields: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """The other fields, flattened: SubscribeMsgSentEvent.List.0.MsgID.

    Where the vendor's converter gives an object for a list of one, it is given the number 0.
    """
    for name, value in fields.items():
        path = f"{prefix}{name}"
        if not prefix and name in _COMMON:
            continue
        if name == "List" and isinstance(value, dict):
            value = [value]
        if isinstance(value, dict):
            yield from details(value, f"{path}.")
        elif isinstance(value, list):
            numbered = {str(index): item for index, item in enumerate(value)}
            yield from details(numbered, f"{path}.")
        else:
            yield path, text_field({name: value}, name)
