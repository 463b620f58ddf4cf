"""The platform's API for one account, over real HTTP: tokens, messages, files, menu, scene codes.

What it answers is what https://developers.weixin.qq.com/doc/service/api/ says, with the error
codes of https://developers.weixin.qq.com/doc/service/en/guide/dev/api/errcode.html.
"""

import io
import itertools
import json
import secrets
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal
from urllib.parse import quote

from flask import Flask
from werkzeug.formparser import FormDataParser
from werkzeug.http import parse_options_header
from werkzeug.serving import make_server

from bot.clock import Clock
from bot.simulator.ledger import (
    Fault,
    Faults,
    File,
    Files,
    Heard,
    Quotas,
    Sent,
    Windows,
    wrong_field,
)
from bot.simulator.server import Request, Response, serving

TOKEN_LIFE = timedelta(seconds=7200)
# In this last part of a token's life a new one is given, and both are good.
_OVERLAP = timedelta(minutes=5)
_REPEAT = timedelta(minutes=10)
_TEXT_LIMIT = 2048
_LONGEST_SCENE = 2_592_000
_VIDEO = "/sandbox/video/"
_MESSAGE_TYPES = (
    "text", "image", "voice", "video", "music", "news", "mpnews", "mpnewsarticle", "msgmenu",
    "wxcard", "miniprogrampage",
)  # fmt: skip
_SAYINGS: Mapping[int, str] = {
    40001: "invalid credential, access_token is invalid or not latest",
    42001: "access_token expired",
    45009: "reach max api daily quota limit",
    45015: "response out of time limit or subscription is canceled",
    45047: "out of response count limit",
    48001: "api unauthorized",
    -1: "system error",
}

Profile = tuple[Literal["subscription", "service"], bool]
_VERIFIED: frozenset[Profile] = frozenset({("subscription", True), ("service", True)})
_SERVICE: frozenset[Profile] = frozenset({("service", True)})
_WITH_MENU: frozenset[Profile] = _VERIFIED | {("service", False)}


@dataclass
class Api:
    """What the platform knows of one account. Several threads may call it.

    `kind` and `verified` say what the account may do. `allowed` is the list of addresses; None
    lets everybody in. `followers`: None means everybody; `blocking` refuse the account's templates
    (the call succeeds, the event says otherwise). `templates`: None knows every id. `refuse`
    answers the next calls to a path with these codes. `faults` happen by chance, `next_faults` to
    the next calls in turn. `round_trip` is in seconds, for every answer.

    `sent` are the messages that arrived and `events` what the platform would tell the bot (the
    fields for Platform.push), `calls` the paths that were called; all oldest first.
    """

    app_id: str
    secret: str
    clock: Clock
    allowed: tuple[str, ...] | None = None
    kind: Literal["subscription", "service"] = "service"
    verified: bool = True
    id: str = "gh_sandbox00001"
    followers: set[str] | None = None
    blocking: set[str] = field(default_factory=set)
    templates: set[str] | None = None
    round_trip: float = 0.0
    refuse: dict[str, list[int]] = field(default_factory=dict)
    faults: Faults = field(default_factory=Faults)
    next_faults: deque[Fault] = field(default_factory=deque)
    quotas: Quotas = field(default_factory=Quotas)
    files: Files = field(default_factory=Files)
    sent: list[Sent] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    menu: list[dict[str, Any]] | None = None
    scenes: dict[str, str] = field(default_factory=dict)
    _windows: Windows = field(default_factory=Windows)
    _consents: dict[tuple[str, str], int] = field(default_factory=dict)
    _repeats: dict[tuple[str, str], tuple[int, datetime]] = field(default_factory=dict)
    _ids: Iterator[int] = field(default_factory=lambda: itertools.count(2_400_000_000_000_000_000))
    _tokens: dict[str, datetime] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def revoke(self) -> None:
        """Every token that there is stops being good, as when the secret is reset."""
        with self._lock:
            self._tokens.clear()

    def heard(self, openid: str, kind: Heard) -> None:
        """The member did something that lets the account write to them."""
        with self._lock:
            self._windows.heard(openid, kind, self.clock.now())

    def consent(self, openid: str, template_id: str) -> None:
        """The member has agreed to one more notification."""
        with self._lock:
            key = openid, template_id
            self._consents[key] = self._consents.get(key, 0) + 1

    def receive(self, type: str, content: bytes, content_type: str) -> str:
        """A member sends a file: its media id."""
        with self._lock:
            return self.files.store(File(type, content, content_type, self.clock.now()))

    def handle(self, request: Request) -> Response:
        """One call. The delays are for the caller to wait, without our lock."""
        if request.path.startswith(_VIDEO):
            return self._video(request.path.removeprefix(_VIDEO))
        body = _json(request.body) if request.method == "POST" else {}
        with self._lock:
            self.calls.append(request.path)
            fault = None if request.path == "/cgi-bin/stable_token" else self._fault()
            if fault == "http_error":
                return Response(b"<html>Bad Gateway</html>", "text/html", 502, self.round_trip)
            if fault == "revoke":
                self._tokens.clear()
            answer = self._answer(request, body, fault)
        delay = self.round_trip + (self.faults.slow_seconds if fault == "slow" else 0.0)
        drop = fault == "drop"
        if isinstance(answer, File):
            return Response(answer.content, answer.content_type, delay=delay, drop=drop)
        text = json.dumps(answer, ensure_ascii=False).encode()
        return Response(text, delay=delay, drop=drop)

    def _fault(self) -> Fault | None:
        return self.next_faults.popleft() if self.next_faults else self.faults.draw()

    def _answer(
        self, request: Request, body: dict[str, Any] | None, fault: Fault | None
    ) -> "dict[str, Any] | File":
        path, now = request.path, self.clock.now()
        if codes := self.refuse.get(path):
            return _refused(codes.pop(0))
        if fault == "busy":
            return _refused(-1)
        if path == "/cgi-bin/stable_token":
            return self._stable_token(body or {}, request.address)
        if path not in _ENDPOINTS:
            return _refused(40066)
        method, profiles, endpoint = _ENDPOINTS[path]
        if request.method != method:
            return _refused(43001 if method == "GET" else 43002)
        token = request.query.get("access_token", "")
        if not token:
            return _refused(41001)
        if self._tokens.get(token, now) <= now:
            return _refused(40001 if token not in self._tokens else 42001)
        if (self.kind, self.verified) not in profiles:
            return _refused(48001)
        if not self.quotas.take(path, now) or fault == "quota":
            return _refused(45009)
        if body is None and path != "/cgi-bin/media/upload":
            return _refused(47001)
        return endpoint(self, body or {}, request)

    def _stable_token(self, body: dict[str, Any], address: str) -> dict[str, Any]:
        if body.get("appid") != self.app_id:
            return _refused(40013)
        if body.get("secret") != self.secret:
            return _refused(40125)
        if self.allowed is not None and address not in self.allowed:
            return _refused(40164)
        now = self.clock.now()
        if not self.quotas.take("/cgi-bin/stable_token", now):
            return _refused(45009)
        token = next((t for t, end in self._tokens.items() if end - now > _OVERLAP), None)
        if token is None or body.get("force_refresh"):
            token = secrets.token_urlsafe(64)
            self._tokens[token] = now + TOKEN_LIFE
        left = int((self._tokens[token] - now).total_seconds())
        return {"access_token": token, "expires_in": left}

    def _custom(self, body: dict[str, Any], _request: Request) -> dict[str, Any]:
        now = self.clock.now()
        code = self._recipient(body) or self._content(body, now)
        code = code or self._windows.take(body["touser"], now)
        if code:
            return _refused(code)
        self._deliver("/cgi-bin/message/custom/send", body)
        return {"errcode": 0, "errmsg": "ok"}

    def _content(self, body: dict[str, Any], now: datetime) -> int:
        type = body.get("msgtype")
        content = body.get(type) if type in _MESSAGE_TYPES else None
        if not isinstance(content, dict):
            return 40008
        if type == "text":
            text = content.get("content")
            if not isinstance(text, str) or not text:
                return 44004
            return 45002 if len(text.encode(errors="replace")) > _TEXT_LIMIT else 0
        if type in ("image", "voice", "video"):
            file = self.files.get(str(content.get("media_id", "")), now)
            return 0 if file and file.type == type else 40007
        return 0

    def _template(self, body: dict[str, Any], _request: Request) -> dict[str, Any]:
        openid, now = body.get("touser"), self.clock.now()
        if code := self._recipient(body) or self._fields(body):
            return _refused(code)
        key = str(openid), str(body.get("client_msg_id", ""))
        known = self._repeats.get(key)
        if key[1] and known and now < known[1] + _REPEAT:
            return {"errcode": 0, "errmsg": "ok", "msgid": known[0]}
        number = next(self._ids)
        self._repeats[key] = number, now
        blocked = openid in self.blocking
        if not blocked:
            self._deliver("/cgi-bin/message/template/send", body)
        status = "failed:user block" if blocked else "success"
        more = {"MsgID": str(number), "Status": status}
        self._tell(str(openid), "TEMPLATESENDJOBFINISH", more)
        return {"errcode": 0, "errmsg": "ok", "msgid": number}

    def _bizsend(self, body: dict[str, Any], _request: Request) -> dict[str, Any]:
        """Whether a follower is meant, the page does not say: only the consent is looked at."""
        openid, template = str(body.get("touser", "")), str(body.get("template_id", ""))
        if code := (0 if openid.startswith("o") else 40003) or self._fields(body):
            return _refused(code)
        left = self._consents.get((openid, template), 0)
        if left == 0:
            return _refused(43101)
        self._consents[openid, template] = left - 1
        self._deliver("/cgi-bin/message/subscribe/bizsend", body)
        item = {"TemplateId": template, "MsgID": str(next(self._ids))}
        item |= {"ErrorCode": "0", "ErrorStatus": "success"}
        more = {"SubscribeMsgSentEvent": {"List": item}}
        self._tell(openid, "subscribe_msg_sent_event", more)
        return {"errcode": 0, "errmsg": "ok"}

    def _recipient(self, body: dict[str, Any]) -> int:
        openid = body.get("touser")
        if not isinstance(openid, str) or not openid.startswith("o"):
            return 40003
        return 43004 if self.followers is not None and openid not in self.followers else 0

    def _fields(self, body: dict[str, Any]) -> int:
        template = body.get("template_id")
        if not isinstance(template, str) or not template:
            return 40037
        if self.templates is not None and template not in self.templates:
            return 40037
        return 0 if wrong_field(body.get("data")) is None else 47003

    def _deliver(self, path: str, body: dict[str, Any]) -> None:
        key = str(body.get("client_msg_id", ""))
        self.sent.append(Sent(body["touser"], path, body, self.clock.now(), key))

    def _tell(self, openid: str, event: str, more: Mapping[str, Any]) -> None:
        ends = {"ToUserName": self.id, "FromUserName": openid}
        self.events.append({**ends, "MsgType": "event", "Event": event, **more})

    def _upload(self, _body: dict[str, Any], request: Request) -> dict[str, Any]:
        type, (content, content_type) = request.query.get("type", ""), _file(request)
        if code := self.files.refusal(type, content):
            return _refused(code)
        now = self.clock.now()
        media_id = self.files.store(File(type, content, content_type, now))
        return {"type": type, "media_id": media_id, "created_at": int(now.timestamp())}

    def _download(self, _body: dict[str, Any], request: Request) -> "dict[str, Any] | File":
        media_id = request.query.get("media_id", "")
        file = self.files.get(media_id, self.clock.now())
        if file is None:
            return _refused(40007)
        if file.type == "video":
            return {"video_url": f"http://{request.host}{_VIDEO}{media_id}"}
        return file

    def _video(self, media_id: str) -> Response:
        """Where a video's address leads to; no token is asked for."""
        file = self.files.get(media_id, self.clock.now())
        if file is None:
            return Response(b"", "text/plain", 404)
        return Response(file.content, file.content_type, delay=self.round_trip)

    def _create_menu(self, body: dict[str, Any], _request: Request) -> dict[str, Any]:
        buttons = body.get("button")
        if not isinstance(buttons, list) or not 1 <= len(buttons) <= 3:
            return _refused(40016)
        if not all(isinstance(button, dict) for button in buttons):
            return _refused(47001)
        if any(len(button.get("sub_button", ())) > 5 for button in buttons):
            return _refused(40023)
        self.menu = buttons
        return {"errcode": 0, "errmsg": "ok"}

    def _get_menu(self, _body: dict[str, Any], _request: Request) -> dict[str, Any]:
        return _refused(46003) if self.menu is None else {"menu": {"button": self.menu}}

    def _delete_menu(self, _body: dict[str, Any], _request: Request) -> dict[str, Any]:
        self.menu = None
        return {"errcode": 0, "errmsg": "ok"}

    def _create_code(self, body: dict[str, Any], _request: Request) -> dict[str, Any]:
        action, info = body.get("action_name"), body.get("action_info")
        place = info.get("scene") if isinstance(info, dict) else None
        scene = place.get("scene_str") if isinstance(place, dict) else None
        seconds = body.get("expire_seconds", 60)
        if action not in ("QR_STR_SCENE", "QR_LIMIT_STR_SCENE"):
            return _refused(40035)
        if not isinstance(scene, str) or not 1 <= len(scene) <= 64:
            return _refused(40053)
        if not isinstance(seconds, int) or not 1 <= seconds <= _LONGEST_SCENE:
            return _refused(40035)
        ticket = secrets.token_urlsafe(60) + "=="
        self.scenes[ticket] = scene
        answer = {"ticket": ticket, "url": f"http://weixin.qq.com/q/{quote(ticket[:16])}"}
        return answer | ({"expire_seconds": seconds} if action == "QR_STR_SCENE" else {})


_Endpoint = Callable[[Api, dict[str, Any], Request], "dict[str, Any] | File"]
_ENDPOINTS: Mapping[str, tuple[Literal["GET", "POST"], frozenset[Profile], _Endpoint]] = {
    "/cgi-bin/message/custom/send": ("POST", _VERIFIED, Api._custom),
    "/cgi-bin/message/template/send": ("POST", _SERVICE, Api._template),
    "/cgi-bin/message/subscribe/bizsend": ("POST", _SERVICE, Api._bizsend),
    "/cgi-bin/media/upload": ("POST", _VERIFIED, Api._upload),
    "/cgi-bin/media/get": ("GET", _VERIFIED, Api._download),
    "/cgi-bin/menu/create": ("POST", _WITH_MENU, Api._create_menu),
    "/cgi-bin/menu/get": ("GET", _WITH_MENU, Api._get_menu),
    "/cgi-bin/menu/delete": ("GET", _WITH_MENU, Api._delete_menu),
    "/cgi-bin/qrcode/create": ("POST", _SERVICE, Api._create_code),
}


def _refused(code: int) -> dict[str, Any]:
    rid = "-".join(secrets.token_hex(4) for _ in range(3))
    said = _SAYINGS.get(code, f"sandbox says {code}")
    return {"errcode": code, "errmsg": f"{said} rid: {rid}"}


def _json(body: bytes) -> dict[str, Any] | None:
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return fields if isinstance(fields, dict) else None


def _file(request: Request) -> tuple[bytes, str]:
    """The form's file `media` and its content type; b"" when there is none."""
    type, options = parse_options_header(request.content_type)
    if type != "multipart/form-data" or "boundary" not in options:
        return b"", ""
    parser = FormDataParser(stream_factory=lambda *_, **__: io.BytesIO())
    stream = io.BytesIO(request.body)
    _, _, files = parser.parse(stream, type, len(request.body), options)
    file = files.get("media")
    return (file.read(), file.content_type or "") if file else (b"", "")


@contextmanager
def serving_api(api: Api) -> Iterator[str]:
    """The API behind a real socket; yields its base URL."""
    with serving(api.handle) as base:
        yield base


@contextmanager
def serving_app(app: Flask) -> Iterator[str]:
    """Any application behind a real socket; yields its base URL."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
