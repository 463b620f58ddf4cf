"""Files, the menu, and scene codes."""

import io
import secrets
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import segno
from werkzeug.formparser import FormDataParser
from werkzeug.http import parse_options_header

from bot.simulator.answers import Said, accepted, refused
from bot.simulator.ledger import File
from bot.simulator.server import Request, Response
from bot.simulator.state import State

VIDEO = "/sandbox/video/"
SHOW_CODE = "/cgi-bin/showqrcode"
_LONGEST_SCENE = 2_592_000


def upload(state: State, _body: dict[str, Any], request: Request) -> Said:
    type, (_, content, content_type) = request.query.get("type", ""), uploaded(request)
    if code := state.files.refusal(type, content):
        return refused(code)
    now = state.clock.now()
    media_id = state.files.store(File(type, content, content_type, now))
    return {"type": type, "media_id": media_id, "created_at": int(now.timestamp())}


def uploaded(request: Request) -> tuple[str, bytes, str]:
    """The name, content and content type of the form's file `media`; b"" when there is none."""
    type, options = parse_options_header(request.content_type)
    if type != "multipart/form-data" or "boundary" not in options:
        return "", b"", ""
    parser = FormDataParser(stream_factory=lambda *_, **__: io.BytesIO())
    stream = io.BytesIO(request.body)
    _, _, files = parser.parse(stream, type, len(request.body), options)
    file = files.get("media")
    return (file.filename or "", file.read(), file.content_type or "") if file else ("", b"", "")


def download(state: State, _body: dict[str, Any], request: Request) -> Said:
    media_id = request.query.get("media_id", "")
    file = state.files.get(media_id, state.clock.now())
    if file is None:
        return refused(40007)
    if file.type == "video":
        return {"video_url": f"http://{request.host}{VIDEO}{media_id}"}
    return file


def show_video(state: State, request: Request) -> Response:
    """Where a video's address leads to; no token is asked for."""
    file = state.files.get(request.path.removeprefix(VIDEO), state.clock.now())
    if file is None:
        return Response(b"", "text/plain", 404)
    return Response(file.content, file.content_type, delay=state.round_trip)


def create_menu(state: State, body: dict[str, Any], _request: Request) -> Said:
    buttons = body.get("button")
    if not isinstance(buttons, list) or not 1 <= len(buttons) <= 3:
        return refused(40016)
    if not all(isinstance(button, dict) for button in buttons):
        return refused(47001)
    if any(len(button.get("sub_button", ())) > 5 for button in buttons):
        return refused(40023)
    state.menu = buttons
    return accepted()


def get_menu(state: State, _body: dict[str, Any], _request: Request) -> Said:
    return refused(46003) if state.menu is None else {"menu": {"button": state.menu}}


def delete_menu(state: State, _body: dict[str, Any], _request: Request) -> Said:
    state.menu = None
    return accepted()


def create_code(state: State, body: dict[str, Any], _request: Request) -> Said:
    action, info = body.get("action_name"), body.get("action_info")
    place = info.get("scene") if isinstance(info, dict) else None
    scene = place.get("scene_str") if isinstance(place, dict) else None
    seconds = body.get("expire_seconds", 60)
    if action not in ("QR_STR_SCENE", "QR_LIMIT_STR_SCENE"):
        return refused(40035)
    if not isinstance(scene, str) or not 1 <= len(scene) <= 64:
        return refused(40053)
    if not isinstance(seconds, int) or not 1 <= seconds <= _LONGEST_SCENE:
        return refused(40035)
    ticket = secrets.token_urlsafe(60) + "=="
    state.scenes[ticket] = scene
    if action == "QR_STR_SCENE":
        state.scene_ends[ticket] = state.clock.now() + timedelta(seconds=seconds)
    answer = {"ticket": ticket, "url": _address(ticket)}
    return answer | ({"expire_seconds": seconds} if action == "QR_STR_SCENE" else {})


def show_code(state: State, request: Request) -> Response:
    """The code's picture, a PNG; no token is asked for."""
    ticket = request.query.get("ticket", "")
    if not state.scene_of(ticket):
        return Response(b"", "text/plain", 404)
    picture = io.BytesIO()
    segno.make(_address(ticket), micro=False).save(picture, kind="png", scale=8)
    return Response(picture.getvalue(), "image/png", delay=state.round_trip)


def _address(ticket: str) -> str:
    """What stands in the code."""
    return f"http://weixin.qq.com/q/{quote(ticket[:16])}"
