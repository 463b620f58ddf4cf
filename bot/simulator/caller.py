"""Calls one address over connections that stay open, each cut after so many seconds in all."""

import io
import select
import socket
import ssl
import weakref
from collections import deque
from collections.abc import Mapping
from functools import partial
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any
from urllib.parse import urlencode, urlsplit

from bot.clock import elapsed

_REPLY_LIMIT = 1024 * 1024


class Caller:
    """Safe for several threads: a connection is used by one at a time, and kept for the next.

    `seconds` are for the whole of a call: to connect, to send, and to read the answer, however
    slowly its bytes come. Nothing is read from the environment, and no redirect is followed.
    """

    def __init__(self, url: str, seconds: float) -> None:
        parts = urlsplit(url)
        self.seconds = seconds
        self._host, self._port = parts.hostname or "", parts.port
        self._target = (parts.path or "/") + "?" + (f"{parts.query}&" if parts.query else "")
        self._secure = ssl.create_default_context() if parts.scheme == "https" else None
        self._idle: deque[_Connection] = deque()
        weakref.finalize(self, _close_all, self._idle)

    def post(self, query: Mapping[str, str], body: bytes, content_type: str) -> tuple[int, bytes]:
        """The answer's status and body. Raises TimeoutError, another OSError, or HTTPException."""
        return self._call("POST", query, body, {"Content-Type": content_type})

    def get(self, query: Mapping[str, str]) -> tuple[int, bytes]:
        """The same for a GET."""
        return self._call("GET", query, None, {})

    def _call(
        self, method: str, query: Mapping[str, str], body: bytes | None, headers: Mapping[str, str]
    ) -> tuple[int, bytes]:
        end = elapsed() + self.seconds
        connection = self._take()
        try:
            connection.prepare(end)
            connection.request(method, self._target + urlencode(query), body, headers)
            connection.flush()
            # Not a type, as its declaration has it, but called like one.
            connection.response_class = partial(_Response, end)  # type: ignore[assignment]
            response = connection.getresponse()
            content = response.read(_REPLY_LIMIT + 1)
            if response.length or len(content) > _REPLY_LIMIT:
                raise HTTPException("the body has another length than was said, or none that ends")
        except BaseException:
            connection.close()
            raise
        if connection.sock is not None:
            self._idle.append(connection)
        return response.status, content

    def _take(self) -> "_Connection":
        while self._idle:
            try:
                connection = self._idle.pop()
            except IndexError:  # another thread was faster
                break
            if _is_open(connection.sock):
                return connection
            connection.close()
        return _Connection(self._host, self._port, self._secure)


class _Connection(HTTPConnection):
    """Plain, or with TLS, whose handshake is within the same time as everything else."""

    def __init__(self, host: str, port: int | None, secure: ssl.SSLContext | None) -> None:
        super().__init__(host, port or (443 if secure else 80))
        self._secure = secure
        self._parts: list[bytes] = []

    def send(self, data: Any) -> None:
        """Head and body wait for `flush`, to travel in one piece."""
        self._parts.append(data)

    def flush(self) -> None:
        whole = b"".join(self._parts)
        self._parts.clear()
        self.sock.sendall(whole)

    def prepare(self, end: float) -> None:
        """Connect, unless it is, and give what is sent the time until `end`."""
        sock = self.sock or self._open(end)
        sock.settimeout(_left(end))

    def _open(self, end: float) -> socket.socket:
        self.timeout = _left(end)
        self.connect()
        if self._secure:
            self.sock.settimeout(_left(end))
            self.sock = self._secure.wrap_socket(self.sock, server_hostname=self.host)
        return self.sock


class _Response(HTTPResponse):
    def __init__(self, end: float, sock: socket.socket, **more: Any) -> None:
        super().__init__(sock, **more)
        self.fp.close()
        self.fp = io.BufferedReader(_Reader(sock, end))


class _Reader(io.RawIOBase):
    """Reads from a socket until one moment, however often."""

    def __init__(self, sock: socket.socket, end: float) -> None:
        self._socket, self._end = sock, end
        # Keeps the socket open when the connection lets go of it before the body is read.
        self._file = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._socket.settimeout(_left(self._end))
        return self._file.readinto(buffer)

    def close(self) -> None:
        self._file.close()
        super().close()


def _left(end: float) -> float:
    """The seconds that are left. Raises TimeoutError when none are."""
    left = end - elapsed()
    if left <= 0:
        raise TimeoutError("timed out")
    return left


def _is_open(sock: socket.socket) -> bool:
    """An idle connection has nothing to read; one that the other side closed has its end."""
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return not poll.poll(0)


def _close_all(connections: deque[_Connection]) -> None:
    for connection in connections:
        connection.close()
