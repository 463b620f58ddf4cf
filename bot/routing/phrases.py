"""What several features put into words, the same in each: times, meetings, ways to tell."""

from datetime import datetime
from zoneinfo import ZoneInfo

from bot.domain.dates import spoken
from bot.routing.context import Context
from bot.services import deliveries, opt_out
from bot.services.meeting import MeetingView
from bot.services.meeting_reply import Given


def by_way(context: Context, key: str) -> str:
    """The key, or where something can be pushed that of the message that says so."""
    return f"{key}_pushed" if deliveries.can_push(context.session, context.now) else key


def group_lines(context: Context) -> list[str]:
    """That it goes to groups as well, and to how many; nothing where there is none."""
    groups = deliveries.groups_of(context.session, context.bound.community.id, context.now)
    return [context.say("group.as_well", count=len(groups))] if groups else []


def topics_of(context: Context, topics: list[str]) -> str:
    if set(topics) == set(opt_out.TOPICS):
        return context.say("opt_out.all")
    return "、".join(context.say(f"opt_out.{topic}") for topic in topics)


def moment_of(context: Context, at: datetime) -> str:
    local = at.astimezone(ZoneInfo(context.home.timezone))
    return spoken(local.date(), local.time())


def when_of(context: Context, meeting: MeetingView) -> str:
    return moment_of(context, meeting.starts_at)


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


def own_line(context: Context, meeting: MeetingView, given: Given | None) -> str:
    """The meeting with what the member has answered; only for themself to see."""
    line = meeting_line(context, meeting)
    return line + context.say(f"meeting_reply.own_{given.answer}") if given else line
