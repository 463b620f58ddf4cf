"""Messages and events of a WeCom app, from the XML of its callback.

Fields: developer.work.weixin.qq.com/document/path/90239 (消息格式), 90240 (事件格式).
"""

from collections.abc import Mapping
from typing import Any

from bot.domain.messages import Channel, InboundMessage, MessageType
from bot.platforms.fields import required, text_field
from bot.platforms.pushed import details, key_of, sent_at

_TYPES: Mapping[str, MessageType] = {
    "text": MessageType.TEXT,
    "image": MessageType.IMAGE,
    "voice": MessageType.VOICE,
    "video": MessageType.VIDEO,
    "location": MessageType.LOCATION,
    "link": MessageType.LINK,
    "event": MessageType.EVENT,
}
# A tap on a card's button says what stands in its key, like a tap on the menu.
_EVENTS: Mapping[str, str] = {"template_card_event": "click"}
# A passive reply to these is shown. enter_agent takes one as well, at every opening of the chat:
# nobody is to be greeted that often.
_EVENTS_WITH_REPLY = frozenset({"subscribe", "click", "scancode_waitmsg", "template_card_event"})


def parse(fields: Mapping[str, Any]) -> InboundMessage:
    """One message or event. Raises MalformedMessage; an unknown type is no error."""
    sender, account = required(fields, "FromUserName"), required(fields, "ToUserName")
    type_name = required(fields, "MsgType").lower()
    event = required(fields, "Event").lower() if type_name == "event" else ""
    return InboundMessage(
        channel=Channel.WECOM_APP,
        account=account,
        key=key_of(Channel.WECOM_APP, fields),
        sender=sender,
        conversation=sender,
        type=_TYPES.get(type_name, MessageType.UNKNOWN),
        sent_at=sent_at(fields),
        text=text_field(fields, "Content"),
        event=_EVENTS.get(event, event),
        event_key=text_field(fields, "EventKey"),
        wants_reply=not event or event in _EVENTS_WITH_REPLY,
        pictures=int(type_name == "image"),
        details=dict(details(fields)),
    )
