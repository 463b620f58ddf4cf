"""What the page may do, and how its requests are read."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Response, current_app, jsonify, request

from bot.errors import SandboxProblem
from bot.simulator.hand import Hand
from bot.simulator.office import Office
from bot.simulator.tour import Tour
from bot.simulator.world import World


@dataclass(frozen=True)
class Controls:
    """What the page may do beside chatting. `profile` makes it another kind of account, for the
    bot as well where somebody can set that up; it may take a moment. `office` is WeCom's side.
    """

    world: World
    hand: Hand
    tour: Tour | None = None
    profile: Callable[[str, bool], None] | None = None
    office: Office | None = None


def current() -> Controls:
    found: Controls = current_app.extensions["controls"]
    return found


# Each raises SandboxProblem for what it cannot read.


def given() -> dict[str, Any]:
    """The request's JSON."""
    found = request.get_json(silent=True)
    if not isinstance(found, dict):
        raise SandboxProblem("看不懂这个请求")
    return found


def text_in(given: dict[str, Any], name: str, limit: int = 200) -> str:
    value = given.get(name)
    if not isinstance(value, str) or not value.strip():
        raise SandboxProblem("内容是空的")
    return value.strip()[:limit]


def choice_in(given: dict[str, Any], name: str, known: tuple[str, ...]) -> str:
    value = given.get(name)
    if value not in known:
        raise SandboxProblem(f"没有“{value}”这一种")
    return str(value)


def picture_in() -> tuple[bytes, str]:
    """The form's picture and its type."""
    file = request.files.get("file")
    content = file.read() if file else b""
    if file is None or not content or not (file.mimetype or "").startswith("image/"):
        raise SandboxProblem("请选一张图片")
    return content, file.mimetype or ""


def accepted() -> tuple[Response, int]:
    return jsonify({}), 202
