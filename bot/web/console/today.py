"""今日: what goes out today, what failed and why, who waits, what is overdue."""

from flask import Response

from bot.web.area import MENTORS, Area
from bot.web.visit import Visit


def register(area: Area) -> None:
    @area.get("/", roles=MENTORS)
    def today(visit: Visit) -> Response:
        return visit.page("console/today.html")
