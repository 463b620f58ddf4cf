"""我的记录: a member's own check-ins."""

from flask import Response

from bot.web.area import EVERYBODY, Area
from bot.web.visit import Visit


def register(area: Area) -> None:
    @area.get("/", roles=EVERYBODY)
    def record(visit: Visit) -> Response:
        return visit.page("portal/record.html")
