"""The page's side of WeCom: groups, own chats with the bot, and the line between."""

from typing import Any

from flask import Blueprint, Response, jsonify, request

from bot.errors import SandboxProblem
from bot.simulator.controls import accepted, current, given, picture_in, text_in
from bot.simulator.office import Office, userid_of
from bot.simulator.wecom.connection import LongConnection

wecom = Blueprint("wecom", __name__, url_prefix="/api/wecom")


def state_of(office: Office | None) -> dict[str, Any] | None:
    """What there is of WeCom; None where it is not played."""
    if office is None:
        return None
    enterprise = office.enterprise
    long = isinstance(office.line, LongConnection)
    return {
        "bot": {"id": enterprise.bot.id, "name": enterprise.bot.name},
        "mode": "websocket" if long else "callback",
        "live": office.live,
        "refusing": office.refusing,
        "faults": office.chances(),
        "userids": {name: userid for userid, name in enterprise.members.items()},
        "groups": [
            {
                "chat": group.chatid,
                "name": group.name,
                "members": [name for id, name in enterprise.members.items() if id in group.members],
            }
            for group in enterprise.groups.values()
        ],
    }


@wecom.get("/chat/<chat>")
def chat(chat: str) -> Response:
    return jsonify(bubbles=_office().bubbles(_known(chat)))


@wecom.get("/raw/<chat>")
def raw(chat: str) -> Response:
    return jsonify(raw=_office().raw(_known(chat)))


@wecom.get("/limits/<chat>")
def limits(chat: str) -> Response:
    return jsonify(limits=_office().limits(_known(chat)))


@wecom.post("/say")
def say() -> tuple[Response, int]:
    asked = given()
    text, named = text_in(asked, "text", 2000), asked.get("named") is not False
    _office().say(_who(asked), text, _group(asked), named=named)
    return accepted()


@wecom.post("/voice")
def voice() -> tuple[Response, int]:
    asked = given()
    _office().voice(_who(asked), text_in(asked, "text", 500))
    return accepted()


@wecom.post("/picture")
def picture() -> tuple[Response, int]:
    asked: dict[str, Any] = request.form.to_dict()
    content, _ = picture_in()
    text, named = str(asked.get("text", "")).strip(), asked.get("named") != "false"
    _office().picture(_who(asked), content, text, _group(asked), named=named)
    return accepted()


@wecom.post("/enter")
def enter() -> tuple[Response, int]:
    _office().enter(_who(given()))
    return accepted()


@wecom.post("/tap")
def tap() -> tuple[Response, int]:
    asked = given()
    bubble, selected = asked.get("bubble"), asked.get("selected") or {}
    if (
        not isinstance(bubble, int)
        or not isinstance(selected, dict)
        or not all(isinstance(ids, list) for ids in selected.values())
    ):
        raise SandboxProblem("看不懂这个请求")
    chosen = {str(name): list(map(str, ids)) for name, ids in selected.items()}
    chat, key = _known(text_in(asked, "chat")), text_in(asked, "key", 1024)
    _office().tap(_who(asked), chat, bubble, key, chosen)
    return accepted()


@wecom.post("/faults")
def faults() -> tuple[Response, int]:
    for name, share in given().items():
        if not isinstance(share, (int, float)):
            raise SandboxProblem(f"没有“{name}”这种故障")
        _office().set_chance(name, min(1.0, max(0.0, float(share))))
    return accepted()


@wecom.post("/line")
def line() -> tuple[Response, int]:
    _office().break_line(text_in(given(), "how"))
    return accepted()


def _office() -> Office:
    office = current().office
    if office is None:
        raise SandboxProblem("这里没有企业微信")
    return office


def _who(asked: dict[str, Any]) -> str:
    """The userid of whoever is named."""
    userid = userid_of(text_in(asked, "name"))
    if userid not in _office().enterprise.members:
        raise SandboxProblem("企业里没有这个人")
    return userid


def _group(asked: dict[str, Any]) -> str:
    """The chatid, "" for the own chat."""
    chat = str(asked.get("chat") or "")
    if chat and chat not in _office().enterprise.groups:
        raise SandboxProblem("没有这个群")
    return chat


def _known(chat: str) -> str:
    if not _office().knows(chat):
        raise SandboxProblem("没有这个会话")
    return chat
