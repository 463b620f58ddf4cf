"""What comes in and what goes out, before any platform's own format."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

NOTICE_VERSION = 1
# A line that stays empty; other empty parts of a notice are left out.
BLANK = " "
_to_json = json.JSONEncoder(ensure_ascii=False).encode


class Channel(StrEnum):
    """Where a message comes from, or goes to (a group robot only speaks); the value is stored in
    the database.
    """

    OFFICIAL_ACCOUNT = "official_account"
    WECOM_BOT = "wecom_bot"
    WECOM_APP = "wecom_app"
    GROUP_ROBOT = "group_robot"


# Bytes of UTF-8 that one text message may have on a channel. Official account: 2,048, the value
# in common use; the vendor's page (Passive_user_reply_message) prints none. WeCom bot: 20,480
# (developer.work.weixin.qq.com/document/path/101031), of which a chat shows less at once. WeCom
# app: 2,048, the rest is cut off (path/90236, 90241). Group robot: 2,048 (path/91770).
TEXT_LIMITS: Mapping[Channel, int] = {
    Channel.OFFICIAL_ACCOUNT: 2048,
    Channel.WECOM_BOT: 4096,
    Channel.WECOM_APP: 2048,
    Channel.GROUP_ROBOT: 2048,
}


class MessageType(StrEnum):
    """The platforms' types under one name each."""

    TEXT = "text"
    IMAGE = "image"
    VOICE = "voice"
    VIDEO = "video"
    LOCATION = "location"
    LINK = "link"
    MINI_PROGRAM = "mini_program"
    EVENT = "event"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class InboundMessage:
    """One message or event, of any channel.

    `key` is 32 bytes and the same for every repeat of the same message. `text` is what the
    member typed, or what the platform recognised in a voice message; `pictures` counts those that
    came with it. `details` holds the other fields of the platform, flattened to text and never
    stored.
    """

    channel: Channel
    account: str
    key: bytes
    sender: str
    conversation: str
    type: MessageType
    sent_at: datetime
    text: str = ""
    event: str = ""
    event_key: str = ""
    in_group: bool = False
    wants_reply: bool = True
    pictures: int = 0
    details: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Link:
    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Option:
    """One line of a menu: what to send for it, and what it means."""

    send: str
    label: str


@dataclass(frozen=True, slots=True)
class Media:
    """A picture, a voice, a video, music or a news card; `id` is the platform's media id."""

    type: Literal["image", "voice", "video", "music", "news"]
    id: str = ""
    picture_url: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """What is said, before any platform renders it. `source` is repeated on every page."""

    kind: str
    title: str = ""
    lines: tuple[str, ...] = ()
    source: str = ""
    link: Link | None = None
    options: tuple[Option, ...] = ()
    media: Media | None = None

    def to_json(self) -> str:
        values = {
            "version": NOTICE_VERSION,
            "kind": self.kind,
            "title": self.title,
            "lines": self.lines,
            "source": self.source,
            "link": asdict(self.link) if self.link else None,
            "options": [asdict(option) for option in self.options],
            "media": asdict(self.media) if self.media else None,
        }
        return _to_json(values)

    @classmethod
    def from_json(cls, stored: str) -> "Notice":
        values: dict[str, Any] = json.loads(stored)
        if values.pop("version") != NOTICE_VERSION:
            raise ValueError("a stored notice has a version that this program does not know")
        return cls(
            kind=values["kind"],
            title=values["title"],
            lines=tuple(values["lines"]),
            source=values["source"],
            link=Link(**values["link"]) if values["link"] else None,
            options=tuple(Option(**option) for option in values["options"]),
            media=Media(**values["media"]) if values["media"] else None,
        )


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to one message: a notice and which of its pages. None says nothing.

    `riders` are the lines from the mailbox that ride on it, under the page. `kept` is what is
    stored in its place where it must not be kept as it is; a repeat of the message gets that.
    """

    notice: Notice | None
    page: int = 0
    riders: tuple[str, ...] = ()
    kept: Notice | None = None


SILENCE = Reply(None)
