"""Passive replies: a Notice as the XML or JSON that the platform shows.

Source: developers.weixin.qq.com/doc/subscription (被动回复用户消息). wechatpy's reply classes
write the XML; the JSON form has the same names.
"""

import json
from datetime import datetime
from typing import Any

import xmltodict
from wechatpy import replies

from bot.domain.messages import TEXT_LIMITS, Channel, InboundMessage, Notice, Reply
from bot.domain.paging import page
from bot.platforms.official_account.payload import Format
from bot.platforms.pushed import writable

# "Nothing to say": sent as it is, even in safe mode; the platform does not repeat the message.
NOTHING = "success"
_LIMIT = TEXT_LIMITS[Channel.OFFICIAL_ACCOUNT]


def render(reply: Reply, message: InboundMessage, format: Format, now: datetime, more: str) -> str:
    """The body before encryption. `more` is the line under a page that has a next one."""
    if reply.notice is None or not message.wants_reply:
        return NOTHING
    xml = _reply(reply, reply.notice, message, now, more).render()
    return xml if format == "xml" else _as_json(xml)


def _reply(
    reply: Reply, notice: Notice, message: InboundMessage, now: datetime, more: str
) -> replies.BaseReply:
    ends = {
        "source": writable(message.account),
        "target": writable(message.sender),
        "time": int(now.timestamp()),
    }
    media = notice.media
    if media is None:
        text = "\n".join([page(notice, reply.page, _LIMIT, more), *reply.riders])
        return replies.TextReply(content=writable(text), **ends)
    title, text, id = writable(notice.title), writable("\n".join(notice.lines)), writable(media.id)
    url = writable(notice.link.url) if notice.link else ""
    match media.type:
        case "image":
            return replies.ImageReply(image=id, **ends)
        case "voice":
            return replies.VoiceReply(voice=id, **ends)
        case "video":
            video = {"media_id": id, "title": title, "description": text}
            return replies.VideoReply(video=video, **ends)
        case "music":
            music = {"thumb_media_id": id, "title": title, "description": text}
            music |= {"music_url": url, "hq_music_url": url}
            return replies.MusicReply(music=music, **ends)
        case "news":
            article = {"title": title, "description": text, "url": url}
            article["image"] = writable(media.picture_url)
            return replies.ArticlesReply(articles=[article], **ends)


def _as_json(xml: str) -> str:
    """The same fields as JSON; a list of articles is a list, numbers are numbers."""
    fields: dict[str, Any] = xmltodict.parse(xml)["xml"]
    fields = {name: "" if value is None else value for name, value in fields.items()}
    fields["CreateTime"] = int(fields["CreateTime"])
    if "Articles" in fields:
        fields["ArticleCount"] = int(fields["ArticleCount"])
        fields["Articles"] = [fields["Articles"]["item"]]
    return json.dumps(fields, ensure_ascii=False)
