"""Schedules: what is due when, kept as data; declared, changed, stopped, looked ahead."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update

from bot.domain.quiet import Hours
from bot.domain.schedule import Rule, next_slot
from bot.domain.schedule_text import RuleProblem, parse_rule
from bot.storage.models import Community, Schedule
from bot.storage.session import UnitOfWork, insert_new

_BARE = {"synchronize_session": False}


@dataclass(frozen=True, slots=True)
class Timing:
    """How a kind's slots follow from its rule: by `lead` before (negative) or after it; `early`
    says what would fall in quiet hours half an hour before they begin.
    """

    lead: timedelta = timedelta(0)
    early: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """A schedule as it is declared; `key` makes it one."""

    key: str
    kind: str
    rule: Rule
    timing: Timing = Timing()
    content: Mapping[str, Any] = field(default_factory=dict)
    anchor_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ScheduleView:
    id: int
    key: str
    kind: str
    rule: str
    state: str
    reason: str
    next_slot: datetime | None


def declare(session: UnitOfWork, community_id: int, wanted: Wanted, now: datetime) -> bool:
    """Add it unless there is one with its key, whose next slot stays as it is: whether it is new.

    One that is counted from an event and has no slot any more is not added.
    """
    if session.scalar(select(Schedule.id).where(Schedule.key == wanted.key)) is not None:
        return False
    place = session.get_one(Community, community_id)
    hours = Hours(place.timezone, place.quiet_hours)
    due = first(wanted.rule, wanted.timing, hours, now, wanted.anchor_at)
    if due is None and wanted.anchor_at is not None:
        return False
    new = insert_new(
        session, Schedule, key=wanted.key, community_id=community_id, kind=wanted.kind,
        rule=wanted.rule.text, timezone=place.timezone, content=json.dumps(dict(wanted.content)),
        version=1, state="active", reason="", anchor_at=wanted.anchor_at, next_slot=due,
        created_at=now,
    )  # fmt: skip
    return new is not None


def first(
    rule: Rule, timing: Timing, hours: Hours, now: datetime, anchor_at: datetime | None = None
) -> datetime | None:
    """The first moment after `now` at which something of this rule is due. What would be said
    early, and is too late for that, is due at its own time.
    """
    found = next_slot(rule, now - timing.lead, hours.timezone, anchor_at)
    if found is None:
        return None
    due = found.at + timing.lead
    early = _early(due, timing, hours)
    return early if early > now else due


def following(
    rule: Rule, timing: Timing, hours: Hours, slot: datetime, anchor_at: datetime | None = None
) -> datetime | None:
    """When it is due after it was due at `slot`; what was said early is not due once more."""
    base = slot - timing.lead
    while found := next_slot(rule, base, hours.timezone, anchor_at):
        early = _early(found.at + timing.lead, timing, hours)
        if early > slot:
            return early
        base = found.at
    return None


def _early(due: datetime, timing: Timing, hours: Hours) -> datetime:
    return hours.before_quiet(due) if timing.early else due


def change(
    session: UnitOfWork, community_id: int, kinds: Mapping[str, Timing], rule: Rule, now: datetime
) -> int:
    """Give the community's schedules of these kinds another rule, and let stopped ones go on."""
    rows = session.scalars(_of_kinds(community_id, kinds)).all()
    for row in rows:
        hours = _hours(session, row)
        row.rule, row.version, row.state, row.reason = rule.text, row.version + 1, "active", ""
        row.next_slot = first(rule, kinds[row.kind], hours, now)
    session.flush()
    return len(rows)


def stop(session: UnitOfWork, community_id: int, kinds: Sequence[str]) -> int:
    """Nothing of these kinds becomes due until start() or change()."""
    rows = session.scalars(_of_kinds(community_id, kinds)).all()
    for row in rows:
        row.state, row.next_slot = "stopped", None
    session.flush()
    return len(rows)


def start(
    session: UnitOfWork, community_id: int, kinds: Mapping[str, Timing], now: datetime
) -> int:
    """What was stopped goes on from now; what was missed meanwhile is not made up for."""
    rows = session.scalars(_of_kinds(community_id, kinds)).all()
    for row in rows:
        rule = parse_rule(row.rule)
        if isinstance(rule, Rule):
            row.state, row.reason = "active", ""
            row.next_slot = first(rule, kinds[row.kind], _hours(session, row), now)
    session.flush()
    return len(rows)


def end(session: UnitOfWork, prefix: str) -> None:
    """What hangs on something that is over, or has moved, is due no more."""
    session.execute(
        update(Schedule)
        .where(Schedule.key.startswith(prefix, autoescape=True), Schedule.state == "active")
        .values(state="ended", next_slot=None),
        execution_options=_BARE,
    )


def is_due(session: UnitOfWork, prefix: str, kind: str, after: datetime, now: datetime) -> bool:
    """Whether something of this kind whose key begins so is due by now, later than `after`."""
    found = session.scalar(
        select(Schedule.id)
        .where(
            Schedule.key.startswith(prefix, autoescape=True),
            Schedule.kind == kind,
            Schedule.state == "active",
            Schedule.next_slot > after,
            Schedule.next_slot <= now,
        )
        .limit(1)
    )
    return found is not None


def listed(session: UnitOfWork, community_id: int | None = None) -> list[ScheduleView]:
    """Every schedule that is not over, by what is due first."""
    wanted = select(Schedule).where(Schedule.state != "ended")
    if community_id is not None:
        wanted = wanted.where(Schedule.community_id == community_id)
    rows = session.scalars(wanted.order_by(Schedule.next_slot, Schedule.id))
    return [
        ScheduleView(row.id, row.key, row.kind, row.rule, row.state, row.reason, row.next_slot)
        for row in rows
    ]


def slots(row: Schedule, timing: Timing, hours: Hours, until: datetime) -> Iterator[datetime]:
    """Its coming slots, from the one that is due next."""
    rule = parse_rule(row.rule)
    due = row.next_slot
    while due is not None and due <= until and isinstance(rule, Rule):
        yield due
        due = following(rule, timing, hours, due, row.anchor_at)


def hours_of(session: UnitOfWork, community_id: int) -> Hours:
    place = session.get_one(Community, community_id)
    return Hours(place.timezone, place.quiet_hours)


def readable(rule: Rule | RuleProblem) -> Rule | None:
    return rule if isinstance(rule, Rule) else None


def _hours(session: UnitOfWork, row: Schedule) -> Hours:
    return Hours(row.timezone, session.get_one(Community, row.community_id).quiet_hours)


def _of_kinds(community_id: int, kinds: Any) -> Any:
    return select(Schedule).where(
        Schedule.community_id == community_id,
        Schedule.kind.in_(list(kinds)),
        Schedule.state != "ended",
    )
