"""Pages as a browser asks for them: real HTTP with a cookie jar, entered by the chat's link."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from html import unescape
from threading import Thread
from typing import Any

import requests
from werkzeug.serving import make_server

from bot.bootstrap import Application
from bot.web.app import create_app
from tests.members import Member

PUBLIC = "http://127.0.0.1:8000"


class Visitor:
    """Somebody with a browser."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.http = requests.Session()

    def get(self, path: str, status: int = 200) -> str:
        answer = self.http.get(self.base + path, timeout=10)
        assert answer.status_code == status, (answer.status_code, answer.text[:500])
        return unescape(answer.text)

    def post(self, path: str, *, page: str = "", status: int = 200, **fields: Any) -> str:
        """Send a form: its token is taken from `page` (default: where it is sent)."""
        token = csrf_in(self.http.get(self.base + (page or path), timeout=10).text)
        return self.send(path, {"csrf": token, **fields}, status=status)

    def send(
        self, path: str, fields: Mapping[str, Any], *, status: int = 200,
        headers: Mapping[str, str] = {}, files: Mapping[str, Any] | None = None,
    ) -> str:  # fmt: skip
        answer = self.http.post(
            self.base + path, data=fields, headers=headers, files=files, timeout=10
        )
        assert answer.status_code == status, (answer.status_code, answer.text[:500])
        return unescape(answer.text)

    def enter(self, path: str) -> str:
        """Press the button of an entry link."""
        return self.post(path)


def csrf_in(page: str) -> str:
    found = re.search(r'name="csrf" value="([0-9a-f]{64})"', page)
    return found[1] if found else ""


def link_for(member: Member, word: str = "后台") -> str:
    """The path of the link that the bot gives in private."""
    said = member.say(word)
    found = re.search(r"https?://[^/\s]+(/enter/[\w-]+)", said)
    assert found, said
    return found[1]


@contextmanager
def served(application: Application) -> Iterator[str]:
    """The application behind a real socket: its address."""
    server = make_server("127.0.0.1", 0, create_app(application), threaded=True)
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def entered(base: str, member: Member, word: str = "后台") -> Visitor:
    """A browser in which this member is signed in."""
    visitor = Visitor(base)
    visitor.enter(link_for(member, word))
    return visitor
