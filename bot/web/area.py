"""An area of pages for signed-in people: each page says which roles may see it."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any

from flask import Blueprint, Response, make_response, render_template, request

from bot.bootstrap import Application
from bot.domain.person import Role
from bot.errors import NotFound
from bot.services import audit, web_access
from bot.storage.session import DATABASE_BUSY
from bot.web.visit import COOKIE, View, Visit, sent_by_us

_TRY_AGAIN = "5"
BAD = 400
_STALE = ("这一页放太久了", "没有做任何改动。返回上一页刷新一下，再试一次。")
_TOO_FAST = ("点得太快了", "没有做任何改动。过几分钟再试。")
_COME_IN = ("要先从聊天里进来", "在微信里给学伴发“后台”或“我的主页”，点它给你的链接。")
_NOT_YOURS = ("这一页不归你管", "需要的话，请组织者在名册里给你相应的角色。")
_GONE = ("没有这一页", "可能已经删掉，或不是你们组织的。")
_BUSY = ("现在有点忙", "没有做任何改动，过一会儿刷新再试。")
MENTORS = frozenset({Role.MENTOR, Role.ORGANISER})
ORGANISERS = frozenset({Role.ORGANISER})
EVERYBODY = frozenset(Role)
_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not no-referrer: browsers would then send our own forms with the origin "null".
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Robots-Tag": "noindex",
    "Cache-Control": "no-store",
}
Register = Callable[[View], View]


@dataclass(frozen=True, slots=True)
class Item:
    """A line of the menu, for these roles."""

    endpoint: str
    label: str
    roles: frozenset[Role] = EVERYBODY


class Area:
    """Pages under one prefix. GET reads, POST writes in one transaction that is committed when
    the view returns with a status below 400.
    """

    def __init__(
        self, name: str, prefix: str, application: Application, menu: Sequence[Item]
    ) -> None:
        self.application = application
        self.menu = menu
        self.blueprint = Blueprint(name, __name__, url_prefix=prefix)
        self.blueprint.after_request(secured)

    def get(self, rule: str, *, roles: Collection[Role]) -> Register:
        return self._route(rule, "GET", roles)

    def post(self, rule: str, *, roles: Collection[Role]) -> Register:
        return self._route(rule, "POST", roles)

    def _route(self, rule: str, method: str, roles: Collection[Role]) -> Register:
        def register(view: View) -> View:
            @wraps(view)
            def guarded(**values: Any) -> Response:
                return self._answer(view, method == "POST", frozenset(roles), values)

            self.blueprint.add_url_rule(rule, view.__name__, guarded, methods=[method])
            return view

        return register

    def _answer(
        self, view: View, writes: bool, roles: frozenset[Role], values: dict[str, Any]
    ) -> Response:
        token = request.cookies.get(COOKIE, "")
        now, database = self.application.clock.now(), self.application.database
        if writes and not sent_by_us(token):
            return message(400, *_STALE)
        try:
            if writes and token:
                with database.begin() as session:
                    room = web_access.allowed(session, "write", token, web_access.WRITTEN, now)
                if not room:
                    return message(429, *_TOO_FAST)
            with database.begin() if writes else database.read() as session:
                who = web_access.visitor(session, token, now) if token else None
                if who is None:
                    return message(401, *_COME_IN)
                if not who.roles & roles:
                    return message(403, *_NOT_YOURS)
                menu = [item for item in self.menu if item.roles & who.roles]
                visit = Visit(self.application, session, now, who, token, menu)
                response = view(visit, **values)
                if writes and response.status_code >= BAD:
                    raise _Refused(response)
            _note(self.application, visit)
        except _Refused as refused:
            response = refused.response
        except NotFound:
            response = message(404, *_GONE)
        except DATABASE_BUSY:
            response = message(503, *_BUSY)
            response.headers["Retry-After"] = _TRY_AGAIN
        return response


class _Refused(Exception):
    """Takes an answer out of the transaction, of which nothing is stored."""

    def __init__(self, response: Response) -> None:
        super().__init__("a page refused what was asked")
        self.response = response


def _note(application: Application, visit: Visit) -> None:
    if not visit.looks:
        return
    with application.database.begin() as session:
        for action, subject, detail in visit.looks:
            audit.note(
                session, visit.now, action, actor=visit.who.person_id, subject=subject,
                community=visit.community_id, detail=detail,
            )  # fmt: skip


def message(status: int, title: str, text: str) -> Response:
    """A page of one sentence, for whoever gets no other."""
    return secured(make_response(render_template("message.html", title=title, text=text), status))


def secured(response: Response) -> Response:
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    return response
