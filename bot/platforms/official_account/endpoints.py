"""What is asked of the platform: messages, files, the menu, scene codes. One function each.

All raise what Client raises. Pages: https://developers.weixin.qq.com/doc/service/api/ and those
named at each function.
"""

import mimetypes
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Literal
from urllib.parse import quote, urlsplit

from bot.errors import OverLimit, PlatformSilent
from bot.platforms.calls import acknowledged
from bot.platforms.fields import sendable
from bot.platforms.official_account.client import Client

MediaType = Literal["image", "voice", "video"]
# The image's page says 10 MB in one place and 2 MB in another: the smaller one is safe.
MEDIA_LIMITS: Mapping[MediaType, int] = {
    "image": 2 * 1024 * 1024,
    "voice": 2 * 1024 * 1024,
    "video": 10 * 1024 * 1024,
}
_BUTTONS, _SUB_BUTTONS = 3, 5
_SCENE_LIMIT = 64
LONGEST_SCENE = 2_592_000
_PICTURE = "https://mp.weixin.qq.com/cgi-bin/showqrcode?ticket="
# Nothing that came from a member may lead us into our own network.
_VIDEO_HOST = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*\.(qq\.com|qpic\.cn)", re.I)


def send_text(client: Client, openid: str, text: str) -> None:
    """A customer message of at most 2,048 bytes, while the recipient's window is open.

    https://developers.weixin.qq.com/doc/service/guide/product/kf/intro.html
    """
    body = {"touser": openid, "msgtype": "text", "text": {"content": sendable(text)}}
    _sent(client, "/cgi-bin/message/custom/send", body)


def send_media(
    client: Client, openid: str, type: MediaType, media_id: str, title: str = "", about: str = ""
) -> None:
    """A customer message of a file that was uploaded; the words are shown under a video only."""
    content = {"media_id": media_id}
    if type == "video":
        content |= {"title": sendable(title), "description": sendable(about)}
    body = {"touser": openid, "msgtype": type, type: content}
    _sent(client, "/cgi-bin/message/custom/send", body)


def send_template(
    client: Client,
    openid: str,
    template_id: str,
    fields: Mapping[str, str],
    *,
    url: str = "",
    key: str = "",
) -> str:
    """A template message; the platform's number of it. The same `key` to the same recipient is
    delivered once within 10 minutes.

    https://developers.weixin.qq.com/doc/service/api/notify/template/api_sendtemplatemessage
    """
    body: dict[str, Any] = {"touser": openid, "template_id": template_id, "data": _data(fields)}
    body |= {"url": url} if url else {}
    body |= {"client_msg_id": key} if key else {}
    return _sent(client, "/cgi-bin/message/template/send", body)


def send_subscription(
    client: Client, openid: str, template_id: str, fields: Mapping[str, str], *, page: str = ""
) -> str:
    """A notification that the recipient has agreed to; the platform's number of it, if it says one.

    https://developers.weixin.qq.com/doc/service/api/notify/notify/api_sendnewsubscribemsg
    """
    body: dict[str, Any] = {"touser": openid, "template_id": template_id, "data": _data(fields)}
    body |= {"page": page} if page else {}
    return _sent(client, "/cgi-bin/message/subscribe/bizsend", body)


def _sent(client: Client, path: str, body: Mapping[str, Any]) -> str:
    return str(acknowledged(path, client.call(path, body)).get("msgid", ""))


def _data(fields: Mapping[str, str]) -> dict[str, dict[str, str]]:
    return {name: {"value": field_value(name, text)} for name, text in fields.items()}


@dataclass(frozen=True, slots=True)
class _Kind:
    """How many characters a field takes, which are left out of it, and what stands for none."""

    limit: int
    without: re.Pattern[str] | None = None
    empty: str = "—"


_THING = _Kind(20)
# The table of field types on the page of send_subscription; what is not in it is cut like thing.
_KINDS: Mapping[str, _Kind] = {
    "number": _Kind(32, re.compile(r"[^0-9.\-]")),
    "letter": _Kind(32, re.compile(r"[^A-Za-z]")),
    "symbol": _Kind(5, re.compile(r"[\w\s]")),
    "character_string": _Kind(32, re.compile(r"[^!-~]"), "-"),
    "phone_number": _Kind(17, re.compile(r"[^0-9+\-()#*]")),
    "car_number": _Kind(8, re.compile(r"\s")),
    "phrase": _Kind(5, re.compile(r"[^\u3400-\u9fff]"), "无"),
    # A time or an amount that is cut is a wrong one.
    "time": _Kind(64),
    "date": _Kind(64),
    "amount": _Kind(64),
}
_HAN = re.compile(r"[\u3400-\u9fff]")
_EMOJI = re.compile(
    "[\U0001f000-\U0001faff\u2300-\u23ff\u2600-\u27bf\u2b00-\u2bff\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u20e3\ufe00-\ufe0f\ufeff\ue000-\uf8ff\U000e0000-\U0010ffff]"
)


def field_value(name: str, text: str) -> str:
    """`text` as the platform takes it for the field `name` (thing1, time2, character_string3 …).

    Without emoji and line breaks, which it refuses, and of the type's length.
    """
    clean = sendable(" ".join(_EMOJI.sub("", text).split()))
    kind = _kind_of(name, clean)
    if kind.without:
        clean = kind.without.sub("", clean)
    if len(clean) > kind.limit:
        # The dots say that something is missing, where the type takes them.
        dots = "…" if kind is _THING else ""
        clean = clean[: kind.limit - len(dots)].rstrip() + dots
    # That the platform refuses an empty value (47003) is our judgement from developers' reports:
    # its page does not say it.
    return clean or kind.empty


def _kind_of(name: str, text: str) -> _Kind:
    kind = name.rstrip("0123456789")
    if kind == "name":
        return _Kind(10 if _HAN.search(text) else 20)
    return _KINDS.get(kind, _THING)


def upload(client: Client, type: MediaType, content: bytes, filename: str) -> str:
    """The media id under which the platform keeps the file for 3 days. Raises OverLimit.

    https://developers.weixin.qq.com/doc/service/api/material/temporary/api_uploadtempmedia
    """
    limit = MEDIA_LIMITS[type]
    if len(content) > limit:
        raise OverLimit(f"A file ({type}) of {len(content)} bytes", f"{limit} bytes")
    path = "/cgi-bin/media/upload"
    # Only the ending counts there; a name that is not ASCII is written in several ways.
    ending = re.sub(r"[^a-z0-9.]", "", PurePath(filename).suffix.lower())
    content_type = mimetypes.guess_type(f"media{ending}")[0] or "application/octet-stream"
    answer = client.upload(path, {"type": type}, (f"media{ending}", content, content_type))
    return _text(path, answer, "media_id")


def download(client: Client, media_id: str, limit: int) -> tuple[bytes, str]:
    """The file and its content type (image/jpeg …). Raises OverLimit above `limit` bytes.

    A video comes as an address, which is followed to the platform's own hosts only.
    https://developers.weixin.qq.com/doc/service/api/material/temporary/api_getmedia
    """
    path = "/cgi-bin/media/get"
    content, kind, answer = client.download(path, {"media_id": media_id}, limit)
    if not answer:
        return content, kind
    url = _text(path, answer, "video_url")
    if not _is_platforms(url, client.base):
        raise PlatformSilent(path, "the video's address is not the platform's", unclear=False)
    return client.download_from(url, limit)


def _is_platforms(url: str, base: str) -> bool:
    # The next parser would end the host at a backslash, and this one does not.
    if "\\" in url:
        return False
    try:
        parts, own = urlsplit(url), urlsplit(base)
        known = _VIDEO_HOST.fullmatch(parts.hostname or "") and parts.port in (None, 80, 443)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(known or parts.netloc == own.netloc)


def create_menu(client: Client, buttons: Sequence[Mapping[str, Any]]) -> None:
    """Replace the menu. A button is {name, type, key | url …} or {name, sub_button: [...]}.

    At most 3 with 5 each, else OverLimit.
    https://developers.weixin.qq.com/doc/service/api/custommenu/api_createcustommenu
    """
    if len(buttons) > _BUTTONS:
        raise OverLimit(f"A menu of {len(buttons)} buttons", f"{_BUTTONS} buttons")
    for button in buttons:
        if (count := len(button.get("sub_button", ()))) > _SUB_BUTTONS:
            raise OverLimit(
                f"The menu under {button.get('name')} with {count} buttons",
                f"{_SUB_BUTTONS} buttons",
            )
    client.call("/cgi-bin/menu/create", {"button": list(buttons)})


def get_menu(client: Client) -> list[dict[str, Any]]:
    """The buttons of the menu that was created; PlatformRefused 46003 when there is none."""
    path = "/cgi-bin/menu/get"
    menu = client.ask(path).get("menu")
    buttons = menu.get("button") if isinstance(menu, dict) else None
    if not isinstance(buttons, list):
        raise PlatformSilent(path, "the answer holds no menu", unclear=False)
    return buttons


def delete_menu(client: Client) -> None:
    client.ask("/cgi-bin/menu/delete")


@dataclass(frozen=True, slots=True)
class SceneCode:
    """A QR code that brings its scene along. `url` is what it says, `picture` its image."""

    ticket: str
    url: str
    picture: str


def create_scene_code(client: Client, scene: str, seconds: int | None = None) -> SceneCode:
    """A code for `scene` (1 to 64 characters): good for `seconds` (at most 2,592,000), or for ever
    (of which an account has 100,000). Raises OverLimit.

    https://developers.weixin.qq.com/doc/service/api/qrcode/qrcodes/api_createqrcode
    """
    if not 1 <= len(scene) <= _SCENE_LIMIT:
        raise OverLimit(f"A scene of {len(scene)} characters", f"1 to {_SCENE_LIMIT} characters")
    if seconds is not None and not 1 <= seconds <= LONGEST_SCENE:
        raise OverLimit(f"A code for {seconds} s", f"1 to {LONGEST_SCENE} s")
    path = "/cgi-bin/qrcode/create"
    body: dict[str, Any] = {"action_info": {"scene": {"scene_str": scene}}}
    if seconds is None:
        body |= {"action_name": "QR_LIMIT_STR_SCENE"}
    else:
        body |= {"action_name": "QR_STR_SCENE", "expire_seconds": seconds}
    answer = client.call(path, body)
    ticket, url = _text(path, answer, "ticket"), _text(path, answer, "url")
    return SceneCode(ticket, url, f"{_PICTURE}{quote(ticket, safe='')}")


def _text(path: str, answer: Mapping[str, Any], name: str) -> str:
    value = answer.get(name)
    if not isinstance(value, str) or not value:
        raise PlatformSilent(path, f"the answer holds no {name}", unclear=False)
    return value
