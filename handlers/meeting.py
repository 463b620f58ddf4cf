"""会议, 开会, 改会, 取消: meetings, read back before anybody is told."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from bot.domain.calendar import day_of
from bot.domain.dates import DateProblem, When, parse
from bot.domain.grammar import Takes
from bot.domain.messages import Notice
from bot.domain.person import Role
from bot.routing import Context, Payload, Router
from bot.routing.phrases import (
    by_way,
    group_lines,
    meeting_line,
    moment_of,
    own_line,
    place_of,
    when_of,
)
from bot.services import audit, meeting, meeting_reminder, meeting_reply
from bot.services.meeting import MeetingView

router = Router("meeting")
_UNDO = timedelta(hours=1)
# Who does not come is asked for when the meeting has begun.
_STILL_SHOWN = timedelta(days=1)
_TO = re.compile(r"^(?:改到|改成|为)\s*")


@router.command("会议", help="meeting.help", takes=Takes.ONE_NUMBER, member=True)
def show(context: Context) -> Notice:
    """What is coming; in private with what the member has answered, and how many come."""
    if context.number is not None:
        return _show_one(context, context.number)
    coming = meeting.coming(context.session, [context.bound.community.id], context.now)
    if not coming:
        return context.notice("meeting.none")
    if context.message.in_group:
        lines = [meeting_line(context, item) for item in coming]
    else:
        lines = [line for item in coming for line in _own_lines(context, item)]
    return Notice("meeting", title=context.say("meeting.title"), lines=tuple(lines))


def _show_one(context: Context, number: int) -> Notice:
    home = context.bound.community
    found = meeting.find(context.session, home.id, number, context.now - _STILL_SHOWN)
    if found is None:
        return context.notice("meeting.no_such", number=number)
    if context.message.in_group:
        return Notice("meeting", lines=(meeting_line(context, found),))
    lines = _own_lines(context, found)
    if Role.ORGANISER in context.bound.roles:
        lines += _excuses(context, found)
    if found.starts_at > context.now:
        lines.append(context.say("meeting_reply.how", number=found.id))
    return Notice("meeting", lines=tuple(lines))


def _own_lines(context: Context, item: MeetingView) -> list[str]:
    """With the member's own answer; for an organiser how many have answered what."""
    member = context.bound
    lines = [own_line(context, item, meeting_reply.of(context.session, item.id, member.person_id))]
    if Role.ORGANISER in member.roles:
        counts = meeting_reply.counts(context.session, member.community.id, item.id)
        lines.append(
            context.say(
                "meeting_reply.counts",
                called=counts.called,
                coming=counts.coming,
                excused=counts.excused,
                silent=counts.silent,
            )
        )
    return lines


def _excuses(context: Context, item: MeetingView) -> list[str]:
    """Who does not come, and why; whoever it is can read that an organiser has looked."""
    member, lines = context.bound, []
    for excuse in meeting_reply.excuses(context.session, member.community.id, item.id):
        name = excuse.name or context.say("care.nameless")
        key = "meeting_reply.excuse" if excuse.reason else "meeting_reply.excuse_bare"
        lines.append(context.say(key, name=name, reason=excuse.reason))
        if excuse.person_id != member.person_id:
            audit.note(
                context.session, context.now, "meeting_reply seen", actor=member.person_id,
                subject=excuse.person_id, community=member.community.id,
                detail=f"meeting {item.id}",
            )  # fmt: skip
    return lines


@router.command(
    "开会", help="meeting.plan_help", takes=Takes.ANYTHING, role=Role.ORGANISER, private=True
)
def plan(context: Context) -> Notice:
    if not context.argument:
        return context.notice("meeting.how")
    when = parse(context.argument, context.local_now.replace(tzinfo=None))
    starts_at = _start(context, when)
    if isinstance(starts_at, Notice):
        return starts_at
    place, title = _place_and_title(when.rest if isinstance(when, When) else "")
    title = title or context.say("meeting.untitled")
    payload = {"title": title, "place": place, "starts_at": starts_at.isoformat()}
    draft = MeetingView(0, title, place, starts_at, 1, context.now)
    head = context.say("meeting.read_back", title=title)
    return _read_back(context, head, draft, "meeting.plan", payload)


@router.action("meeting.plan", role=Role.ORGANISER)
def planned(context: Context, payload: Payload) -> Notice:
    member, home = context.bound, context.bound.community
    view = meeting.plan(
        context.session, home.id, payload["title"], payload["place"],
        datetime.fromisoformat(payload["starts_at"]), member.person_id, context.now,
    )  # fmt: skip
    _tell(context, view, "meeting.notice", _audience(context))
    _declare(context, view)
    context.undoable("meeting.undo", {"number": view.id}, _UNDO)
    return context.notice("meeting.planned", number=view.id)


@router.command(
    "改会", help="meeting.change_help", takes=Takes.NUMBER, role=Role.ORGANISER, private=True
)
def change(context: Context) -> Notice:
    if context.number is None:
        return context.notice("meeting.how_change")
    found = meeting.find(context.session, context.bound.community.id, context.number, context.now)
    if found is None:
        return context.notice("meeting.no_such", number=context.number)
    if not context.rest:
        return context.notice("meeting.how_change")
    zone = ZoneInfo(context.bound.community.timezone)
    when = parse(
        _TO.sub("", context.rest),
        context.local_now.replace(tzinfo=None),
        found.starts_at.astimezone(zone).replace(tzinfo=None),
    )
    starts_at = _start(context, when)
    if isinstance(starts_at, Notice):
        return starts_at
    place = when.rest if isinstance(when, When) else ""
    draft = replace(found, place=place or found.place, starts_at=starts_at)
    payload = {
        "number": found.id,
        "version": found.version,
        "place": place,
        "starts_at": starts_at.isoformat(),
    }
    head = context.say("meeting.read_back_change", title=found.title)
    return _read_back(context, head, draft, "meeting.change", payload)


@router.action("meeting.change", role=Role.ORGANISER)
def changed(context: Context, payload: Payload) -> Notice:
    view = meeting.change(
        context.session, context.bound.community.id, payload["number"], payload["version"],
        datetime.fromisoformat(payload["starts_at"]), payload["place"], context.now,
    )  # fmt: skip
    if view is None:
        return context.notice("meeting.gone")
    context.nothing_to_undo()
    _tell(context, view, "meeting.notice_changed", _audience(context))
    _declare(context, view)
    return context.notice("meeting.changed", number=view.id)


@router.command(
    "取消", help="meeting.cancel_help", takes=Takes.NUMBER, role=Role.ORGANISER, private=True
)
def cancel(context: Context) -> Notice:
    if context.number is None:
        return context.notice("meeting.how_cancel")
    home = context.bound.community
    found = meeting.find(context.session, home.id, context.number, context.now)
    if found is None:
        return context.notice("meeting.no_such", number=context.number)
    lines = (
        context.say(
            "meeting.read_back_cancel",
            number=found.id,
            title=found.title,
            when=when_of(context, found),
        ),
        _told(context, "meeting.told_nobody_cancelled"),
        *group_lines(context),
        context.confirm("meeting.cancel", {"number": found.id}),
    )
    return Notice("meeting", lines=lines)


@router.action("meeting.cancel", role=Role.ORGANISER)
def cancelled(context: Context, payload: Payload) -> Notice:
    home = context.bound.community
    done = meeting.cancel(context.session, home.id, payload["number"], context.now)
    if done is None:
        return context.notice("meeting.gone")
    context.nothing_to_undo()
    _tell(context, done.meeting, "meeting.notice_cancelled", _audience(context))
    return context.notice("meeting.cancelled", number=done.meeting.id)


@router.action("meeting.undo", role=Role.ORGANISER)
def undo(context: Context, payload: Payload) -> Notice:
    """撤销 of 开会: who has not seen it never will; only who has is told that it is off."""
    home = context.bound.community
    done = meeting.cancel(context.session, home.id, payload["number"], context.now)
    if done is None:
        return context.notice("meeting.gone")
    seen = set(done.seen) - {context.bound.person_id}
    told = [person_id for person_id in _audience(context) if person_id in seen]
    notice = "meeting.notice_cancelled"
    _tell(context, done.meeting, notice, told, in_groups=done.in_groups)
    key = "meeting.undone_some" if len(told) < len(seen) else "meeting.undone_seen"
    return context.notice(
        key if seen else "meeting.undone",
        number=done.meeting.id, unseen=done.unseen, seen=len(seen), told=len(told),
    )  # fmt: skip


def _audience(context: Context) -> list[int]:
    member = context.bound
    return meeting.audience(context.session, member.community.id, member.person_id)


def _start(context: Context, when: When | DateProblem) -> datetime | Notice:
    if isinstance(when, DateProblem):
        return context.notice(when.key, **when.fields)
    if when.time is None:
        return context.notice("meeting.no_time")
    zone = ZoneInfo(context.bound.community.timezone)
    return datetime.combine(when.day, when.time, zone).astimezone(UTC)


def _place_and_title(rest: str) -> tuple[str, str]:
    """302 主题党日: the last word is the title, what stands before it the place."""
    *place, title = rest.split() or [""]
    return " ".join(place), title


def _read_back(
    context: Context,
    head: str,
    draft: MeetingView,
    action: str,
    payload: dict[str, Any],
) -> Notice:
    """Everything that 确认 will do: what, when (with what kind of day), where, to how many."""
    when = context.say(
        "meeting.when", when=when_of(context, draft), place=place_of(context, draft.place)
    )
    lines = [head, when, *_day_lines(context, draft.starts_at)]
    lines += [_told(context, "meeting.told_nobody"), *group_lines(context)]
    times = meeting_reminder.times(
        context.session, context.bound.community.id, draft.title, draft.starts_at,
        context.pack.routines.reminders, context.now,
    )  # fmt: skip
    if times:
        moments = "、".join(moment_of(context, at) for at in times)
        lines.append(context.say(by_way(context, "meeting.reminded"), times=moments))
    lines.append(context.confirm(action, payload))
    return Notice("meeting", lines=tuple(lines))


def _told(context: Context, nobody: str) -> str:
    """To how many, and how they get it; `nobody` is the key of what is said where none can."""
    count = len(_audience(context))
    return context.say(by_way(context, "meeting.told") if count else nobody, count=count)


def _declare(context: Context, view: MeetingView) -> None:
    reminders = context.pack.routines.reminders
    home = context.bound.community
    meeting_reminder.declare(context.session, home.id, view, reminders, context.now)


def _day_lines(context: Context, starts_at: datetime) -> list[str]:
    """What an organiser should know of the day: a holiday, a shifted workday, a weekend."""
    local = starts_at.astimezone(ZoneInfo(context.bound.community.timezone)).date()
    day = day_of(local)
    lines = []
    if day.holiday:
        lines.append(
            context.say("meeting.holiday", day=f"{local.month}月{local.day}日", name=day.holiday)
        )
    elif day.shifted:
        lines.append(context.say("meeting.workday"))
    elif not day.workday:
        lines.append(context.say("meeting.weekend"))
    if day.provisional:
        lines.append(context.say("meeting.provisional", year=local.year))
    return lines


def _tell(
    context: Context, view: MeetingView, key: str, people: list[int], *, in_groups: bool = True
) -> None:
    home = context.bound.community
    line = context.say(
        key, title=view.title, when=when_of(context, view), place=place_of(context, view.place)
    )
    lines = [line]
    if f"{key}_reply" in context.messages:
        lines.append(context.say(f"{key}_reply", number=view.id))
    notice = Notice("meeting", lines=tuple(lines))
    count = meeting.tell(
        context.session, home.id, view, notice, people, context.now, in_groups=in_groups
    )
    audit.note(
        context.session, context.now, key, actor=context.bound.person_id, community=home.id,
        detail=f"meeting {view.id}, to {count}",
    )  # fmt: skip
