"""/enter/<token>: from the chat into the pages. Opening it spends nothing; its button does."""

import secrets

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for

from bot.bootstrap import Application
from bot.domain.messages import Notice
from bot.services import web_access
from bot.services.web_access import Area, Link
from bot.storage.session import DATABASE_BUSY
from bot.web.area import message, secured
from bot.web.visit import COOKIE, csrf_of, sent_by_us, set_cookie

_NONCE = "xueban_enter"
_LANDING = {Area.CONSOLE: "console.today", Area.PORTAL: "portal.record"}
_NO_SUCH = ("这个链接不能用", "可能没复制全。在微信里再发一次“后台”或“我的主页”。")
_OLD = (
    "链接过期了",
    "10 分钟内有效，只认最新的一个。在微信里再发一次“后台”或“我的主页”。",
)
_SPENT = ("链接用过了", "一个链接只能进一次。在微信里再发一次“后台”或“我的主页”。")
_AGAIN = (
    "再点一次聊天里的链接",
    "这一页放太久了，或是别的网页打开的。链接还能用。",
)
_BUSY = ("现在有点忙", "链接还能用，过一会儿再点。")
_SLOW = ("点得太多了", "过几分钟再试。链接过期的话，在微信里再要一个。")


def blueprint(application: Application) -> Blueprint:
    """Chat apps open links before people do: GET shows whose link it is, POST spends it."""
    pages = Blueprint("enter", __name__, url_prefix="/enter")
    pages.after_request(secured)
    words = application.library.packs[application.settings.defaults.pack].messages

    @pages.get("/<token>")
    def show(token: str) -> Response:
        now = application.clock.now()
        try:
            with application.database.read() as session:
                link = web_access.find(session, token, now)
        except DATABASE_BUSY:
            return message(503, *_BUSY)
        if link is None or not link.usable:
            return _useless(link)
        nonce = secrets.token_urlsafe(16)
        page = make_response(
            render_template(
                "enter.html", name=_masked(link), area=link.area, csrf=csrf_of(nonce)
            )
        )  # fmt: skip
        set_cookie(page, _NONCE, nonce, int(web_access.LINK_LIVES.total_seconds()))
        return page

    @pages.post("/<token>")
    def enter(token: str) -> Response:
        now = application.clock.now()
        nonce = request.cookies.get(_NONCE, "")
        if not nonce or not sent_by_us(nonce):
            return message(400, *_AGAIN)
        try:
            with application.database.begin() as session:
                room = web_access.allowed(
                    session, "enter", request.remote_addr or "", web_access.ENTERED, now
                )
            if not room:
                return message(429, *_SLOW)
            with application.database.begin() as session:
                link = web_access.find(session, token, now)
                made = web_access.enter(session, link, now) if link else None
                if link and made is None and link.spent:
                    line = words.say("web_access.second_use")
                    notice = Notice("web_access", lines=(line,))
                    web_access.tell_of_second_use(session, link, notice, now)
        except DATABASE_BUSY:
            return message(503, *_BUSY)
        if link is None or made is None:
            return _useless(link)
        response = make_response(redirect(url_for(_LANDING[link.area]), 303))
        set_cookie(response, COOKIE, made, int(web_access.SESSION_LIVES.total_seconds()))
        response.delete_cookie(_NONCE, path="/", samesite="Strict", httponly=True)
        return response

    return pages


def _useless(link: Link | None) -> Response:
    if link is None:
        return message(404, *_NO_SUCH)
    return message(410, *(_SPENT if link.spent else _OLD))


def _masked(link: Link) -> str:
    """王**: enough to see that it is one's own, for who has got it by mistake no name."""
    if link.person_id is None:
        return "运维"
    return f"{link.name[0]}**" if link.name else "还没填名字的成员"
