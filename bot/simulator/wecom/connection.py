"""The platform's end of the long connection.

Source: developer.work.weixin.qq.com/document/path/101463 (智能机器人长连接).
"""

import base64
import json
import logging
import secrets
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

from bot.clock import pause
from bot.simulator.push_faults import PushFaults
from bot.simulator.server import serving
from bot.simulator.wecom import limits, masking
from bot.simulator.wecom.commands import Commands, Outcome
from bot.simulator.wecom.enterprise import Enterprise
from bot.simulator.wecom.exchange import Exchange
from bot.simulator.wecom.files import Files
from bot.simulator.wecom.people import Line
from bot.simulator.wecom.watching import Traffic

_LARGEST_FRAME = 2 * 1024 * 1024
_KEPT_BACK_SECONDS = 3.0
_MALFORMED = (
    "",
    "not json",
    "[]",
    "null",
    b"\xff",
    '{"cmd": "aibot_msg_callback"}',
    '{"cmd": "aibot_msg_callback", "headers": {"req_id": 1}, "body": []}',
)
# Frames hold secrets: what the library logs of them is not wanted.
_LOGGER = logging.getLogger(__name__)
_LOGGER.setLevel(logging.ERROR)


@dataclass
class ConnectionFaults(PushFaults):
    """What goes wrong besides frames that come twice (duplicate), or after the next one (reorder).

    refusing: new connections are not let in. no_pong, no_ack: pings, and other frames, have their
    effect and are not acknowledged; ack_seconds: they are so late. malformed: the chance that
    nonsense comes before a frame.
    """

    refusing: bool = False
    no_pong: bool = False
    no_ack: bool = False
    ack_seconds: float = 0.0
    malformed: float = 0.0


class LongConnection(Line):
    """At most one bot is subscribed at a time. What happens while none is, is lost: the page does
    not say whether the platform keeps it.
    """

    def __init__(self, enterprise: Enterprise, faults: ConnectionFaults | None = None) -> None:
        self.enterprise = enterprise
        self.faults = faults or ConnectionFaults()
        self.files = Files(enterprise.clock)
        self.url = ""
        self._commands = Commands(enterprise)
        self._live: ServerConnection | None = None
        self._kept_back: list[Mapping[str, Any]] = []
        self._lock = threading.Lock()

    @property
    def live(self) -> bool:
        """Whether a bot is subscribed."""
        return self._live is not None

    def wait_live(self, seconds: float = 5.0, *, live: bool = True) -> bool:
        """Wait until a bot is (or is no longer) subscribed, at most so long: whether it is so."""
        return self.enterprise.until(lambda: self.live == live, seconds)

    def cut(self) -> None:
        """The line breaks: neither side says goodbye."""
        if connection := self._live:
            with suppress(OSError):
                connection.socket.shutdown(socket.SHUT_RDWR)
            self._gone(connection)

    def hang_up(self) -> None:
        """The platform ends the line in good order, as for a restart of its own."""
        if connection := self._live:
            connection.close()

    def kick(self) -> None:
        """As though the bot had subscribed somewhere else."""
        self._replace(None)

    def send_raw(self, frame: str | bytes) -> None:
        """Anything at all, to the bot that is subscribed."""
        if connection := self._live:
            with suppress(ConnectionClosed):
                connection.send(frame)

    # Line

    def admit(self, userid: str, /) -> None:
        return

    def file(self, content: bytes, /) -> dict[str, str]:
        """Each address has a key of its own."""
        key = secrets.token_bytes(32)
        url = self.files.store(content, key)
        return {"url": url, "aeskey": base64.b64encode(key).decode()}

    def deliver(self, exchange: Exchange, /) -> None:
        command = "aibot_msg_callback" if exchange.kind == "message" else "aibot_event_callback"
        frame = {
            "cmd": command,
            "headers": {"req_id": exchange.request},
            "body": {"msgid": exchange.id, **exchange.body},
        }
        if self.faults.happens(self.faults.reorder):
            with self._lock:
                self._kept_back.append(frame)
            timer = threading.Timer(_KEPT_BACK_SECONDS, self._let_through)
            timer.daemon = True
            timer.start()
            return
        exchange.attempts += 1
        if not self._send(frame, exchange.chat):
            exchange.end("机器人没有连着，这条消息没有送到")
        if self.faults.happens(self.faults.duplicate):
            exchange.attempts += 1
            self._send(frame, exchange.chat)
        if exchange.kind == "feedback":
            exchange.end()
        self._let_through()

    def _let_through(self) -> None:
        with self._lock:
            frames, self._kept_back = self._kept_back, []
        for frame in frames:
            if exchange := self.enterprise.exchange(frame["headers"]["req_id"]):
                exchange.attempts += 1
                self._send(frame, exchange.chat)

    def _send(self, frame: Mapping[str, Any], chat: str) -> bool:
        """To the bot that is subscribed: whether there is one."""
        if self.faults.happens(self.faults.malformed):
            self.send_raw(self.faults.random.choice(_MALFORMED))
        with self._lock:
            sent = self._live is not None and self._write(self._live, frame)
        self._record(frame, chat, to_bot=True, problem="" if sent else "机器人没有连着")
        return sent

    # Server

    def refuse(self, connection: ServerConnection, _request: Request) -> Response | None:
        if not self.faults.refusing:
            return None
        return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "busy")

    def serve(self, connection: ServerConnection) -> None:
        """One connection, until it ends."""
        try:
            for raw in connection:
                self._take(connection, raw)
        except ConnectionClosed:
            pass
        finally:
            self._gone(connection)

    def _take(self, connection: ServerConnection, raw: str | bytes) -> None:
        frame = _parsed(raw)
        if frame is None:
            problem = "这一帧不是 cmd、headers.req_id、body"
            self.enterprise.record(Traffic(self._now(), "", False, "?", "", problem=problem))
            return
        command, request = frame["cmd"], frame["headers"]["req_id"]
        body = frame.get("body") or {}
        outcome = self._outcome(connection, command, request, body)
        exchange = self.enterprise.exchange(request)
        chat = exchange.chat if exchange else str(body.get("chatid", ""))
        self._record(frame, chat, to_bot=False, code=outcome.code, problem=outcome.problem)
        if self.faults.ack_seconds:
            pause(self.faults.ack_seconds)
        if command == "aibot_subscribe" and not outcome.code:
            self._replace(connection, request)
        elif not (self.faults.no_pong if command == "ping" else self.faults.no_ack):
            self._acknowledge(connection, request, outcome)

    def _outcome(
        self, connection: ServerConnection, command: str, request: str, body: Mapping[str, Any]
    ) -> Outcome:
        if command == "aibot_subscribe":
            return self._check(body)
        if connection is not self._live:
            return Outcome(limits.NOT_SUBSCRIBED, problem="还没有订阅")
        return self._commands.run(command, request, body)

    def _check(self, body: Mapping[str, Any]) -> Outcome:
        """Whether this is the bot."""
        bot, secret = self.enterprise.bot, body.get("secret")
        right = isinstance(secret, str) and secrets.compare_digest(
            secret.encode(errors="replace"), bot.secret.encode()
        )
        if not bot.secret or body.get("bot_id") != bot.id or not right:
            return Outcome(limits.BAD_CREDENTIALS, problem="bot_id 或 secret 不对")
        return Outcome()

    def _replace(self, connection: ServerConnection | None, request: str = "") -> None:
        """Another connection is the bot's now; the one before is told and closed. Nothing else
        comes before the acknowledgement of this req_id.
        """
        with self._lock:
            before, self._live = self._live, connection
            if connection is not None and not self.faults.no_ack:
                self._acknowledge(connection, request, Outcome())
        if before is not None and before is not connection:
            self._dismiss(before)
        if (before is None) != (connection is None):
            self.enterprise.connection_is(connection is not None)

    def _dismiss(self, connection: ServerConnection) -> None:
        body = {
            "msgid": secrets.token_urlsafe(24), "create_time": int(self._now().timestamp()),
            "aibotid": self.enterprise.bot.id, "msgtype": "event",
            "event": {"eventtype": "disconnected_event"},
        }  # fmt: skip
        headers = {"req_id": secrets.token_hex(16)}
        frame = {"cmd": "aibot_event_callback", "headers": headers, "body": body}
        self._write(connection, frame)
        self._record(frame, "", to_bot=True)
        connection.close()

    def _gone(self, connection: ServerConnection) -> None:
        with self._lock:
            if self._live is not connection:
                return
            self._live = None
        self.enterprise.connection_is(False)

    def _acknowledge(self, connection: ServerConnection, request: str, outcome: Outcome) -> None:
        said = limits.ERRORS.get(outcome.code, "invalid parameter")
        ack = {"headers": {"req_id": request}, "errcode": outcome.code, "errmsg": said}
        self._write(connection, ack | ({"body": outcome.body} if outcome.body else {}))

    def _write(self, connection: ServerConnection, frame: Mapping[str, Any]) -> bool:
        try:
            text = json.dumps(frame, ensure_ascii=False).encode(errors="replace")
            connection.send(text, text=True)
        except (ConnectionClosed, OSError):
            return False
        return True

    def _record(
        self, frame: Mapping[str, Any], chat: str, *, to_bot: bool, code: int = 0,
        problem: str = "",
    ) -> None:  # fmt: skip
        body = frame.get("body") or {}
        what = f"{frame['cmd']} {body.get('msgtype', '')}".strip()
        said = Traffic(self._now(), chat, to_bot, what, masking.shown(frame), code, problem)
        self.enterprise.record(said)

    def _now(self) -> datetime:
        return self.enterprise.clock.now()


def _parsed(raw: str | bytes) -> dict[str, Any] | None:
    """A frame; None for what is none."""
    try:
        frame = json.loads(raw)
        names = frame["cmd"], frame["headers"]["req_id"]
        body = frame.get("body") or {}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    whole = isinstance(body, dict) and all(isinstance(name, str) for name in names)
    return frame if whole else None


@contextmanager
def serving_connection(
    enterprise: Enterprise, *, faults: ConnectionFaults | None = None,
    tls: ssl.SSLContext | None = None, port: int = 0,
) -> Iterator[LongConnection]:  # fmt: skip
    """The long connection behind a real socket (0: a free port); its `url` is ws:// or, with a
    context, wss://.
    """
    line = LongConnection(enterprise, faults)
    with serving(line.files.answer) as line.files.base, serve(
        line.serve, "127.0.0.1", port, ssl=tls, process_request=line.refuse, ping_interval=None,
        compression=None, max_size=_LARGEST_FRAME, close_timeout=1, logger=_LOGGER,
    ) as server:  # fmt: skip
        line.url = f"{'wss' if tls else 'ws'}://127.0.0.1:{server.socket.getsockname()[1]}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield line
        finally:
            server.shutdown()
            thread.join()
