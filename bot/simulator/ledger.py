"""What the platform keeps count of for one account, and what goes wrong on it."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random
from typing import Any, Literal

Heard = Literal["message", "menu", "subscribe", "scan", "pay"]
Fault = Literal["slow", "drop", "http_error", "busy", "quota", "revoke"]

# What opens how many messages for how long; None is without number. A new one begins anew.
# https://developers.weixin.qq.com/doc/service/guide/product/kf/intro.html
_OPENS: Mapping[Heard, tuple[int | None, timedelta]] = {
    "message": (5, timedelta(hours=48)),
    "menu": (3, timedelta(minutes=1)),
    "subscribe": (3, timedelta(minutes=1)),
    "scan": (3, timedelta(minutes=1)),
    "pay": (None, timedelta(hours=48)),
}
MEDIA_LIFE = timedelta(days=3)
_SHANGHAI = timedelta(hours=8)

# Calls a day of a verified account, as the page of limits has them, with template/send's own page
# (接口调用频次限制). What is not here is not limited.
QUOTAS: Mapping[str, int] = {
    "/cgi-bin/stable_token": 500_000,
    "/cgi-bin/message/custom/send": 500_000,
    "/cgi-bin/message/template/send": 100_000,
    "/cgi-bin/menu/create": 1_000,
    "/cgi-bin/menu/get": 10_000,
    "/cgi-bin/menu/delete": 1_000,
    "/cgi-bin/media/upload": 5_000,
    "/cgi-bin/media/get": 10_000,
    "/cgi-bin/qrcode/create": 100_000,
}


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that reached somebody. `body` is the call's whole JSON."""

    touser: str
    path: str
    body: dict[str, Any]
    at: datetime
    client_msg_id: str = ""


@dataclass(frozen=True, slots=True)
class File:
    type: str
    content: bytes
    content_type: str
    at: datetime


@dataclass
class _Window:
    left: int | None
    until: datetime


class Windows:
    """The messages that may still be sent to each openid."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, str], _Window] = {}

    def heard(self, openid: str, kind: Heard, now: datetime) -> None:
        """What is opened by events is one window, not one for each of them: the stricter reading
        of the vendor's table.
        """
        left, length = _OPENS[kind]
        name = kind if kind in ("message", "pay") else "event"
        self._open[openid, name] = _Window(left, now + length)

    def take(self, openid: str, now: datetime) -> int:
        """Use one message, of the window that ends first: 0, or the error code."""
        windows = [self._open.get((openid, name)) for name in ("event", "message", "pay")]
        open_ones = [window for window in windows if window and now < window.until]
        if not open_ones:
            return 45015
        usable = [window for window in open_ones if window.left != 0]
        if not usable:
            return 45047
        first = min(usable, key=lambda window: window.until)
        if first.left is not None:
            first.left -= 1
        return 0


class Quotas:
    """Calls a day and path; a day begins at 00:00 +08:00. `limits` may be changed."""

    def __init__(self) -> None:
        self.limits: dict[str, int] = dict(QUOTAS)
        self._used: dict[tuple[str, date], int] = {}

    def take(self, path: str, now: datetime) -> bool:
        """Count one call: whether it is within the limit."""
        key = path, (now + _SHANGHAI).date()
        used = self._used[key] = self._used.get(key, 0) + 1
        return path not in self.limits or used <= self.limits[path]


@dataclass
class Faults:
    """How likely each fault is for a call, between 0 and 1; at most one happens to a call.

    slow: `slow_seconds` more. drop: the call has its effect, and the connection is closed without
    an answer. http_error: 502 without an effect. busy: -1. quota: 45009. revoke: every token stops
    being good. Calls for a token are spared.
    """

    slow: float = 0.0
    drop: float = 0.0
    http_error: float = 0.0
    busy: float = 0.0
    quota: float = 0.0
    revoke: float = 0.0
    slow_seconds: float = 1.0
    random: Random = field(default_factory=lambda: Random(1))  # noqa: S311

    def draw(self) -> Fault | None:
        chances: tuple[tuple[Fault, float], ...] = (
            ("slow", self.slow),
            ("drop", self.drop),
            ("http_error", self.http_error),
            ("busy", self.busy),
            ("quota", self.quota),
            ("revoke", self.revoke),
        )
        if not any(chance for _, chance in chances):
            return None
        dice = self.random.random()
        for name, chance in chances:
            dice -= chance
            if dice < 0:
                return name
        return None


class Files:
    """Uploaded files, each for 3 days."""

    # Bytes; the image's page says 10 MB in one place and 2 MB in another.
    _LIMITS: Mapping[str, tuple[int, int]] = {
        "image": (2 * 1024 * 1024, 40009),
        "voice": (2 * 1024 * 1024, 40010),
        "video": (10 * 1024 * 1024, 40011),
        "thumb": (64 * 1024, 40012),
    }

    def __init__(self) -> None:
        self._files: dict[str, File] = {}

    def refusal(self, type: str, content: bytes) -> int:
        """The error code for what cannot be stored, else 0."""
        if type not in self._LIMITS:
            return 40004
        limit, code = self._LIMITS[type]
        return 44001 if not content else code if len(content) > limit else 0

    def store(self, file: File) -> str:
        media_id = secrets.token_urlsafe(48)
        self._files[media_id] = file
        return media_id

    def get(self, media_id: str, now: datetime) -> File | None:
        """None for a file that is not there any more."""
        file = self._files.get(media_id)
        return file if file and now < file.at + MEDIA_LIFE else None


_EMOJI = re.compile("[\U0001f000-\U0001faff\u2600-\u27bf\ufe0f]")
# The table of types on api_sendnewsubscribemsg: what the whole value must look like.
_SHAPES: Mapping[str, re.Pattern[str]] = {
    "thing": re.compile(r".{1,20}"),
    "number": re.compile(r"-?[0-9.]{1,32}"),
    "letter": re.compile(r"[A-Za-z]{1,32}"),
    "symbol": re.compile(r"[^\w\s]{1,5}"),
    "character_string": re.compile(r"[!-~]{1,32}"),
    "phone_number": re.compile(r"[0-9+\-()#*]{1,17}"),
    "car_number": re.compile(r"\S{1,8}"),
    "name": re.compile(r"[\u3400-\u9fff·]{1,10}|[^\u3400-\u9fff]{1,20}"),
    "phrase": re.compile(r"[\u3400-\u9fff]{1,5}"),
    "time": re.compile(r".{1,64}"),
    "date": re.compile(r".{1,64}"),
    "amount": re.compile(r".{1,64}"),
}


def wrong_field(data: Any) -> str | None:
    """The name of the first field that a template does not take; "" when there are no fields."""
    if not isinstance(data, dict) or not data:
        return ""
    for name, value in data.items():
        text = value.get("value") if isinstance(value, dict) else None
        shape = _SHAPES.get(name.rstrip("0123456789"), _SHAPES["thing"])
        if not isinstance(text, str) or not shape.fullmatch(text) or _EMOJI.search(text):
            return str(name)
    return None
