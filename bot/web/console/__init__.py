"""/console/: the pages of organisers and mentors. A module a feature; PAGES is the menu's order."""

from flask import Blueprint, Response

from bot.bootstrap import Application
from bot.services import web_access
from bot.web.area import MENTORS, Area, Item
from bot.web.console import today
from bot.web.visit import Visit

PAGES = (today,)
MENU = (Item("console.today", "今日", MENTORS),)


def blueprint(application: Application) -> Blueprint:
    area = Area("console", "/console", application, MENU)
    for module in PAGES:
        module.register(area)

    @area.post("/leave", roles=MENTORS)
    def leave(visit: Visit) -> Response:
        web_access.leave(visit.session, visit.who.session_id)
        return visit.goodbye()

    return area.blueprint
