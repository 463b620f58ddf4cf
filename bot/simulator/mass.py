"""Messages to everybody, or to a list of members, and the articles that they can be.

https://developers.weixin.qq.com/doc/service/api/notify/message/api_sendall
"""

import json
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from bot.simulator.answers import Said, accepted, refused
from bot.simulator.ledger import File
from bot.simulator.messages import file_refusal, text_refusal
from bot.simulator.server import Request
from bot.simulator.state import State

# Who tells the bot what became of it.
_HELPER = "mphelper"
_LONGEST_KEY = 64
_MOST_OPENIDS = 10_000
_MOST_ARTICLES = 8


def to_openids(state: State, body: dict[str, Any], request: Request) -> Said:
    openids = body.get("touser")
    if not isinstance(openids, list) or not 2 <= len(openids) <= _MOST_OPENIDS:
        return refused(40130)
    if not all(isinstance(openid, str) and openid.startswith("o") for openid in openids):
        return refused(40003)
    return _send(state, body, request.path, list(dict.fromkeys(openids)))


def to_all(state: State, body: dict[str, Any], request: Request) -> Said:
    """There are no tags, so that only `is_to_all` reaches somebody."""
    chosen = body.get("filter")
    if not isinstance(chosen, dict) or chosen.get("is_to_all") is not True:
        return refused(45159)
    return _send(state, body, request.path, state.people())


def _send(state: State, body: dict[str, Any], path: str, audience: Sequence[str]) -> Said:
    now, key = state.clock.now(), body.get("clientmsgid") or _digest(path, body)
    if not isinstance(key, str) or len(key.encode(errors="replace")) > _LONGEST_KEY:
        return refused(45067)
    if code := _content_refusal(state, body):
        return refused(code)
    if (known := state.masses.known(key, now)) is not None:
        return refused(45065, msg_id=known)
    if state.kind == "subscription" and not state.masses.take_day(now):
        return refused(45028)
    number = next(state.ids)
    state.masses.remember(key, number, now)
    reached = [
        openid
        for openid in audience
        if (state.followers is None or openid in state.followers)
        and openid not in state.blocking
        and (state.kind == "subscription" or state.masses.take_month(openid, now))
    ]
    for openid in reached:
        state.deliver(openid, path, body)
    counts = {"TotalCount": len(audience), "FilterCount": len(reached), "SentCount": len(reached)}
    told = {"MsgID": str(number), "Status": "sendsuccess", **counts, "ErrorCount": 0}
    state.tell(_HELPER, "MASSSENDJOBFINISH", told)
    more = {"msg_data_id": next(state.ids)} if body["msgtype"] == "mpnews" else {}
    return accepted(msg_id=number, **more)


def _digest(path: str, body: dict[str, Any]) -> str:
    """What stands for a key that was not given: to whom, and what."""
    return sha256(f"{path} {json.dumps(body, sort_keys=True)}".encode()).hexdigest()


def _content_refusal(state: State, body: dict[str, Any]) -> int:
    """Several pictures stand in `images`, one may stand in `image`."""
    type, now = body.get("msgtype"), state.clock.now()
    name = "images" if type == "image" and "images" in body else str(type)
    content = body.get(name)
    if type not in ("text", "image", "mpnews") or not isinstance(content, dict):
        return 40008
    if type == "text":
        return text_refusal(content)
    ids = content.get("media_ids") if name == "images" else [content.get("media_id")]
    if not isinstance(ids, list) or not ids:
        return 40007
    kind = "news" if type == "mpnews" else type
    return next((code for one in ids if (code := file_refusal(state, one, kind, now))), 0)


def add_draft(state: State, body: dict[str, Any], _request: Request) -> Said:
    """Articles for `mpnews`; a draft has no end."""
    articles = body.get("articles")
    if not isinstance(articles, list) or not 1 <= len(articles) <= _MOST_ARTICLES:
        return refused(40035)
    if not all(isinstance(one, dict) and one.get("title") for one in articles):
        return refused(40035)
    content = json.dumps(articles, ensure_ascii=False).encode(errors="replace")
    file = File("news", content, "application/json", state.clock.now(), lasting=True)
    return {"media_id": state.files.store(file)}


def publish(state: State, body: dict[str, Any], _request: Request) -> Said:
    """Put a draft on the account's page; that it is there is told afterwards.

    https://developers.weixin.qq.com/doc/service/api/public/api_freepublish_submit
    """
    code = file_refusal(state, body.get("media_id"), "news", state.clock.now())
    if code:
        return refused(code)
    number = next(state.ids)
    done = {"publish_id": str(number), "publish_status": 0, "article_id": f"article{number}"}
    state.tell(_HELPER, "PUBLISHJOBFINISH", {"PublishEventInfo": done})
    return accepted(publish_id=str(number), msg_data_id=next(state.ids))
