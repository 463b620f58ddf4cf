"""What the platform makes of a passive reply: what it refuses, and what the member sees."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from bot.errors import SandboxProblem
from bot.simulator.envelope import Opened

UNAVAILABLE = "该公众号暂时无法提供服务，请稍后再试"
_TEXT_LIMIT = 2048
_MEDIA = ("image", "voice", "video", "music")
_TYPES = ("text", *_MEDIA, "news", "transfer_customer_service")
# Cards after an event; after a message it is one.
_MOST_ARTICLES = 8


class Article(NamedTuple):
    """One card of a `news` reply; `picture` and `url` are addresses."""

    title: str
    description: str
    picture: str
    url: str


@dataclass(frozen=True)
class Answer:
    """What the member sees: `text` is "" when nothing was said, and `type` as well.

    `fields` is the whole reply, nested ones as text; `media` the fields of an image, voice, video
    or music by the vendor's names (MediaId, Title, Description, MusicUrl …); `articles` are the
    cards that are shown. `problem` says why the member sees UNAVAILABLE.
    """

    text: str
    fields: Mapping[str, str] = field(default_factory=dict)
    attempts: int = 1
    problem: str = ""
    type: str = ""
    media: Mapping[str, str] = field(default_factory=dict)
    articles: tuple[Article, ...] = ()


def read(reply: Opened, message: Mapping[str, Any]) -> Answer:
    """The answer to `message`. Raises SandboxProblem for what the platform would refuse."""
    fields = reply.fields
    ends = fields.get("ToUserName"), fields.get("FromUserName")
    if ends != (message["FromUserName"], message["ToUserName"]):
        raise SandboxProblem("回复的收发双方没有对调")
    type = fields.get("MsgType", "")
    if type not in _TYPES:
        raise SandboxProblem(f"被动回复没有 {type!r} 这种类型")
    if not fields.get("CreateTime", "").isdigit():
        raise SandboxProblem("回复没有 CreateTime")
    if type == "text" and not fields.get("Content"):
        raise SandboxProblem("文字回复没有 Content")
    if type == "transfer_customer_service":
        # A human takes over; the member sees nothing of it.
        return Answer("", fields, type=type)
    if len(fields.get("Content", "").encode()) > _TEXT_LIMIT:
        raise SandboxProblem(f"回复的文字超过 {_TEXT_LIMIT} 字节")
    media = _media(reply.nested, type) if type in _MEDIA else {}
    articles = _articles(reply.nested) if type == "news" else ()
    shown = articles[: _MOST_ARTICLES if message.get("MsgType") == "event" else 1]
    text = fields.get("Content", f"[{type}]")
    return Answer(text, fields, type=type, media=media, articles=shown)


def _media(nested: Mapping[str, Any], type: str) -> dict[str, str]:
    found = _mapping(nested.get(type.capitalize()))
    if type != "music" and not found.get("MediaId"):
        raise SandboxProblem(f"{type} 回复没有 MediaId")
    return {name: str(value) for name, value in found.items()}


def _articles(nested: Mapping[str, Any]) -> tuple[Article, ...]:
    found = nested.get("Articles")
    found = found.get("item") if isinstance(found, Mapping) else found
    items = [_mapping(item) for item in (found if isinstance(found, list) else [found])]
    names = ("Title", "Description", "PicUrl", "Url")
    articles = tuple(
        Article(*(str(item.get(name, "")) for name in names)) for item in items if item
    )
    if not articles:
        raise SandboxProblem("图文回复里没有文章")
    return articles


def _mapping(found: Any) -> Mapping[str, Any]:
    return found if isinstance(found, Mapping) else {}
