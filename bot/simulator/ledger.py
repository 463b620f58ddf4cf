"""What the platform keeps count of for one account, and what goes wrong on it."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random
from typing import Any, Literal, NamedTuple

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
    "/cgi-bin/token": 2_000,
    "/cgi-bin/stable_token": 500_000,
    "/cgi-bin/message/custom/send": 500_000,
    "/cgi-bin/message/template/send": 100_000,
    "/cgi-bin/menu/create": 1_000,
    "/cgi-bin/menu/get": 10_000,
    "/cgi-bin/menu/delete": 1_000,
    "/cgi-bin/media/upload": 5_000,
    "/cgi-bin/media/get": 10_000,
    "/cgi-bin/qrcode/create": 100_000,
    "/cgi-bin/user/get": 500,
    "/cgi-bin/user/info": 500_000,
}
# Calls a minute.
_A_MINUTE: Mapping[str, int] = {
    "/cgi-bin/stable_token": 10_000,
    "/cgi-bin/message/mass/send": 60,
    "/cgi-bin/message/mass/sendall": 60,
}


def day_of(now: datetime) -> date:
    """The day in Shanghai, where the platform counts them."""
    return (now + _SHANGHAI).date()


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
    """`lasting` ones are not gone after MEDIA_LIFE."""

    type: str
    content: bytes
    content_type: str
    at: datetime
    lasting: bool = False


class Allowance(NamedTuple):
    """One window as a page shows it: how many messages are `left` (None: without number) and
    until when (None: it is closed).
    """

    name: str
    left: int | None
    until: datetime | None


class Use(NamedTuple):
    """Calls of one path today; `limit` None is without limit."""

    path: str
    used: int
    limit: int | None


@dataclass
class _Window:
    left: int | None
    until: datetime


# A window's name inside, and the one that people read.
_NAMES: Mapping[str, str] = {"message": "48 小时", "event": "1 分钟", "pay": "付款"}


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

    def views(self, openid: str, now: datetime) -> list[Allowance]:
        """Every window, closed ones as well; the one for payments only while it is open."""
        found = []
        for name, title in _NAMES.items():
            window = self._open.get((openid, name))
            if window and now < window.until:
                found.append(Allowance(title, window.left, window.until))
            elif name != "pay":
                found.append(Allowance(title, 0, None))
        return found


class Quotas:
    """Calls of each path, a day (which begins at 00:00 +08:00) and a minute. `limits` (a day) and
    `a_minute` may be changed.
    """

    def __init__(self) -> None:
        self.limits: dict[str, int] = dict(QUOTAS)
        self.a_minute: dict[str, int] = dict(_A_MINUTE)
        self._used: dict[str, int] = {}
        self._day = date.min
        self._minutes: dict[str, tuple[datetime, int]] = {}

    def take(self, path: str, now: datetime) -> int:
        """Count one call: 0, or the error code when it is over a limit."""
        self._turn(now)
        used = self._used.get(path, 0)
        if path in self.limits and used >= self.limits[path]:
            return 45009
        minute = now.replace(second=0, microsecond=0)
        if path in self.a_minute:
            since, count = self._minutes.get(path, (minute, 0))
            count = count + 1 if since == minute else 1
            self._minutes[path] = minute, count
            if count > self.a_minute[path]:
                return 45011
        self._used[path] = used + 1
        return 0

    def used(self, now: datetime) -> list[Use]:
        """What was called today, by path."""
        self._turn(now)
        return [Use(path, self._used[path], self.limits.get(path)) for path in sorted(self._used)]

    def clear(self) -> None:
        """Today begins anew."""
        self._used.clear()

    def _turn(self, now: datetime) -> None:
        if self._day != (today := day_of(now)):
            self._day = today
            self._used.clear()


class Masses:
    """Messages to many: their keys, how many each member had this month, the last day's."""

    _KNOWN = timedelta(hours=24)
    _A_MONTH = 4

    def __init__(self) -> None:
        self._keys: dict[str, tuple[int, datetime]] = {}
        self._months: dict[tuple[str, date], int] = {}
        self._last = date.min

    def known(self, key: str, now: datetime) -> int | None:
        """The number of the message that had this key within 24 hours."""
        found = self._keys.get(key)
        return found[0] if found and now < found[1] + self._KNOWN else None

    def remember(self, key: str, number: int, now: datetime) -> None:
        self._keys[key] = number, now

    def take_day(self, now: datetime) -> bool:
        """Whether there was none today, as a subscription account has it."""
        before, self._last = self._last, day_of(now)
        return before != self._last

    def take_month(self, openid: str, now: datetime) -> bool:
        """Whether the member had less than four this month, as a service account has it."""
        key = openid, day_of(now).replace(day=1)
        count = self._months[key] = self._months.get(key, 0) + 1
        return count <= self._A_MONTH


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
        return file if file and (file.lasting or now < file.at + MEDIA_LIFE) else None


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
