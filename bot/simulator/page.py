"""The sandbox's chat page: choose who writes, send a message, read the reply."""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from flask import Flask, redirect, render_template, request
from werkzeug.serving import make_server
from werkzeug.wrappers import Response

from bot.errors import SandboxProblem
from bot.simulator.official_account import Platform

PEOPLE = ("成员01", "成员02", "成员03", "新同学")
_KEPT = 200
_TEXT_LIMIT = 2000


@dataclass(frozen=True)
class Line:
    text: str
    mine: bool


def create_page(platform: Platform) -> Flask:
    page = Flask(__name__, static_folder=None)
    page.config["MAX_CONTENT_LENGTH"] = 64 * 1024
    chats: dict[str, list[Line]] = {name: [] for name in PEOPLE}

    @page.get("/")
    def show() -> str:
        who = request.args.get("who", PEOPLE[0])
        who = who if who in chats else PEOPLE[0]
        return render_template("chat.html", people=PEOPLE, who=who, lines=chats[who])

    @page.post("/send")
    def send() -> Response:
        who, text = request.form.get("who", ""), request.form.get("text", "").strip()
        if who not in chats or not text:
            return redirect("/")
        lines = chats[who]
        lines.append(Line(text[:_TEXT_LIMIT], mine=True))
        try:
            answer = platform.text(_openid(who), text[:_TEXT_LIMIT]).text
        except SandboxProblem as problem:
            answer = f"（平台不会显示这个回复：{problem}）"
        if answer:
            lines.append(Line(answer, mine=False))
        del lines[:-_KEPT]
        return redirect(f"/?who={who}")

    return page


def serve_page(platform: Platform, port: int, ready: Callable[[str], None]) -> None:
    """Serve the page on 127.0.0.1 until interrupted; `ready` gets its address."""
    server = make_server("127.0.0.1", port, create_page(platform), threaded=True)
    ready(f"http://127.0.0.1:{server.server_port}/")
    server.serve_forever()


def _openid(who: str) -> str:
    return "o" + sha256(who.encode()).hexdigest()[:27]
