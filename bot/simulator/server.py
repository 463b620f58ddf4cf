"""A small HTTP/1.1 server that keeps connections open; Flask's is too slow to measure against."""

import socket
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from bot.clock import pause

_BODY_LIMIT = 32 * 1024 * 1024
_PHRASES = {200: "OK", 404: "Not Found", 502: "Bad Gateway"}


@dataclass(frozen=True, slots=True)
class Request:
    """`host` is the name and port that the caller used; `address` is the caller's."""

    method: str
    path: str
    query: Mapping[str, str]
    content_type: str
    body: bytes
    address: str
    host: str


@dataclass(frozen=True, slots=True)
class Response:
    """`delay` is in seconds. With `drop` the connection is closed without an answer. `location`
    is where a redirect leads.
    """

    body: bytes
    content_type: str = "application/json; encoding=utf-8"
    status: int = 200
    delay: float = 0.0
    drop: bool = False
    location: str = ""


Answering = Callable[[Request], Response]


@contextmanager
def serving(answer: Answering, port: int = 0) -> Iterator[str]:
    """`answer` behind a real socket (0: a free port), in a thread a connection; yields the base
    URL. At the end every connection is closed.
    """
    server = _Server(answer, port)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.hang_up()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    request_queue_size = 128

    def __init__(self, answer: Answering, port: int) -> None:
        self.answer = answer
        self._open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that has gone is no error of ours; anything else is shown."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)

    def hang_up(self) -> None:
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Server

    def do_GET(self) -> None:
        self._serve()

    def do_HEAD(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def log_message(self, format: str, *arguments: Any) -> None:
        pass

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        response = self.server.answer(
            Request(
                method=self.command,
                path=parts.path,
                query=dict(parse_qsl(parts.query, keep_blank_values=True)),
                content_type=self.headers.get("Content-Type", ""),
                body=self._body(),
                address=str(self.client_address[0]),
                host=self.headers.get("Host", ""),
            )
        )
        if response.delay:
            pause(response.delay)
        if response.drop:
            self.close_connection = True
            return
        phrase = _PHRASES.get(response.status, "Error")
        head = (
            f"HTTP/1.1 {response.status} {phrase}\r\nDate: {self.date_time_string()}\r\n"
            f"Content-Type: {response.content_type}\r\nContent-Length: {len(response.body)}\r\n"
        )
        head += f"Location: {response.location}\r\n\r\n" if response.location else "\r\n"
        self.wfile.write(head.encode() + (b"" if self.command == "HEAD" else response.body))

    def _body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return b"".join(self._chunks())
        length = int(self.headers.get("Content-Length") or 0)
        if length > _BODY_LIMIT:
            raise ValueError("the body is too large for the sandbox")
        return self.rfile.read(length) if length else b""

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self.rfile.readline().partition(b";")[0] or b"0", 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
