"""/me/: a member's own pages. A module a feature; PAGES is the menu's order."""

from flask import Blueprint, Response

from bot.bootstrap import Application
from bot.services import web_access
from bot.web.area import EVERYBODY, Area, Item
from bot.web.portal import record
from bot.web.visit import Visit

PAGES = (record,)
MENU = (Item("portal.record", "我的记录"),)


def blueprint(application: Application) -> Blueprint:
    area = Area("portal", "/me", application, MENU)
    for module in PAGES:
        module.register(area)

    @area.post("/leave", roles=EVERYBODY)
    def leave(visit: Visit) -> Response:
        web_access.leave(visit.session, visit.who.session_id)
        return visit.goodbye()

    return area.blueprint
