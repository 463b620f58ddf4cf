"""The sandbox's page: chats on one machine, live. It listens on this machine only."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from flask import Blueprint, Flask, Response, abort, current_app, jsonify, render_template, request
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from bot.errors import SandboxProblem
from bot.simulator.hand import Hand, span_of
from bot.simulator.ledger import Faults
from bot.simulator.official_account import PushFaults
from bot.simulator.tour import Tour
from bot.simulator.world import Persona, World, spoken_time

_LARGEST = 12 * 1024 * 1024
_NAME_LIMIT = 20
# Seconds without an event after which the line is kept open by a comment.
_QUIET = 15.0
_LOCAL = ("127.0.0.1", "localhost", "[::1]")
_POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; style-src 'self'; script-src 'self';"
    " frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)
_MODES, _FORMATS = ("safe", "compatible", "plain"), ("xml", "json")
_KINDS = ("service", "subscription")
_CHANCES = ("slow", "drop", "http_error", "busy", "quota", "revoke")
_WAYS = ("duplicate", "reorder")
pages = Blueprint("pages", __name__)


@dataclass(frozen=True)
class Controls:
    """What the page may do beside chatting. `profile` makes it another kind of account, for the
    bot as well where somebody can set that up; it may take a moment.
    """

    world: World
    hand: Hand
    tour: Tour | None = None
    profile: Callable[[str, bool], None] | None = None


def create_page(controls: Controls) -> Flask:
    page = Flask(__name__)
    page.config["MAX_CONTENT_LENGTH"] = _LARGEST
    page.extensions["controls"] = controls
    page.register_blueprint(pages)
    return page


def server_of(controls: Controls, port: int = 0) -> BaseWSGIServer:
    """A server for the page on 127.0.0.1 (0: a free port), not running yet."""
    page = create_page(controls)
    return make_server("127.0.0.1", port, page, threaded=True, request_handler=_Quiet)


def serve_page(controls: Controls, port: int, ready: Callable[[str], None]) -> None:
    """Serve the page on 127.0.0.1 until interrupted; `ready` gets its address."""
    server = server_of(controls, port)
    ready(f"http://127.0.0.1:{server.server_port}/")
    try:
        server.serve_forever(0.05)
    finally:
        controls.world.close()
        server.server_close()


class _Quiet(WSGIRequestHandler):
    """Says nothing of each request."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        return


def _controls() -> Controls:
    found: Controls = current_app.extensions["controls"]
    return found


@pages.before_app_request
def guard() -> None:
    """Another page in the same browser can neither read this one nor press its buttons: it has
    another host name, and cannot send our header.
    """
    if request.host.rsplit(":", 1)[0] not in _LOCAL:
        abort(403)
    if request.method == "POST" and request.headers.get("X-Sandbox") != "1":
        abort(403)


@pages.after_app_request
def harden(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


@pages.app_errorhandler(SandboxProblem)
def refuse(problem: SandboxProblem) -> tuple[Response, int]:
    return jsonify(error=str(problem)), 409


@pages.app_errorhandler(413)
def too_large(_error: Exception) -> tuple[Response, int]:
    return jsonify(error="这个文件太大了，最多 10 MB"), 413


# What is seen


@pages.get("/")
def show() -> str:
    return render_template("chat.html")


@pages.get("/api/state")
def state() -> Response:
    controls = _controls()
    world, api = controls.world, controls.world.api
    platform = world.platform
    people = [
        {**asdict(one), "openid": one.openid, "following": world.follows(one.openid)}
        for one in list(world.personas.values())
    ]
    faults = {name: getattr(api.faults, name) for name in _CHANCES}
    faults |= {name: getattr(platform.faults, name) for name in _WAYS}
    return jsonify(
        personas=people,
        account={
            "name": world.name, "id": api.id, "kind": api.kind, "verified": api.verified,
        },
        clock={
            "now": spoken_time(world.clock.now()),
            "offset": controls.hand.clock.offset().total_seconds(),
        },
        faults=faults,
        push={"mode": platform.mode, "format": platform.format, "attempts": platform.attempts},
        menu=api.menu,
        scenes=[{"ticket": ticket, "scene": scene} for ticket, scene in api.scenes.items()],
        templates=list(world.templates),
        tour=_tour(controls.tour),
    )  # fmt: skip


def _tour(tour: Tour | None) -> list[dict[str, str]]:
    return [{"title": step.title, "text": step.text} for step in tour.steps] if tour else []


@pages.get("/api/chat/<openid>")
def chat(openid: str) -> Response:
    return jsonify(bubbles=_controls().world.bubbles(_known(openid)))


@pages.get("/api/raw/<openid>")
def raw(openid: str) -> Response:
    return jsonify(raw=_controls().world.raw(_known(openid)))


@pages.get("/api/person/<openid>")
def person(openid: str) -> Response:
    world = _controls().world
    api = world.api
    return jsonify(
        following=world.follows(_known(openid)),
        windows=[
            {
                "name": window.name, "left": window.left,
                "until": spoken_time(window.until) if window.until else None,
            }
            for window in api.windows(openid)
        ],
        consents=[
            {"template": name, "count": count} for name, count in api.consents(openid).items()
        ],
        quotas=[
            {"path": use.path, "used": use.used, "limit": use.limit} for use in api.used()
        ],
        sent_today=world.sent_today(openid),
    )  # fmt: skip


@pages.get("/api/events")
def events() -> Response:
    feed = _controls().world.feed
    after = request.headers.get("Last-Event-ID") or request.args.get("after") or ""
    start = int(after) if after.isdigit() else feed.last

    def stream() -> Iterator[str]:
        number = start
        yield ": here\n\n"
        while not feed.closed:
            found = feed.after(number, _QUIET)
            for event in found:
                number = event["id"]
                yield f"id: {number}\ndata: {json.dumps(event, ensure_ascii=False)}\n\n"
            if not found:
                yield ": still here\n\n"

    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return Response(stream(), mimetype="text/event-stream", headers=headers)


@pages.get("/media/<media_id>")
def media(media_id: str) -> Response:
    world = _controls().world
    file = world.api.files.get(media_id, world.clock.now())
    if file is None or not file.content_type.startswith(("image/", "audio/", "video/")):
        abort(404)
    return Response(file.content, mimetype=file.content_type)


# What is done


@pages.post("/api/say")
def say() -> tuple[Response, int]:
    given = _given()
    text = _text(given, "text", 2000)
    _controls().world.say(_text(given, "openid"), text, str(given.get("menu_id") or ""))
    return _accepted()


@pages.post("/api/voice")
def voice() -> tuple[Response, int]:
    given = _given()
    _controls().world.voice(_text(given, "openid"), str(given.get("text") or "")[:500])
    return _accepted()


@pages.post("/api/picture")
def picture() -> tuple[Response, int]:
    file = request.files.get("file")
    content = file.read() if file else b""
    if file is None or not content or not (file.mimetype or "").startswith("image/"):
        raise SandboxProblem("请选一张图片")
    openid = str(request.form.get("openid", ""))
    _controls().world.picture(openid, content, file.mimetype or "", request.host_url)
    return _accepted()


@pages.post("/api/tap")
def tap() -> tuple[Response, int]:
    given = _given()
    path = given.get("path")
    if not isinstance(path, list) or not all(isinstance(index, int) for index in path):
        raise SandboxProblem("菜单里没有这一项")
    _controls().world.tap(_text(given, "openid"), path)
    return _accepted()


@pages.post("/api/follow")
def follow() -> tuple[Response, int]:
    given = _given()
    _controls().world.follow(_known(_text(given, "openid")), str(given.get("ticket") or ""))
    return _accepted()


@pages.post("/api/unfollow")
def unfollow() -> tuple[Response, int]:
    _controls().world.unfollow(_text(_given(), "openid"))
    return _accepted()


@pages.post("/api/scan")
def scan() -> tuple[Response, int]:
    given = _given()
    _controls().world.scan(_known(_text(given, "openid")), _text(given, "ticket"))
    return _accepted()


@pages.post("/api/agree")
def agree() -> tuple[Response, int]:
    given = _given()
    openid, template = _text(given, "openid"), _text(given, "template")
    _controls().world.agree(openid, template, accept=given.get("accept") is True)
    return _accepted()


@pages.post("/api/clock")
def clock() -> tuple[Response, int]:
    controls = _controls()
    controls.hand.forward(span_of(_text(_given(), "step"), controls.world.clock.now()))
    controls.world.feed.add("state")
    return _accepted()


@pages.post("/api/faults")
def faults() -> tuple[Response, int]:
    world, given = _controls().world, _given()
    for name, share in given.items():
        if name not in (*_CHANCES, *_WAYS) or not isinstance(share, (int, float)):
            raise SandboxProblem(f"没有“{name}”这种故障")
        target: Faults | PushFaults = world.platform.faults if name in _WAYS else world.api.faults
        setattr(target, name, min(1.0, max(0.0, float(share))))
    world.feed.add("state")
    return _accepted()


@pages.post("/api/profile")
def profile() -> tuple[Response, int]:
    """Whoever runs the bot may take a moment over it."""
    controls, given = _controls(), _given()
    arguments = _choice(given, "kind", _KINDS), given.get("verified") is True
    change = controls.profile or controls.world.become
    threading.Thread(target=change, args=arguments, daemon=True).start()
    return _accepted()


@pages.post("/api/push")
def push() -> tuple[Response, int]:
    world, given = _controls().world, _given()
    platform, attempts = world.platform, given.get("attempts")
    if "mode" in given:
        mode = _choice(given, "mode", _MODES)
        if mode != "plain" and not platform.account.encoding_aes_key:
            raise SandboxProblem("没有 EncodingAESKey，只能用明文")
        platform.mode = mode  # type: ignore[assignment]
    if "format" in given:
        platform.format = _choice(given, "format", _FORMATS)  # type: ignore[assignment]
    if isinstance(attempts, int):
        platform.attempts = min(5, max(1, attempts))
    world.feed.add("state")
    return _accepted()


@pages.post("/api/persona")
def persona() -> tuple[Response, int]:
    name = _text(_given(), "name", _NAME_LIMIT)
    _controls().world.add(Persona(name, "其他", following=False))
    return _accepted()


@pages.post("/api/tour")
def tour() -> tuple[Response, int]:
    step, found = _given().get("step"), _controls().tour
    if found is None or not isinstance(step, int):
        raise SandboxProblem("这里没有导览")
    found.start(step)
    return _accepted()


def _given() -> dict[str, Any]:
    given = request.get_json(silent=True)
    if not isinstance(given, dict):
        raise SandboxProblem("看不懂这个请求")
    return given


def _text(given: dict[str, Any], name: str, limit: int = 200) -> str:
    value = given.get(name)
    if not isinstance(value, str) or not value.strip():
        raise SandboxProblem("内容是空的")
    return value.strip()[:limit]


def _choice(given: dict[str, Any], name: str, known: tuple[str, ...]) -> str:
    value = given.get(name)
    if value not in known:
        raise SandboxProblem(f"没有“{value}”这一种")
    return str(value)


def _known(openid: str) -> str:
    if openid not in _controls().world.personas:
        raise SandboxProblem("没有这个人")
    return openid


def _accepted() -> tuple[Response, int]:
    return jsonify({}), 202
