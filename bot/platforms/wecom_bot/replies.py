"""Passive replies of a WeCom 智能机器人: finished streams, and words of welcome.

Source: developer.work.weixin.qq.com/document/path/101031 (被动回复).
"""

from typing import Any

from bot.domain.messages import TEXT_LIMITS, Channel, InboundMessage, Reply
from bot.domain.paging import page

_LIMIT = TEXT_LIMITS[Channel.WECOM_BOT]


def render(reply: Reply, message: InboundMessage, more: str) -> dict[str, Any]:
    """The reply's fields; none for nothing to say. `more` is the line under a page that has a next
    one.

    A message is answered by a stream, which is finished at once; plain text is only for who has
    just opened the chat.
    """
    if reply.notice is None or not message.wants_reply:
        return {}
    text = "\n".join([page(reply.notice, reply.page, _LIMIT, more), *reply.riders])
    if message.event == "enter_chat":
        return {"msgtype": "text", "text": {"content": text}}
    return {"msgtype": "stream", "stream": stream(stream_id(message), text)}


def stream_id(message: InboundMessage) -> str:
    """The same for every repeat of a message."""
    return message.key.hex()[:32]


def stream(id: str, text: str, *, finish: bool = True) -> dict[str, Any]:
    """A stream as it stands: its content takes the place of what was there before."""
    return {"id": id, "finish": finish, "content": text}
