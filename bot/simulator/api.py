"""The platform's API for one account, over real HTTP: tokens and customer messages."""

import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from flask import Flask, Response, request
from werkzeug.serving import make_server

from bot.clock import Clock

TOKEN_LIFE = timedelta(seconds=7200)
# In this last part of a token's life a new one is given, and both are good.
_OVERLAP = timedelta(minutes=5)


@dataclass
class Api:
    """What the platform knows of the account. `refuse` answers calls to a path with a code.

    `allowed` is the list of addresses; None lets everybody in. `sent` are the messages that went
    out, oldest first.
    """

    app_id: str
    secret: str
    clock: Clock
    allowed: tuple[str, ...] | None = None
    refuse: dict[str, list[int]] = field(default_factory=dict)
    sent: list[dict[str, Any]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    _tokens: dict[str, datetime] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def revoke(self) -> None:
        """Every token that there is stops being good, as when the secret is reset."""
        self._tokens.clear()

    def answer(self, path: str, token: str, body: dict[str, Any], address: str) -> dict[str, Any]:
        with self._lock:
            self.calls.append(path)
            if codes := self.refuse.get(path):
                return _refused(codes.pop(0))
            if path == "/cgi-bin/stable_token":
                return self._stable_token(body, address)
            if self._tokens.get(token, self.clock.now()) <= self.clock.now():
                return _refused(40001 if token not in self._tokens else 42001)
            if path == "/cgi-bin/message/custom/send":
                self.sent.append(body)
                return {"errcode": 0, "errmsg": "ok"}
            return _refused(48001)

    def _stable_token(self, body: dict[str, Any], address: str) -> dict[str, Any]:
        if body.get("appid") != self.app_id:
            return _refused(40013)
        if body.get("secret") != self.secret:
            return _refused(40125)
        if self.allowed is not None and address not in self.allowed:
            return _refused(40164)
        now = self.clock.now()
        token = next((t for t, end in self._tokens.items() if end - now > _OVERLAP), None)
        if token is None or body.get("force_refresh"):
            token = secrets.token_urlsafe(64)
            self._tokens[token] = now + TOKEN_LIFE
        left = int((self._tokens[token] - now).total_seconds())
        return {"access_token": token, "expires_in": left}


def _refused(code: int) -> dict[str, Any]:
    rid = "-".join(secrets.token_hex(4) for _ in range(3))
    return {"errcode": code, "errmsg": f"sandbox says {code} rid: {rid}"}


@contextmanager
def serving_api(api: Api) -> Iterator[str]:
    """The API behind a real socket; yields its base URL."""
    app = Flask(__name__)

    @app.post("/<path:path>")
    def call(path: str) -> Response:
        body = request.get_json(silent=True)
        answer = (
            api.answer(
                f"/{path}", request.args.get("access_token", ""), body, request.remote_addr or ""
            )
            if isinstance(body, dict)
            else _refused(47001)
        )
        return Response(json.dumps(answer, ensure_ascii=False), content_type="application/json")

    with serving_app(app) as base:
        yield base


@contextmanager
def serving_app(app: Flask) -> Iterator[str]:
    """Any application behind a real socket; yields its base URL."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
