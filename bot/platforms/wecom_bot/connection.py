"""The long connection of a WeCom 智能机器人: kept up, one at a time, never fought over.

Source: developer.work.weixin.qq.com/document/path/101463 (智能机器人长连接). The vendor's own
package for Python cannot serve: it trusts no certificates but those of its own list, does not come
back after an orderly close, comes back after the platform has given the line to somebody else,
logs whole messages, and imports what `websockets` has deprecated.
"""

import json
import random
import secrets
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, InvalidStateError
from concurrent.futures import TimeoutError as Overdue
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

import structlog
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.sync.client import ClientConnection, connect

from bot.errors import MalformedMessage, PlatformRefused, PlatformSilent
from bot.platforms.fields import read_json

log = structlog.get_logger(__name__)

SUBSCRIBE, PING = "aibot_subscribe", "ping"
CALLBACKS = ("aibot_msg_callback", "aibot_event_callback")
_REPLACED = "disconnected_event"
_LARGEST_FRAME = 256 * 1024
# A connection that lasted so long was no failure.
_GOOD_SECONDS = 60.0
# One that lasted so long was not taken and given back in a quarrel.
_SETTLED_SECONDS = 3600.0

Frame = Mapping[str, Any]


class Patience(NamedTuple):
    """Seconds: the first pause before another try and the longest; after the platform has refused
    bot id or secret; after it gave the line to somebody else, doubled each time up to the most;
    between pings; for an acknowledgement.
    """

    first: float = 1.0
    longest: float = 60.0
    refused: float = 300.0
    replaced: float = 600.0
    replaced_longest: float = 6 * 3600.0
    ping: float = 30.0
    answer: float = 5.0


@dataclass(frozen=True, slots=True)
class Credentials:
    """Where the platform is, and who we are there."""

    url: str
    bot_id: str
    secret: str

    def __repr__(self) -> str:
        return "Credentials()"


class Connection:
    """Hands every callback frame to `heard`, in the order of their arrival, in its own thread.

    Other threads send(); what is acknowledged comes by a Future. `changed` hears whether the bot
    is subscribed.
    """

    def __init__(
        self,
        credentials: Credentials,
        heard: Callable[[Frame], None],
        changed: Callable[[bool], None],
        elapsed: Callable[[], float],
        patience: Patience,
    ) -> None:
        self._credentials = credentials
        self._heard = heard
        self._changed = changed
        self._elapsed = elapsed
        self.patience = patience
        self._stopping = threading.Event()
        self._socket: ClientConnection | None = None
        self._live = False
        self._replaced = False
        self._failures = self._replacements = 0
        self._waiting: dict[str, Future[Frame]] = {}
        self._lock = threading.Lock()

    @property
    def live(self) -> bool:
        """Whether the bot is subscribed."""
        return self._live

    def run(self) -> None:
        """Until stop()."""
        while not self._stopping.is_set():
            pause = self.patience.longest
            try:
                pause = self._once()
            except Exception:
                # Whatever it is, the line is what the bot lives by.
                log.exception("long_connection_broke")
            self._stopping.wait(pause)

    def stop(self) -> None:
        """Let go of the line."""
        self._stopping.set()
        if socket := self._socket:
            socket.close()

    def send(self, command: str, request: str, body: Frame) -> Future[Frame]:
        """The platform's acknowledgement, as it comes; for one request id at a time.

        Raises PlatformSilent when nothing was sent; so does the future, `unclear`, when the line
        breaks first.
        """
        socket, answer = self._socket, Future[Frame]()
        if socket is None or (not self._live and command != SUBSCRIBE):
            raise PlatformSilent(command, "there is no connection", unclear=False)
        with self._lock:
            self._waiting[request] = answer
        frame = {"cmd": command, "headers": {"req_id": request}, "body": body}
        try:
            socket.send(json.dumps(frame, ensure_ascii=False))
        except (OSError, WebSocketException):
            with self._lock:
                self._waiting.pop(request, None)
            raise PlatformSilent(command, "the connection broke", unclear=True) from None
        return answer

    def ask(self, command: str, body: Frame) -> None:
        """Send and wait for the acknowledgement. Raises PlatformRefused or PlatformSilent."""
        check(command, self._wait(command, new_request(command), body))

    def _wait(self, command: str, request: str, body: Frame) -> Frame:
        answer = self.send(command, request, body)
        try:
            return answer.result(self.patience.answer)
        except Overdue:
            self.forget(request)
            raise PlatformSilent(command, "no acknowledgement", unclear=True) from None

    def forget(self, request: str) -> None:
        """Nobody waits for this acknowledgement any more."""
        with self._lock:
            self._waiting.pop(request, None)

    def _once(self) -> float:
        """One life of the line: the seconds to wait before the next."""
        self._replaced, begun = False, self._elapsed()
        try:
            with connect(
                self._credentials.url, open_timeout=self.patience.answer * 2, ping_interval=None,
                close_timeout=1, max_size=_LARGEST_FRAME, compression=None, proxy=None,
            ) as socket:  # fmt: skip
                self._socket = socket
                if not self._stopping.is_set():
                    self._read(socket)
        except PlatformRefused as refused:
            log.error("long_connection_refused", code=refused.code, reason=str(refused))
            return self.patience.refused
        except (OSError, WebSocketException, PlatformSilent, EOFError) as error:
            log.warning("long_connection_lost", kind=type(error).__name__)
        finally:
            self._lost()
        lasted = self._elapsed() - begun
        self._failures = 0 if lasted >= _GOOD_SECONDS else self._failures
        self._replacements = 0 if lasted >= _SETTLED_SECONDS else self._replacements
        if self._replaced:
            return self._after_replacement()
        return self._after_failure()

    def _after_replacement(self) -> float:
        """Whoever has the line now is not thrown out by us: they would come back, and so on."""
        patience, times = self.patience, self._replacements
        self._replacements += 1
        pause = min(patience.replaced_longest, patience.replaced * 2.0 ** min(times, 16))
        log.error("long_connection_taken", hint="another program uses this bot", seconds=pause)
        return pause

    def _after_failure(self) -> float:
        longest = min(self.patience.longest, self.patience.first * 2.0 ** min(self._failures, 16))
        self._failures += 1
        return longest * random.uniform(0.5, 1.0)  # noqa: S311

    def _read(self, socket: ClientConnection) -> None:
        """Subscribe, ping, and hand out what comes, until the line breaks."""
        subscription = self._subscribe()
        pinged, unanswered = self._elapsed(), 0
        while not self._stopping.is_set():
            left = pinged + self.patience.ping - self._elapsed()
            try:
                raw = socket.recv(max(0.0, left) if self._live else self.patience.answer)
            except TimeoutError:
                if not self._live or unanswered >= 2:
                    raise PlatformSilent(PING, "the line is dead", unclear=False) from None
                # Whatever comes is a sign of life; which acknowledgement it is does not matter.
                request = new_request(PING)
                with suppress(PlatformSilent):
                    self.send(PING, request, {})
                self.forget(request)
                pinged, unanswered = self._elapsed(), unanswered + 1
                continue
            except ConnectionClosed:
                return
            unanswered = 0
            self._take(raw)
            if not self._live and subscription.done():
                check(SUBSCRIBE, subscription.result())
                self._live = True
                log.info("long_connection_up")
                self._changed(True)

    def _subscribe(self) -> Future[Frame]:
        who = {"bot_id": self._credentials.bot_id, "secret": self._credentials.secret}
        return self.send(SUBSCRIBE, new_request(SUBSCRIBE), who)

    def _take(self, raw: str | bytes) -> None:
        try:
            frame = read_json(raw if isinstance(raw, str) else raw.decode())
            command, request = frame.get("cmd"), (frame.get("headers") or {}).get("req_id")
            if command in CALLBACKS:
                self._replaced = self._replaced or _event_of(frame) == _REPLACED
                self._heard(frame)
                return
        except (MalformedMessage, UnicodeDecodeError, AttributeError):
            log.warning("frame_unreadable")
            return
        with self._lock:
            answer = self._waiting.pop(request, None) if isinstance(request, str) else None
        if answer is not None:
            with suppress(InvalidStateError):
                answer.set_result(frame)

    def _lost(self) -> None:
        was_live, self._live, self._socket = self._live, False, None
        with self._lock:
            waiting, self._waiting = self._waiting, {}
        for answer in waiting.values():
            with suppress(InvalidStateError):
                answer.set_exception(PlatformSilent("the call", "the line broke", unclear=True))
        if was_live:
            self._changed(False)


def check(command: str, acknowledged: Frame) -> None:
    """Raise PlatformRefused unless all is well."""
    code = acknowledged.get("errcode", 0)
    if code != 0:
        number = code if isinstance(code, int) else -1
        # Its words may name a member, or ourselves.
        raise PlatformRefused(command, number, "see the platform's page of return codes")


def new_request(command: str) -> str:
    """A request id of the form that the vendor's own packages use."""
    return f"{command}_{secrets.token_hex(8)}"


def _event_of(frame: Frame) -> str:
    event = frame["body"].get("event") if isinstance(frame.get("body"), dict) else None
    return str(event.get("eventtype", "")) if isinstance(event, dict) else ""
