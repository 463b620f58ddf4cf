"""A message as the chat page draws it: what a member sent, a reply, or a push."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bot.simulator.replies import Answer
from bot.simulator.wecom.watching import Shown

# The name of a template and what its fields are called, by the template's id.
Templates = Mapping[str, tuple[str, Mapping[str, str]]]

_MEDIA = ("image", "voice", "video", "music")
_FILES = {"file": "文件", "video": "视频", "voice": "语音"}


def of_answer(answer: Answer) -> dict[str, Any] | None:
    """The bubble of a reply; None when nothing was said."""
    if answer.articles:
        return {"kind": "news", "articles": _articles(answer.articles)}
    if answer.type in _MEDIA:
        return _media(answer.type, answer.media)
    return {"kind": "text", "text": answer.text} if answer.text else None


def of_push(path: str, body: Mapping[str, Any], templates: Templates) -> dict[str, Any]:
    """The bubble of a message that the account sent of its own accord."""
    if "template_id" in body:
        return _card(body, templates)
    type = str(body.get("msgtype", "text"))
    content: Mapping[str, Any] = body.get(type) or {}
    if type == "news":
        listed = content.get("articles", ())
        names = ("title", "description", "picurl", "url")
        rows = [tuple(str(one.get(name, "")) for name in names) for one in listed]
        return {"kind": "news", "articles": _articles(rows)}
    if type == "msgmenu":
        return {
            "kind": "menu",
            "text": str(content.get("head_content", "")),
            "options": [
                {"id": str(one.get("id", "")), "content": str(one.get("content", ""))}
                for one in content.get("list", ())
            ],
            "tail": str(content.get("tail_content", "")),
        }
    if type == "image" and "images" in body:
        # Several pictures at once, as a message to everybody can have.
        content = {"media_id": next(iter(body["images"].get("media_ids", ())), "")}
    if type in _MEDIA:
        return _media(type, content)
    if type != "text":
        return {"kind": "text", "text": f"[{type}]"}
    return {"kind": "text", "text": str(content.get("content", ""))}


def _media(type: str, content: Mapping[str, Any]) -> dict[str, Any]:
    lower = {name.lower().replace("_", ""): str(value) for name, value in content.items()}
    found = lower.get("mediaid", "")
    bubble: dict[str, Any] = {"kind": "video" if type == "music" else type, "text": ""}
    bubble["url"] = f"/media/{found}" if found else lower.get("musicurl", "")
    if title := lower.get("title", ""):
        bubble["title"] = title
    return bubble


def _articles(rows: Any) -> list[dict[str, str]]:
    names = ("title", "description", "picture", "url")
    return [dict(zip(names, row, strict=True)) for row in rows]


def _card(body: Mapping[str, Any], templates: Templates) -> dict[str, Any]:
    title, labels = templates.get(str(body["template_id"]), ("服务通知", {}))
    data: Mapping[str, Mapping[str, Any]] = body.get("data") or {}
    return {
        "kind": "card",
        "title": title,
        "fields": [
            [labels.get(name, name), str(item.get("value", ""))] for name, item in data.items()
        ],
        "link": str(body.get("url") or body.get("page") or ""),
    }


def of_shown(message: Shown, pictures: Sequence[str]) -> dict[str, Any]:
    """The bubble of a message in WeCom; `pictures` are the addresses of what it holds."""
    if message.type == "voice" and message.sender:
        return {"kind": "voice", "text": message.text}
    named = f"[{_FILES[message.type]}]" if message.file and message.type in _FILES else ""
    return {
        "kind": "message",
        "text": message.text or named,
        "finished": message.finished,
        "pictures": list(pictures),
        "card": message.card,
        "cards": message.cards or {},
    }


_LINK = re.compile(r"<a\s[^>]*>|</a>")


def plain(text: str) -> str:
    """A text without its links, as it stands in a list."""
    return _LINK.sub("", text)


def words_of(bubble: Mapping[str, Any]) -> str:
    """Everything that can be read in a bubble."""
    return "\n".join(part for part in _parts(bubble) if part)


def _parts(bubble: Mapping[str, Any]) -> Iterator[str]:
    yield str(bubble.get("title", ""))
    yield plain(str(bubble.get("text", "")))
    for name, value in bubble.get("fields", ()):
        yield f"{name}：{value}"
    for article in bubble.get("articles", ()):
        yield article["title"]
        yield article["description"]
    for option in bubble.get("options", ()):
        yield option["content"]
    yield str(bubble.get("tail", ""))
    for card in (bubble.get("card"), *bubble.get("cards", {}).values()):
        yield str(((card or {}).get("main_title") or {}).get("title", ""))
