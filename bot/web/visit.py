"""A signed-in visitor's request: who asks, in one transaction, and what they are answered."""

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response, make_response, redirect, render_template, request, url_for

from bot.bootstrap import Application
from bot.domain.person import Role
from bot.services import audit
from bot.services.web_access import Visitor
from bot.storage.session import UnitOfWork
from content.loader import Pack

View = Callable[..., Response]
COOKIE = "xueban"
_GOODBYE = {"title": "退出了", "text": "要再进来，在微信里发“后台”或“我的主页”。"}
SAID, _SAID_LIMIT = "said", 1500
_CONFIRMED = "confirmed"


@dataclass
class Visit:
    """What a view gets. `session` may write on POST only; whoever made it commits.

    `looks` are what is noted in the audit log once the page is made: somebody else's own affairs
    were seen.
    """

    application: Application
    session: UnitOfWork
    now: datetime
    who: Visitor
    token: str
    menu: Sequence[Any]
    looks: list[tuple[str, int | None, str]] = field(default_factory=list)

    @property
    def community_id(self) -> int:
        return self.who.community.id

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.who.community.timezone)

    @property
    def today(self) -> date:
        return self.now.astimezone(self.zone).date()

    @property
    def pack(self) -> Pack:
        return self.application.library.packs[self.who.community.pack]

    @property
    def is_organiser(self) -> bool:
        return Role.ORGANISER in self.who.roles

    @property
    def confirmed(self) -> bool:
        """Whether the visitor has seen what a confirm() page said and pressed its button."""
        return request.form.get(_CONFIRMED) == "1"

    def looked(self, action: str, subject: int | None = None, detail: str = "") -> None:
        """Somebody's own affairs are on this page: the audit log shall say who saw them."""
        self.looks.append((action, subject, detail))

    def note(self, action: str, subject: int | None = None, detail: str = "") -> None:
        """Write to the audit log with what this request changes."""
        audit.note(
            self.session, self.now, action, actor=self.who.person_id, subject=subject,
            community=self.community_id, detail=detail,
        )  # fmt: skip

    def page(self, template: str, status: int = 200, **values: Any) -> Response:
        """A page; what the request before has said is shown once."""
        said = _said(request.cookies.get(SAID, ""))
        response = make_response(
            render_template(template, visit=self, said=said, csrf=csrf_of(self.token), **values),
            status,
        )
        if said:
            response.delete_cookie(SAID, path="/", samesite="Strict", httponly=True)
        return response

    def goodbye(self) -> Response:
        """The session has been ended: the browser forgets it."""
        response = make_response(render_template("message.html", **_GOODBYE))
        response.delete_cookie(COOKIE, path="/", samesite="Strict", httponly=True)
        return response

    def confirm(self, title: str, lines: list[str], button: str, back: str) -> Response:
        """Read back what is about to happen: its button sends the same form once more.

        `back` is the endpoint that the way out leads to.
        """
        kept = [(key, value) for key, value in request.form.items(multi=True) if key != "csrf"]
        return self.page(
            "confirm.html", title=title, lines=lines, button=button, kept=kept, back=url_for(back)
        )

    def done(
        self, endpoint: str, text: str, *, undo: str = "", undo_fields: Mapping[str, str] = {},
        bad: bool = False, **values: Any,
    ) -> Response:  # fmt: skip
        """Go to another page, which says `text`. `undo` is a path of ours: it is shown as a
        button that sends `undo_fields` there.
        """
        response = redirect(url_for(endpoint, **values), 303)
        said = {"text": text[:400], "undo": undo, "fields": dict(undo_fields), "bad": bad}
        written = json.dumps(said)
        if len(written) <= _SAID_LIMIT:
            set_cookie(response, SAID, written, 60)
        return make_response(response)


def set_cookie(response: Any, name: str, value: str, seconds: int) -> None:
    """One that no script reads and no other site's request carries."""
    response.set_cookie(
        name, value, max_age=seconds, secure=request.is_secure, httponly=True, samesite="Strict",
        path="/",
    )  # fmt: skip


def csrf_of(token: str) -> str:
    """What a form of this session carries: it cannot be made without the session's cookie.

    OWASP, Cross-Site Request Forgery Prevention Cheat Sheet, HMAC based token pattern.
    """
    return hmac.new(token.encode(), b"csrf", hashlib.sha256).hexdigest()


def sent_by_us(token: str) -> bool:
    """Whether a form of this session's pages was sent, and not another site's."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        return False
    return hmac.compare_digest(csrf_of(token).encode(), request.form.get("csrf", "").encode())


def _said(cookie: str) -> dict[str, Any] | None:
    try:
        said = json.loads(cookie) if cookie else None
    except ValueError:
        return None
    if not isinstance(said, dict) or not isinstance(said.get("text"), str):
        return None
    undo, fields = said.get("undo"), said.get("fields")
    ours = isinstance(undo, str) and undo.startswith("/") and not undo.startswith("//")
    return {
        "text": said["text"],
        "bad": said.get("bad") is True,
        "undo": undo if ours else "",
        "fields": fields if isinstance(fields, dict) else {},
    }
