"""The sandbox's page: chats on one machine, live. It listens on this machine only."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict

from flask import Blueprint, Flask, Response, abort, jsonify, render_template, request
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from bot.errors import SandboxProblem
from bot.simulator.controls import (
    Controls,
    accepted,
    choice_in,
    current,
    given,
    picture_in,
    text_in,
)
from bot.simulator.hand import span_of
from bot.simulator.ledger import Faults
from bot.simulator.official_account import PushFaults
from bot.simulator.page_wecom import state_of, wecom
from bot.simulator.tour import Tour
from bot.simulator.world import Persona, spoken_time

__all__ = ["Controls", "create_page", "serve_page", "server_of"]

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


def create_page(controls: Controls) -> Flask:
    page = Flask(__name__)
    page.config["MAX_CONTENT_LENGTH"] = _LARGEST
    page.extensions["controls"] = controls
    page.register_blueprint(pages)
    page.register_blueprint(wecom)
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
    controls = current()
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
        wecom=state_of(controls.office),
    )  # fmt: skip


def _tour(tour: Tour | None) -> list[dict[str, str]]:
    return [{"title": step.title, "text": step.text} for step in tour.steps] if tour else []


@pages.get("/api/chat/<openid>")
def chat(openid: str) -> Response:
    return jsonify(bubbles=current().world.bubbles(_known(openid)))


@pages.get("/api/raw/<openid>")
def raw(openid: str) -> Response:
    return jsonify(raw=current().world.raw(_known(openid)))


@pages.get("/api/person/<openid>")
def person(openid: str) -> Response:
    world = current().world
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
    feed = current().world.feed
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
    world = current().world
    file = world.api.files.get(media_id, world.clock.now())
    if file is None or not file.content_type.startswith(("image/", "audio/", "video/")):
        abort(404)
    return Response(file.content, mimetype=file.content_type)


# What is done


@pages.post("/api/say")
def say() -> tuple[Response, int]:
    asked = given()
    text = text_in(asked, "text", 2000)
    current().world.say(text_in(asked, "openid"), text, str(asked.get("menu_id") or ""))
    return accepted()


@pages.post("/api/voice")
def voice() -> tuple[Response, int]:
    asked = given()
    current().world.voice(text_in(asked, "openid"), str(asked.get("text") or "")[:500])
    return accepted()


@pages.post("/api/picture")
def picture() -> tuple[Response, int]:
    content, type = picture_in()
    current().world.picture(str(request.form.get("openid", "")), content, type, request.host_url)
    return accepted()


@pages.post("/api/tap")
def tap() -> tuple[Response, int]:
    asked = given()
    path = asked.get("path")
    if not isinstance(path, list) or not all(isinstance(index, int) for index in path):
        raise SandboxProblem("菜单里没有这一项")
    current().world.tap(text_in(asked, "openid"), path)
    return accepted()


@pages.post("/api/follow")
def follow() -> tuple[Response, int]:
    asked = given()
    current().world.follow(_known(text_in(asked, "openid")), str(asked.get("ticket") or ""))
    return accepted()


@pages.post("/api/unfollow")
def unfollow() -> tuple[Response, int]:
    current().world.unfollow(text_in(given(), "openid"))
    return accepted()


@pages.post("/api/scan")
def scan() -> tuple[Response, int]:
    asked = given()
    current().world.scan(_known(text_in(asked, "openid")), text_in(asked, "ticket"))
    return accepted()


@pages.post("/api/agree")
def agree() -> tuple[Response, int]:
    asked = given()
    openid, template = text_in(asked, "openid"), text_in(asked, "template")
    current().world.agree(openid, template, accept=asked.get("accept") is True)
    return accepted()


@pages.post("/api/clock")
def clock() -> tuple[Response, int]:
    controls = current()
    controls.hand.forward(span_of(text_in(given(), "step"), controls.world.clock.now()))
    controls.world.feed.add("state")
    return accepted()


@pages.post("/api/faults")
def faults() -> tuple[Response, int]:
    world, asked = current().world, given()
    for name, share in asked.items():
        if name not in (*_CHANCES, *_WAYS) or not isinstance(share, (int, float)):
            raise SandboxProblem(f"没有“{name}”这种故障")
        target: Faults | PushFaults = world.platform.faults if name in _WAYS else world.api.faults
        setattr(target, name, min(1.0, max(0.0, float(share))))
    world.feed.add("state")
    return accepted()


@pages.post("/api/profile")
def profile() -> tuple[Response, int]:
    """Whoever runs the bot may take a moment over it."""
    controls, asked = current(), given()
    arguments = choice_in(asked, "kind", _KINDS), asked.get("verified") is True
    change = controls.profile or controls.world.become
    threading.Thread(target=change, args=arguments, daemon=True).start()
    return accepted()


@pages.post("/api/push")
def push() -> tuple[Response, int]:
    world, asked = current().world, given()
    platform, attempts = world.platform, asked.get("attempts")
    if "mode" in asked:
        mode = choice_in(asked, "mode", _MODES)
        if mode != "plain" and not platform.account.encoding_aes_key:
            raise SandboxProblem("没有 EncodingAESKey，只能用明文")
        platform.mode = mode  # type: ignore[assignment]
    if "format" in asked:
        platform.format = choice_in(asked, "format", _FORMATS)  # type: ignore[assignment]
    if isinstance(attempts, int):
        platform.attempts = min(5, max(1, attempts))
    world.feed.add("state")
    return accepted()


@pages.post("/api/persona")
def persona() -> tuple[Response, int]:
    name = text_in(given(), "name", _NAME_LIMIT)
    controls = current()
    controls.world.add(Persona(name, "其他", following=False))
    if controls.office:
        controls.office.add(name)
    return accepted()


@pages.post("/api/tour")
def tour() -> tuple[Response, int]:
    step, found = given().get("step"), current().tour
    if found is None or not isinstance(step, int):
        raise SandboxProblem("这里没有导览")
    found.start(step)
    return accepted()


def _known(openid: str) -> str:
    if openid not in current().world.personas:
        raise SandboxProblem("没有这个人")
    return openid
