"""Replies of a WeCom 智能机器人: finished streams, cards, and words of welcome.

Source: developer.work.weixin.qq.com/document/path/101031 (被动回复).
"""

from dataclasses import dataclass
from typing import Any

from bot.domain.messages import TEXT_LIMITS, Channel, InboundMessage, Reply
from bot.domain.paging import page, pages
from bot.platforms.wecom_bot import cards

_LIMIT = TEXT_LIMITS[Channel.WECOM_BOT]


@dataclass(frozen=True, slots=True)
class Phrases:
    """The line under a page that has a next one, what stands above a card's buttons, what a card
    says after a tap ({label}), and what a stream says before its answer is there.
    """

    more: str
    ask: str
    chose: str
    working: str


def render(reply: Reply, message: InboundMessage, phrases: Phrases) -> dict[str, Any]:
    """The reply's fields; none for nothing to say.

    A message is answered by a stream, which is finished at once, and a card for its options; plain
    text is only for who has just opened the chat. A card that was tapped is changed; what there is
    to say to it (words()) goes another way.
    """
    if reply.notice is None or not message.wants_reply:
        return {}
    if message.event == "click":
        return _tapped(message, phrases)
    text = words(reply, phrases)
    if message.event == "enter_chat":
        return {"msgtype": "text", "text": {"content": text}}
    return finished(reply, stream_id(message), phrases)


def finished(reply: Reply, id: str, phrases: Phrases) -> dict[str, Any]:
    """The whole reply as the stream `id`, with a card for its options."""
    notice, text = reply.notice, words(reply, phrases)
    fields: dict[str, Any] = {"msgtype": "stream", "stream": stream(id, text)}
    whole = notice is not None and len(pages(notice, _LIMIT, phrases.more)) == 1
    if notice and whole and (card := cards.menu(notice, id, phrases.ask)):
        fields |= {"msgtype": "stream_with_template_card", "template_card": card}
    return fields


def words(reply: Reply, phrases: Phrases) -> str:
    """What the reply says, as text; "" for nothing."""
    if reply.notice is None:
        return ""
    return "\n".join([page(reply.notice, reply.page, _LIMIT, phrases.more), *reply.riders])


def stream_id(message: InboundMessage) -> str:
    """The same for every repeat of a message; its card's id as well."""
    return message.key.hex()


def stream(id: str, text: str, *, finish: bool = True) -> dict[str, Any]:
    """A stream as it stands: its content takes the place of what was there before."""
    return {"id": id, "finish": finish, "content": text}


def _tapped(message: InboundMessage, phrases: Phrases) -> dict[str, Any]:
    card = cards.chosen(message.event_key, message.details.get("task_id", ""), phrases.chose)
    return {
        "response_type": "update_template_card",
        "userids": [message.sender],
        "template_card": card,
    }
