"""Messages of a WeCom 智能机器人, in callback mode and over its long connection alike.

Fields: developer.work.weixin.qq.com/document/path/100719 (接收消息), 101027 (接收事件).
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.domain.messages import Channel, InboundMessage, MessageType
from bot.errors import MalformedMessage
from bot.platforms.fields import required, text_field

# What asks how an answer goes on; it is no message of anybody.
STREAM = "stream"
_TYPES: Mapping[str, MessageType] = {
    "text": MessageType.TEXT,
    "mixed": MessageType.TEXT,
    "image": MessageType.IMAGE,
    "voice": MessageType.VOICE,
    "video": MessageType.VIDEO,
    "event": MessageType.EVENT,
    STREAM: MessageType.UNKNOWN,
}
# A tap on a card's button says what stands in its key, like a tap on an account's menu.
_EVENTS: Mapping[str, str] = {"template_card_event": "click"}
_EVENTS_WITH_REPLY = frozenset({"enter_chat", "template_card_event"})
_FIRST_NAME = re.compile(r"@\S+\s*")
_ITEMS = 20


def parse(fields: Mapping[str, Any], now: datetime, name: str) -> InboundMessage:
    """One message or event; `name` is what the bot is called in groups, "" where that is unknown.

    Raises MalformedMessage; an unknown type is no error. Messages bear no time: it is `now`.
    """
    account, type_name = required(fields, "aibotid"), required(fields, "msgtype").lower()
    sender = required(_inner(fields, "from"), "userid")
    in_group = text_field(fields, "chattype") == "group" or bool(text_field(fields, "chatid"))
    event = _inner(fields, "event") if type_name == "event" else {}
    event_name = required(event, "eventtype") if event else ""
    text, pictures = _content(fields, type_name)
    text = _without_name(text, name) if in_group else text
    return InboundMessage(
        channel=Channel.WECOM_BOT,
        account=account,
        key=_key(account, required(fields, "msgid", 256)),
        sender=sender,
        conversation=required(fields, "chatid") if in_group else sender,
        type=_type(type_name, text, pictures),
        sent_at=now,
        text=text,
        event=_EVENTS.get(event_name, event_name),
        event_key=text_field(_inner(event, event_name), "event_key", 1024),
        in_group=in_group,
        wants_reply=not event or event_name in _EVENTS_WITH_REPLY,
        pictures=len(pictures),
        details=dict(_details(fields, event, pictures)),
    )


@dataclass(frozen=True, slots=True)
class Poll:
    """Asks how the stream `id` goes on, which somebody sees in this conversation."""

    id: str
    sender: str
    conversation: str


def poll_of(fields: Mapping[str, Any]) -> Poll | None:
    """None for a message. Raises MalformedMessage."""
    if text_field(fields, "msgtype") != STREAM:
        return None
    sender = required(_inner(fields, "from"), "userid")
    in_group = text_field(fields, "chattype") == "group" or bool(text_field(fields, "chatid"))
    chat = required(fields, "chatid") if in_group else sender
    return Poll(required(_inner(fields, STREAM), "id", 256), sender, chat)


def _type(name: str, text: str, pictures: list[str]) -> MessageType:
    if name == "mixed" and pictures and not text:
        return MessageType.IMAGE
    return _TYPES.get(name, MessageType.UNKNOWN)


def _content(fields: Mapping[str, Any], type: str) -> tuple[str, list[str]]:
    """The words of a message and where its pictures are, each "" where that is not said."""
    if type == "mixed":
        found = _inner(fields, "mixed").get("msg_item")
        if not isinstance(found, list) or len(found) > _ITEMS:
            raise MalformedMessage("The field msg_item is no list of a few items.")
        parts = [_content(item, text_field(item, "msgtype")) for item in map(_object, found)]
        words = "\n".join(text for text, _ in parts if text)
        return words, [picture for _, pictures in parts for picture in pictures]
    inner = _inner(fields, type) if type in ("text", "voice", "image") else {}
    picture = text_field(inner, "url", 2048) if type == "image" else ""
    return text_field(inner, "content"), [picture] if type == "image" else []


def _without_name(text: str, name: str) -> str:
    """A message in a group begins with the bot's name, which is not what was said."""
    bare = text.lstrip()
    if name and bare.startswith(f"@{name}"):
        return bare.removeprefix(f"@{name}").lstrip()
    found = _FIRST_NAME.match(bare)
    return bare[found.end() :] if found else text


def _details(
    fields: Mapping[str, Any], event: Mapping[str, Any], pictures: list[str]
) -> Iterator[tuple[str, str]]:
    for number, picture in enumerate(pictures):
        if picture:
            yield f"picture.{number}", picture
    # Whoever has it can answer in the bot's name for an hour: it is never stored or logged.
    if address := text_field(fields, "response_url", 2048):
        yield "response_url", address
    card = _inner(event, "template_card_event")
    if task := text_field(card, "task_id", 128):
        yield "task_id", task


def _key(account: str, message_id: str) -> bytes:
    """What all repeats of one message share (接收消息: msgid)."""
    whole = json.dumps([Channel.WECOM_BOT, account, message_id])
    return hashlib.sha256(whole.encode()).digest()


def _inner(fields: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """An object inside; empty where there is none."""
    return _object(fields.get(name)) if fields.get(name) is not None else {}


def _object(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise MalformedMessage("A field that holds others is none.")
    return value
