"""How meetings are put into words, the same in every feature that names one."""

from zoneinfo import ZoneInfo

from bot.domain.dates import spoken
from bot.routing.context import Context
from bot.services.meeting import MeetingView


def when_of(context: Context, meeting: MeetingView) -> str:
    local = meeting.starts_at.astimezone(ZoneInfo(context.bound.community.timezone))
    return spoken(local.date(), local.time())


def place_of(context: Context, place: str) -> str:
    return context.say("meeting.place", place=place) if place else ""


def meeting_line(context: Context, meeting: MeetingView) -> str:
    return context.say(
        "meeting.line",
        number=meeting.id,
        when=when_of(context, meeting),
        title=meeting.title,
        place=place_of(context, meeting.place),
    )
