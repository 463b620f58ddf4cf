"""Bodies of the message push, XML or JSON, to one InboundMessage.

Fields: developers.weixin.qq.com/doc/subscription (接收普通消息, 接收事件推送). wechatpy names the
known types; its parser is not used: it reads XML only, raises six kinds of errors and rewrites
events, while both formats must arrive alike here.
"""

from collections.abc import Mapping
from typing import Any, Literal

import structlog
from wechatpy.events import EVENT_TYPES
from wechatpy.messages import MESSAGE_TYPES

from bot.domain.messages import Channel, InboundMessage, MessageType
from bot.platforms.fields import read_json, required, text_field
from bot.platforms.pushed import details, key_of, read_xml, sent_at, utf_8, with_fields

log = structlog.get_logger(__name__)

Format = Literal["xml", "json"]
_LOGGED = 64
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
    text = utf_8(body)
    return with_fields(read_json(text)) if format_of(body) == "json" else read_xml(text)


def parse(fields: Mapping[str, Any]) -> InboundMessage:
    """One message or event. Raises MalformedMessage; an unknown type is no error."""
    sender, account = required(fields, "FromUserName"), required(fields, "ToUserName")
    type_name = required(fields, "MsgType").lower()
    event = required(fields, "Event").lower() if type_name == "event" else ""
    if (event and event not in EVENT_TYPES and event not in _MORE_EVENTS) or (
        not event and type_name not in MESSAGE_TYPES
    ):
        log.warning("unknown_message_type", type=type_name[:_LOGGED], event_name=event[:_LOGGED])
    text = text_field(fields, "Content") or text_field(fields, "Recognition")
    return InboundMessage(
        channel=Channel.OFFICIAL_ACCOUNT,
        account=account,
        key=key_of(Channel.OFFICIAL_ACCOUNT, fields),
        sender=sender,
        conversation=sender,
        type=_TYPES.get(type_name, MessageType.UNKNOWN),
        sent_at=sent_at(fields),
        text=text,
        event=event,
        event_key=text_field(fields, "EventKey"),
        wants_reply=not event or event in _EVENTS_WITH_REPLY,
        pictures=int(type_name == "image"),
        details=dict(details(fields)),
    )
