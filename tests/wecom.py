"""Bots that the sandbox's WeCom talks to in tests, and their enterprise."""

import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from websockets.sync.client import ClientConnection, connect

from bot.platforms.crypto import MessageKey, signature
from bot.simulator.server import Request, Response, serving
from bot.simulator.wecom.enterprise import Bot, Enterprise
from tests.conftest import HandClock

TOKEN, KEY, SECRET = "wecomtoken1", "K" * 42 + "A", "longsecret1"
BOT = Bot("aibTEST1", "学习 助手", SECRET, TOKEN, KEY)
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(40))
Fields = dict[str, Any]


def enterprise_at(clock: HandClock) -> Enterprise:
    """With members U1 to U3, and the group G1 of the first two."""
    enterprise = Enterprise(BOT, clock)
    for userid in ("U1", "U2", "U3"):
        enterprise.add_member(userid)
    enterprise.add_group("G1", "一班", ("U1", "U2"))
    return enterprise


def stream(content: str, *, id: str = "S1", finish: bool = True, **more: Any) -> Fields:
    return {"msgtype": "stream", "stream": {"id": id, "finish": finish, "content": content, **more}}


def markdown(content: str) -> Fields:
    return {"msgtype": "markdown", "markdown": {"content": content}}


def card(task_id: str = "T1", title: str = "打卡吗", **more: Any) -> Fields:
    buttons = [{"text": "打卡", "key": "check-in"}, {"text": "不了", "key": "no"}]
    return {
        "card_type": "button_interaction", "main_title": {"title": title}, "button_list": buttons,
        "task_id": task_id, **more,
    }  # fmt: skip


def card_message(task_id: str = "T1", **more: Any) -> Fields:
    return {"msgtype": "template_card", "template_card": card(task_id, **more)}


def update(task_id: str = "T1", title: str = "打过了", **more: Any) -> Fields:
    new = card(task_id, title)
    return {"response_type": "update_template_card", "template_card": new, **more}


# Callback

Answer = Fields | bytes | Response


@dataclass
class ScriptedBot:
    """A bot of few words behind a callback: `answer` gets what it hears and says fields, which are
    sealed, or a body, or a whole response.
    """

    answer: Callable[[Fields], Answer]
    heard: list[Fields] = field(default_factory=list)
    url: str = ""

    def serve(self, request: Request) -> Response:
        query = request.query
        if request.method == "GET":
            self._check(query, query["echostr"])
            return Response(MessageKey(KEY, "").decrypt(query["echostr"]))
        encrypted = json.loads(request.body)["encrypt"]
        self._check(query, encrypted)
        fields = json.loads(MessageKey(KEY, "").decrypt(encrypted))
        self.heard.append(fields)
        answer = self.answer(fields)
        if isinstance(answer, Response):
            return answer
        return Response(answer if isinstance(answer, bytes) else sealed(answer, query["nonce"]))

    def _check(self, query: Mapping[str, str], encrypted: str) -> None:
        parts = (TOKEN, query["timestamp"], query["nonce"], encrypted)
        assert signature(*parts) == query["msg_signature"]


def sealed(fields: Fields, nonce: str, **other: Any) -> bytes:
    """A reply in its envelope; `other` replaces fields of the envelope."""
    encrypted = MessageKey(KEY, "").encrypt(json.dumps(fields, ensure_ascii=False))
    timestamp = other.get("timestamp", 1795395600)
    parts = {"encrypt": encrypted, "timestamp": timestamp, "nonce": nonce, **other}
    signed = signature(TOKEN, str(timestamp), str(parts["nonce"]), str(parts["encrypt"]))
    return json.dumps({"msgsignature": signed, **parts}).encode()


@contextmanager
def serving_bot(answer: Callable[[Fields], Answer]) -> Iterator[ScriptedBot]:
    bot = ScriptedBot(answer)
    with serving(bot.serve) as base:
        bot.url = f"{base}/callback/wecom-bot"
        yield bot


# Long connection


class RawBot:
    """A client of the long connection that says what it is told to, frame by frame."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self._ids = itertools.count(1)

    def send(self, command: str, body: Any = None, request: str = "") -> str:
        """The frame's req_id."""
        request = request or f"{command}_{next(self._ids)}"
        frame = {"cmd": command, "headers": {"req_id": request}, "body": body}
        self.connection.send(json.dumps(frame))
        return request

    def take(self, seconds: float = 5.0) -> Fields:
        """The next frame."""
        found: Fields = json.loads(self.connection.recv(seconds))
        return found

    def call(self, command: str, body: Any = None, request: str = "") -> Fields:
        """The ack, which has the frame's req_id; nothing else may come before it."""
        sent = self.send(command, body, request)
        ack = self.take()
        assert ack["headers"] == {"req_id": sent}
        assert "cmd" not in ack
        return ack

    def code(self, command: str, body: Any = None, request: str = "") -> int:
        return int(self.call(command, body, request)["errcode"])

    def subscribe(self, secret: str = SECRET, bot_id: str = BOT.id) -> int:
        return self.code("aibot_subscribe", {"bot_id": bot_id, "secret": secret})

    def request(self) -> str:
        """The req_id of the next frame, which is a message or an event."""
        frame = self.take()
        assert frame["cmd"] in ("aibot_msg_callback", "aibot_event_callback")
        return str(frame["headers"]["req_id"])


@contextmanager
def raw_bot(url: str, *, subscribed: bool = True) -> Iterator[RawBot]:
    with connect(url, proxy=None, close_timeout=1) as connection:
        bot = RawBot(connection)
        if subscribed:
            assert bot.subscribe() == 0
        yield bot
