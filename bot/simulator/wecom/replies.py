"""What a bot may send: read, and refused where the real platform would.

Sources: developer.work.weixin.qq.com/document/path/101031 (被动回复), 101138 (主动回复), 101463
(长连接).
"""

import base64
import binascii
import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from bot.errors import SandboxProblem
from bot.simulator.wecom import cards

TEXT_LIMIT = 20480
_FEEDBACK_LIMIT = 256
_MOST_PICTURES = 10
_PICTURE_LIMIT = 10 * 1024 * 1024
# How JPG and PNG files begin.
_PICTURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")

WELCOME = frozenset({"text", "template_card"})
STREAMS = frozenset({"stream", "stream_with_template_card"})
PASSIVE = STREAMS | {"template_card"}
MEDIA = frozenset({"file", "voice", "image", "video"})
# The page of the long connection contradicts itself about the first three; the peer sends them.
LONG = PASSIVE | MEDIA | {"markdown"}
PUSH = MEDIA | {"markdown", "template_card"}
# The finished stream is in Tencent's own plugin only.
RESPONSE_URL = frozenset({"markdown", "template_card", "stream"})


@dataclass(frozen=True, slots=True)
class Content:
    """A bot's message. `stream` is its id, "" for what is none."""

    type: str
    text: str = ""
    stream: str = ""
    finish: bool = True
    card: Mapping[str, Any] | None = None
    pictures: tuple[bytes, ...] = ()
    feedback: str = ""
    media_id: str = ""


def read(body: Mapping[str, Any], allowed: Collection[str], *, pictures: bool = True) -> Content:
    """Raises SandboxProblem for what the platform would refuse. `pictures`: a finished stream may
    hold some (not over the long connection).
    """
    type = body.get("msgtype")
    if not isinstance(type, str) or type not in allowed:
        raise SandboxProblem(f"这里不能回复 {type!r} 类型，只能是 {'、'.join(sorted(allowed))}")
    if type in ("text", "markdown"):
        inner = _inner(body, type)
        return Content(type, _text(inner, required=True), feedback=_feedback(inner))
    if type in MEDIA:
        return Content(type, media_id=_string(_inner(body, type), "media_id"))
    card = None
    if type != "stream" and (type == "template_card" or body.get("template_card") is not None):
        card = _inner(body, "template_card")
        cards.check(card)
    if type == "template_card" and card is not None:
        return Content(type, card=card, feedback=_feedback(card))
    return _stream(type, _inner(body, "stream"), card, pictures=pictures)


def read_update(body: Mapping[str, Any], task_id: str) -> tuple[Mapping[str, Any], list[str]]:
    """The new card, and for whom ([] is everybody). Raises SandboxProblem for another task_id."""
    if body.get("response_type") != "update_template_card":
        raise SandboxProblem("对卡片事件只能回复 update_template_card")
    card = _inner(body, "template_card")
    cards.check(card)
    if card.get("task_id") != task_id:
        raise SandboxProblem("更新卡片的 task_id 与被点的卡片不同")
    userids = body.get("userids", [])
    if not isinstance(userids, list) or not all(isinstance(one, str) for one in userids):
        raise SandboxProblem("userids 不是字符串的列表")
    return card, userids


def _stream(
    type: str, stream: Mapping[str, Any], card: Mapping[str, Any] | None, *, pictures: bool
) -> Content:
    finish = stream.get("finish", False)
    if not isinstance(finish, bool):
        raise SandboxProblem("stream.finish 不是布尔值")
    items = stream.get("msg_item") or []
    if items and not (pictures and finish):
        raise SandboxProblem("msg_item 只能在回调模式下、finish 为 true 时设置")
    return Content(
        type,
        _text(stream, required=False),
        _string(stream, "id"),
        finish,
        card,
        _pictures(items),
        _feedback(stream),
    )


def _pictures(items: Any) -> tuple[bytes, ...]:
    if not isinstance(items, list) or len(items) > _MOST_PICTURES:
        raise SandboxProblem(f"msg_item 不是最多 {_MOST_PICTURES} 项的列表")
    return tuple(_picture(item) for item in items)


def _picture(item: Any) -> bytes:
    if not isinstance(item, Mapping) or item.get("msgtype") != "image":
        raise SandboxProblem("msg_item 里只能是 image")
    image = _inner(item, "image")
    try:
        content = base64.b64decode(_string(image, "base64"), validate=True)
    except binascii.Error:
        raise SandboxProblem("图片的 base64 解不开") from None
    if hashlib.md5(content, usedforsecurity=False).hexdigest() != image.get("md5"):
        raise SandboxProblem("图片的 md5 不对")
    if len(content) > _PICTURE_LIMIT or not content.startswith(_PICTURES):
        raise SandboxProblem("图片不是 10 MB 以内的 JPG 或 PNG")
    return content


def _text(inner: Mapping[str, Any], *, required: bool) -> str:
    text = inner.get("content", None if required else "")
    if not isinstance(text, str) or (required and not text):
        raise SandboxProblem("content 不是文字")
    if len(text.encode(errors="replace")) > TEXT_LIMIT:
        raise SandboxProblem(f"content 超过 {TEXT_LIMIT} 字节")
    return text


def _feedback(inner: Mapping[str, Any]) -> str:
    if inner.get("feedback") is None:
        return ""
    found = _string(_inner(inner, "feedback"), "id")
    if len(found.encode(errors="replace")) > _FEEDBACK_LIMIT:
        raise SandboxProblem(f"feedback.id 超过 {_FEEDBACK_LIMIT} 字节")
    return found


def _string(inner: Mapping[str, Any], name: str) -> str:
    found = inner.get(name)
    if not isinstance(found, str) or not found:
        raise SandboxProblem(f"没有 {name}")
    return found


def _inner(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = body.get(name)
    if not isinstance(found, Mapping):
        raise SandboxProblem(f"没有 {name}")
    return found
