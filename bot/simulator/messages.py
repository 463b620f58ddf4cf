"""Messages to one member: customer service, templates, subscription notices, and 正在输入."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from bot.simulator.answers import Said, accepted, refused
from bot.simulator.ledger import wrong_field
from bot.simulator.server import Request
from bot.simulator.state import State

TEXT_LIMIT = 2048
_REPEAT = timedelta(minutes=10)
# Codes and spans: developers.weixin.qq.com/doc/service/api/customer/message/api_typing.html
_TYPING = timedelta(seconds=15)
_RECENT = timedelta(seconds=30)
_MESSAGE_TYPES = (
    "text", "image", "voice", "video", "music", "news", "mpnews", "mpnewsarticle", "msgmenu",
    "wxcard", "miniprogrampage",
)  # fmt: skip


def custom(state: State, body: dict[str, Any], request: Request) -> Said:
    now = state.clock.now()
    code = state.recipient_refusal(body) or _content_refusal(state, body, now)
    code = code or state.allowance.take(body["touser"], now)
    if code:
        return refused(code)
    state.deliver(body["touser"], request.path, body)
    return accepted()


def _content_refusal(state: State, body: Mapping[str, Any], now: datetime) -> int:
    type = body.get("msgtype")
    content = body.get(type) if type in _MESSAGE_TYPES else None
    if not isinstance(content, dict):
        return 40008
    if type == "text":
        return text_refusal(content)
    if type in ("image", "voice", "video"):
        return file_refusal(state, content.get("media_id"), type, now)
    if type == "news":
        return _news_refusal(content)
    return _menu_refusal(content) if type == "msgmenu" else 0


def text_refusal(content: Mapping[str, Any]) -> int:
    """The error code for a text that is empty or too long, else 0."""
    text = content.get("content")
    if not isinstance(text, str) or not text:
        return 44004
    return 45002 if len(text.encode(errors="replace")) > TEXT_LIMIT else 0


def file_refusal(state: State, media_id: object, type: str, now: datetime) -> int:
    """The error code for a file that is gone or of another type, else 0."""
    file = state.files.get(str(media_id), now)
    return 0 if file and file.type == type else 40007


def _news_refusal(content: Mapping[str, Any]) -> int:
    articles = content.get("articles")
    if not isinstance(articles, list) or not articles:
        return 45162
    if len(articles) > 1:
        return 45008
    titled = isinstance(articles[0], dict) and isinstance(articles[0].get("title"), str)
    return 0 if titled and articles[0]["title"] else 45162


def _menu_refusal(content: Mapping[str, Any]) -> int:
    options = content.get("list")
    if not isinstance(options, list) or not options:
        return 40035
    fine = all(
        isinstance(option, dict) and option.get("id") and option.get("content")
        for option in options
    )
    return 0 if fine else 40035


def typing(state: State, body: dict[str, Any], _request: Request) -> Said:
    now = state.clock.now()
    if code := state.recipient_refusal(body):
        return refused(code)
    openid, command = body["touser"], body.get("command")
    if command not in ("Typing", "CancelTyping"):
        return refused(45072)
    if openid not in state.heard_at or now - state.heard_at[openid][1] > _RECENT:
        return refused(45080)
    if command == "Typing":
        if now < state.typing_until.get(openid, now):
            return refused(45081)
        state.typing_until[openid] = now + _TYPING
    else:
        state.typing_until.pop(openid, None)
    state.show_typing(openid, command == "Typing")
    return accepted()


def template(state: State, body: dict[str, Any], request: Request) -> Said:
    openid, now = str(body.get("touser")), state.clock.now()
    if code := state.recipient_refusal(body) or _fields_refusal(state, body):
        return refused(code)
    key = openid, str(body.get("client_msg_id", ""))
    known = state.repeats.get(key)
    if key[1] and known and now < known[1] + _REPEAT:
        return accepted(msgid=known[0])
    number = next(state.ids)
    state.repeats[key] = number, now
    blocked = openid in state.blocking
    if not blocked:
        state.deliver(openid, request.path, body)
    status = "failed:user block" if blocked else "success"
    state.tell(openid, "TEMPLATESENDJOBFINISH", {"MsgID": str(number), "Status": status})
    return accepted(msgid=number)


def bizsend(state: State, body: dict[str, Any], request: Request) -> Said:
    """Whether a follower is meant, the page does not say: only the consent is looked at."""
    openid, name = str(body.get("touser", "")), str(body.get("template_id", ""))
    if code := (0 if openid.startswith("o") else 40003) or _fields_refusal(state, body):
        return refused(code)
    left = state.consented.get((openid, name), 0)
    if left == 0:
        return refused(43101)
    state.consented[openid, name] = left - 1
    state.deliver(openid, request.path, body)
    item = {"TemplateId": name, "MsgID": str(next(state.ids))}
    item |= {"ErrorCode": "0", "ErrorStatus": "success"}
    state.tell(openid, "subscribe_msg_sent_event", {"SubscribeMsgSentEvent": {"List": item}})
    return accepted()


def _fields_refusal(state: State, body: Mapping[str, Any]) -> int:
    name = body.get("template_id")
    if not isinstance(name, str) or not name:
        return 40037
    if state.templates is not None and name not in state.templates:
        return 40037
    return 0 if wrong_field(body.get("data")) is None else 47003
