"""What is due before a meeting: its plan to the organisers, reminders to the members.

A reminder is declared when its meeting is planned, for one version of it; the pack says when
(routines.toml). One whose time has gone by already is not declared: the announcement of the
meeting has just gone out.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from bot.domain.dates import spoken
from bot.domain.messages import Notice
from bot.domain.person import CommunityView
from bot.domain.quiet import Hours
from bot.domain.schedule import Rule
from bot.domain.schedule_text import parse_rule
from bot.services import firing, meeting, meeting_reply, person, schedule
from bot.services.firing import Call, CatchUp, Chunk, Kind, Occasion, Skip
from bot.services.meeting import MeetingView
from bot.services.schedule import Timing, Wanted
from bot.storage.session import UnitOfWork
from content.schema import Reminder


def declare(
    session: UnitOfWork,
    community_id: int,
    view: MeetingView,
    reminders: Sequence[Reminder],
    now: datetime,
) -> int:
    """Declare what the pack has for this meeting and is still to come: how many are new."""
    content = {"meeting": view.id, "version": view.version}
    new = 0
    hours = schedule.hours_of(session, community_id)
    for number, kind, rule, _ in _due(view.title, view.starts_at, reminders, hours, now):
        wanted = Wanted(
            f"{view.about}:{number}", kind.name, rule, kind.timing, content, view.starts_at
        )
        new += schedule.declare(session, community_id, wanted, now)
    return new


def times(
    session: UnitOfWork,
    community_id: int,
    title: str,
    starts_at: datetime,
    reminders: Sequence[Reminder],
    now: datetime,
) -> list[datetime]:
    """When members would be reminded of such a meeting, in order."""
    hours = schedule.hours_of(session, community_id)
    due = _due(title, starts_at, reminders, hours, now)
    return sorted({at for _, kind, _, at in due if kind is REMINDER})


def _due(
    title: str, starts_at: datetime, reminders: Sequence[Reminder], hours: Hours, now: datetime
) -> list[tuple[int, Kind, Rule, datetime]]:
    """What is still to come, and when. One that is said early, on the evening before, takes the
    place of the same day's earlier ones.
    """
    found, moved = [], []
    for number, kind, rule in _fitting(title, reminders):
        at = schedule.first(rule, kind.timing, hours, now, starts_at)
        if at is None:
            continue
        found.append((number, kind, rule, at))
        if at != schedule.first(rule, replace(kind.timing, early=False), hours, now, starts_at):
            moved.append(at)

    def gives_way(kind: Kind, at: datetime) -> bool:
        later = (one for one in moved if at < one and hours.day(at) == hours.day(one))
        return kind is REMINDER and any(later)

    return [one for one in found if not gives_way(one[1], one[3])]


def _fitting(title: str, reminders: Sequence[Reminder]) -> Iterator[tuple[int, Kind, Rule]]:
    for number, reminder in enumerate(reminders, start=1):
        rule = schedule.readable(parse_rule(reminder.rule))
        fits = not reminder.titles or any(word in title for word in reminder.titles)
        if rule and fits:
            yield number, KINDS[reminder.kind], rule


def _not_excused(
    session: UnitOfWork, home: CommunityView, content: Mapping[str, Any], chunk: Chunk
) -> list[int]:
    return person.people_of(
        session, home.id, after=chunk.after, limit=chunk.limit,
        but=meeting_reply.excused(content["meeting"]),
    )  # fmt: skip


def _plan(occasion: Occasion) -> Call | Skip:
    view = _meeting(occasion)
    if isinstance(view, str):
        return Skip(view)
    counts = meeting_reply.counts(occasion.session, occasion.home.id, view.id)
    lines = (
        _when(occasion, view),
        occasion.say("meeting.plan_counts", coming=counts.coming, excused=counts.excused),
        occasion.say("meeting.plan_next", number=view.id),
    )
    title = occasion.say("meeting.plan_title", title=view.title)
    return _call(view, Notice("meeting_plan", title=title, lines=lines))


def _reminder(occasion: Occasion) -> Call | Skip:
    view = _meeting(occasion)
    if isinstance(view, str):
        return Skip(view)
    if schedule.is_due(
        occasion.session, f"{view.about}:", REMINDER.name, occasion.slot, occasion.now
    ):
        return Skip("a later one was due as well")
    lines = (_when(occasion, view), occasion.say("meeting.reminder_excuse", number=view.id))
    title = occasion.say("meeting.reminder_title", title=view.title)
    return _call(view, Notice("meeting_reminder", title=title, lines=lines))


def _meeting(occasion: Occasion) -> MeetingView | str:
    content = occasion.content
    return meeting.standing(
        occasion.session, occasion.home.id, content["meeting"], content["version"]
    )


def _when(occasion: Occasion, view: MeetingView) -> str:
    local = view.starts_at.astimezone(ZoneInfo(occasion.home.timezone))
    place = occasion.say("meeting.place", place=view.place) if view.place else ""
    return occasion.say("meeting.when", when=spoken(local.date(), local.time()), place=place)


def _call(view: MeetingView, notice: Notice) -> Call:
    return Call(view.about, notice, expires_at=view.starts_at)


# An organiser who has stopped the members' notices (退订 会议) still has a meeting to prepare.
PLAN = Kind("meeting_plan", "desk", _plan, CatchUp.BEFORE, firing.organisers)
REMINDER = Kind(
    "meeting_reminder", meeting.TOPIC, _reminder, CatchUp.BEFORE, _not_excused, Timing(early=True),
    in_groups=True,
)  # fmt: skip
KINDS = {kind.name: kind for kind in (PLAN, REMINDER)}
