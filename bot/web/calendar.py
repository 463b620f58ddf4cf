"""/calendar/<token>.ics: a member's private calendar. The token is never logged."""

from flask import Blueprint, Response, abort, request

from bot.bootstrap import Application
from bot.render.ics import Appointment, calendar
from bot.services import calendar_feed
from bot.services.calendar_feed import FeedMeeting
from bot.storage.session import DATABASE_BUSY

# Whoever reads the feed comes again by itself.
_TRY_AGAIN = "60"


def blueprint(application: Application) -> Blueprint:
    pages = Blueprint("calendar", __name__)
    default = application.settings.defaults.pack
    name = application.library.packs[default].messages.say("calendar_feed.name")

    @pages.get("/calendar/<token>.ics")
    def feed(token: str) -> Response:
        try:
            with application.database.read() as session:
                meetings = calendar_feed.read(session, token, application.clock.now())
        except DATABASE_BUSY:
            return Response("busy\n", 503, {"Retry-After": _TRY_AGAIN}, mimetype="text/plain")
        if meetings is None:
            abort(404)
        body = calendar(name, [_appointment(meeting) for meeting in meetings])
        response = Response(body, content_type="text/calendar; charset=utf-8")
        response.cache_control.private = True
        response.cache_control.no_cache = True
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["X-Robots-Tag"] = "noindex"
        response.add_etag()
        response.make_conditional(request)
        return response

    return pages


def _appointment(meeting: FeedMeeting) -> Appointment:
    return Appointment(
        uid=meeting.uid,
        title=meeting.title,
        place=meeting.place,
        note=meeting.community,
        timezone=meeting.timezone,
        starts_at=meeting.starts_at,
        cancelled=meeting.cancelled,
        sequence=meeting.version,
        changed_at=meeting.changed_at,
    )
