"""The webhooks of group robots, over real HTTP.

Source: developer.work.weixin.qq.com/document/path/91770 (消息推送配置说明).
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bot.simulator.answers import Said, accepted
from bot.simulator.server import Request
from bot.simulator.wecom.host import Host, Rate, refused

_PATH = "/cgi-bin/webhook/send"
# Bytes.
_TEXT_LIMITS: Mapping[str, int] = {"text": 2048, "markdown": 4096, "markdown_v2": 4096}
_PICTURE_LIMIT = 2 * 1024 * 1024
_PICTURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")
_MOST_ARTICLES = 8
# In a text and in the first markdown.
_MENTION = re.compile(r"<@([^<>\s]+)>")


@dataclass(frozen=True, slots=True)
class RobotMessage:
    """What a group reads. `mentioned` are those who are called, "@all" for everybody; `body` is the
    call's JSON.
    """

    key: str
    type: str
    text: str
    mentioned: tuple[str, ...]
    body: dict[str, Any]
    at: datetime


@dataclass
class RobotApi(Host):
    """`keys` are those of the robots that there are; `rate` is how much each may say."""

    keys: set[str]
    said: list[RobotMessage] = field(default_factory=list)
    rate: Rate = field(default_factory=lambda: Rate(20, timedelta(minutes=1)))

    def answer(self, request: Request, body: dict[str, Any] | None) -> Said:
        key, now = request.query.get("key", ""), self.clock.now()
        if request.path != _PATH:
            return refused(40066, request)
        if key not in self.keys:
            return refused(93000, request)
        if not self.rate.has_room(key, now):
            return refused(45009, request)
        if code := _refusal(body or {}):
            return refused(code, request)
        self.rate.take(key, now)
        self.said.append(_message(key, body or {}, now))
        return accepted()


def _message(key: str, body: dict[str, Any], now: datetime) -> RobotMessage:
    type = body["msgtype"]
    content = body[type]
    text = str(content.get("content", ""))
    called = _MENTION.findall(text) if type in ("text", "markdown") else []
    called += content.get("mentioned_list", []) if type == "text" else []
    return RobotMessage(key, type, text, tuple(called), body, now)


def _refusal(body: Mapping[str, Any]) -> int:
    """The error code for what is no message, else 0."""
    type = body.get("msgtype")
    content = body.get(type) if isinstance(type, str) else None
    if type not in (*_TEXT_LIMITS, "image", "news") or not isinstance(content, dict):
        return 40008
    if type == "image":
        return _picture_refusal(content)
    if type == "news":
        return _news_refusal(content)
    text = content.get("content")
    if not isinstance(text, str) or not text:
        return 44004
    called = content.get("mentioned_list", [])
    if not isinstance(called, list) or not all(isinstance(one, str) for one in called):
        return 40058
    return 40058 if len(text.encode(errors="replace")) > _TEXT_LIMITS[type] else 0


def _picture_refusal(content: Mapping[str, Any]) -> int:
    try:
        picture = base64.b64decode(str(content.get("base64", "")), validate=True)
    except binascii.Error:
        return 40058
    if not picture.startswith(_PICTURES):
        return 40058
    if len(picture) > _PICTURE_LIMIT:
        return 40009
    right = hashlib.md5(picture, usedforsecurity=False).hexdigest()
    return 0 if content.get("md5") == right else 301019


def _news_refusal(content: Mapping[str, Any]) -> int:
    articles = content.get("articles")
    if not isinstance(articles, list) or not 1 <= len(articles) <= _MOST_ARTICLES:
        return 45008
    titled = all(isinstance(one, dict) and one.get("title") and one.get("url") for one in articles)
    return 0 if titled else 41016
