"""Bodies of the message push, XML or JSON, to one InboundMessage.

Fields: developers.weixin.qq.com/doc/subscription (接收普通消息, 接收事件推送). wechatpy names the
known types; its parser is not used: it reads XML only, raises six kinds of errors and rewrites
events, while both formats must arrive alike here.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Literal
from xml.parsers.expat import ExpatError

import structlog
import xmltodict
from wechatpy.events import EVENT_TYPES
from wechatpy.messages import MESSAGE_TYPES

from bot.domain.messages import Channel, InboundMessage, MessageType
from bot.errors import MalformedMessage
from bot.platforms.fields import CONTROLS, check_depth, read_json, required, text_field

log = structlog.get_logger(__name__)

Format = Literal["xml", "json"]
_ID_LIMIT = 64
_CONTROL_REFERENCES = re.compile(
    r"&#(?:0*(?:[0-8]|1[124-9]|2\d|3[01])|x0*(?:[0-8bcef]|1[0-9a-f]));", re.I
)
_TYPES: Mapping[str, MessageType] = {
    "text": MessageType.TEXT,
    "image": MessageType.IMAGE,
    "voice": MessageType.VOICE,
    "video": MessageType.VIDEO,
    "shortvideo": MessageType.VIDEO,
    "location": MessageType.LOCATION,
    "link": MessageType.LINK,
    "miniprogrampage": MessageType.MINI_PROGRAM,
    "event": MessageType.EVENT,
}
# Events that the platform shows a reply for; a reply to any other is an error to the member.
_EVENTS_WITH_REPLY = frozenset({"subscribe", "scan", "location", "click", "scancode_waitmsg"})
# Known to the vendor's pages and not to wechatpy.
_MORE_EVENTS = frozenset(
    {
        "publishjobfinish",
        "user_info_modified",
        "user_authorization_revoke",
        "user_authorization_cancellation",
    }
)


def format_of(body: bytes) -> Format:
    return "json" if body.lstrip()[:1] == b"{" else "xml"


def read(body: bytes) -> dict[str, Any]:
    """The body's fields. Raises MalformedMessage for what is neither XML nor JSON."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise MalformedMessage("The body is not UTF-8.") from None
    fields = read_json(text) if format_of(body) == "json" else _read_xml(text)
    if not isinstance(fields, dict):
        raise MalformedMessage("The body has no fields.")
    return fields


def _read_xml(text: str) -> Any:
    clean = _CONTROL_REFERENCES.sub("", CONTROLS.sub("", text))
    try:
        parsed = xmltodict.parse(clean, disable_entities=True)
    except (ExpatError, ValueError):
        raise MalformedMessage("The body is not XML.") from None
    check_depth(parsed)
    return parsed.get("xml")


def _sent_at(fields: Mapping[str, Any]) -> datetime:
    text = required(fields, "CreateTime", 20)
    try:
        return datetime.fromtimestamp(int(text), UTC)
    except (ValueError, OverflowError, OSError):
        raise MalformedMessage("The field CreateTime is not a time.") from None


def parse(fields: Mapping[str, Any]) -> InboundMessage:
    """One message or event. Raises MalformedMessage; an unknown type is no error."""
    sender, account = required(fields, "FromUserName"), required(fields, "ToUserName")
    type_name = required(fields, "MsgType").lower()
    sent_at = _sent_at(fields)
    event = required(fields, "Event").lower() if type_name == "event" else ""
    if (event and event not in EVENT_TYPES and event not in _MORE_EVENTS) or (
        not event and type_name not in MESSAGE_TYPES
    ):
        log.warning(
            "unknown_message_type", type=type_name[:_ID_LIMIT], event_name=event[:_ID_LIMIT]
        )
    text = text_field(fields, "Content") or text_field(fields, "Recognition")
    return InboundMessage(
        channel=Channel.OFFICIAL_ACCOUNT,
        account=account,
        key=_key(fields, account, sender),
        sender=sender,
        conversation=sender,
        type=_TYPES.get(type_name, MessageType.UNKNOWN),
        sent_at=sent_at,
        text=text,
        event=event,
        event_key=text_field(fields, "EventKey"),
        wants_reply=not event or event in _EVENTS_WITH_REPLY,
        pictures=int(type_name == "image"),
        details=dict(_details(fields)),
    )


def _key(fields: Mapping[str, Any], account: str, sender: str) -> bytes:
    """What all repeats of one message share (接收普通消息: 关于重试的消息排重).

    MsgId; an event has none, and FromUserName + CreateTime alone would make one of two events of
    the same second (two receipts, two taps).
    """
    if message_id := text_field(fields, "MsgId", _ID_LIMIT):
        parts = [message_id]
    elif text_field(fields, "MsgType").lower() == "event":
        names = ("CreateTime", "Event", "EventKey")
        parts = ["event", sender, *(text_field(fields, name) for name in names)]
        # Which message a receipt speaks of may stand deep inside.
        parts += [f"{name}={value}" for name, value in _details(fields)]
    else:
        raise MalformedMessage("The field MsgId is missing.")
    whole = json.dumps([Channel.OFFICIAL_ACCOUNT, account, *parts])
    return hashlib.sha256(whole.encode()).digest()


_COMMON = frozenset(
    {"ToUserName", "FromUserName", "CreateTime", "MsgType", "MsgId", "Content", "Recognition",
     "Event", "EventKey", "Encrypt"}
)  # fmt: skip


def _details(fields: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
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
            yield from _details(value, f"{path}.")
        elif isinstance(value, list):
            numbered = {str(index): item for index, item in enumerate(value)}
            yield from _details(numbered, f"{path}.")
        else:
            yield path, text_field({name: value}, name)
