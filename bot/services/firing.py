"""What a schedule's slot brings about: once, whatever happens, and never without a trace.

In one transaction the firing is inserted (its schedule and slot are unique), what it says is
fixed, and the schedule's next slot is set: two schedulers, or a kill at any point, leave all of
it or nothing. The audience is then told in chunks, each a transaction of its own.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Any

import structlog
from sqlalchemy import select, text, update

from bot.domain.manner import plain
from bot.domain.messages import Notice
from bot.domain.person import CommunityView, Role
from bot.domain.quiet import Hours
from bot.domain.schedule import Rule
from bot.domain.schedule_text import parse_rule
from bot.services import community, deliveries, opt_out, person, routine, schedule
from bot.services.deliveries import Saying
from bot.services.schedule import Timing
from bot.storage.models import Community, Delivery, Firing, Schedule
from bot.storage.session import UnitOfWork, insert_new
from content.loader import Pack

log = structlog.get_logger(__name__)

CHUNK = 1000
# Of a long row of missed slots the older ones are not written down one by one.
_SHOWN = 50


class CatchUp(StrEnum):
    """What becomes of slots that were missed, while nothing ran.

    LATEST: the latest, up to so many days late. TODAY: the latest, if it is today's. BEFORE: the
    latest, as long as the event has not begun. ALWAYS: the latest, however late. The others are
    recorded as skipped.
    """

    LATEST = "latest"
    TODAY = "today"
    BEFORE = "before"
    ALWAYS = "always"


LATE = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Occasion:
    """One slot: `base` is when the rule says, `slot` when it is due, `anchor_at` the event that
    it counts from. `say` gives the pack's words.
    """

    session: UnitOfWork
    home: CommunityView
    hours: Hours
    pack: Pack
    content: Mapping[str, Any]
    slot: datetime
    base: datetime
    anchor_at: datetime | None
    now: datetime

    def say(self, key: str, **values: object) -> str:
        return self.pack.messages.say(key, **values)


@dataclass(frozen=True, slots=True)
class Call:
    """What everybody is told on an occasion, until when it has a point, and the menu with it.

    `content` comes to the schedule's own; the audience is found by both.
    """

    about: str
    notice: Notice
    ask: str = ""
    expires_at: datetime | None = None
    content: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Skip:
    """Nothing is sent, and why: one word or two that the lists show."""

    reason: str


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some of an audience: at most `limit` people whose numbers are above `after`."""

    after: int = 0
    limit: int | None = None


# Their numbers, rising.
Audience = Callable[[UnitOfWork, CommunityView, Mapping[str, Any], Chunk], list[int]]


def everybody(
    session: UnitOfWork, home: CommunityView, content: Mapping[str, Any], chunk: Chunk
) -> list[int]:
    return person.people_of(session, home.id, after=chunk.after, limit=chunk.limit)


def organisers(
    session: UnitOfWork, home: CommunityView, content: Mapping[str, Any], chunk: Chunk
) -> list[int]:
    return person.people_of(session, home.id, Role.ORGANISER, after=chunk.after, limit=chunk.limit)


@dataclass(frozen=True, slots=True)
class Kind:
    """What schedules of this kind do. `topic` is what somebody can be spared (退订).

    `routine` is the routine of a pack whose rule it goes by; "" for what hangs on an event. What
    is said `in_groups` as well is about nobody.
    """

    name: str
    topic: str
    build: Callable[[Occasion], Call | Skip]
    catch_up: CatchUp
    audience: Audience = everybody
    timing: Timing = field(default_factory=Timing)
    routine: str = ""
    in_groups: bool = False


Kinds = Mapping[str, Kind]


def due(session: UnitOfWork, now: datetime, but: Sequence[int] = ()) -> int | None:
    """The schedule that has been due for longest, without those in `but`."""
    return session.scalar(
        select(Schedule.id)
        .where(text("state = 'active'"), Schedule.next_slot <= now, Schedule.id.not_in(but))
        .order_by(Schedule.next_slot)
        .limit(1)
    )


def fire(
    session: UnitOfWork, schedule_id: int, kinds: Kinds, packs: Mapping[str, Pack], now: datetime
) -> int:
    """Fire this schedule if it is (still) due: how many firings were written."""
    row = session.scalars(
        select(Schedule)
        .where(Schedule.id == schedule_id, text("state = 'active'"), Schedule.next_slot <= now)
        .with_for_update()
    ).first()
    if row is None:
        return 0
    kind, rule = kinds.get(row.kind), schedule.readable(parse_rule(row.rule))
    if kind is None or rule is None:
        reason = "unknown kind" if kind is None else "unreadable rule"
        row.state, row.reason = "parked", reason
        _record(session, row, row.next_slot or now, "parked", reason, now)
        log.error("schedule_parked", schedule=row.id, kind=row.kind, reason=reason)
        session.flush()
        return 1
    hours = Hours(row.timezone, session.get_one(Community, row.community_id).quiet_hours)
    missed, upcoming = _missed(row, rule, kind.timing, hours, now)
    count = 0
    for older, _ in pairwise(missed[-_SHOWN:]):
        count += _record(session, row, older, "skipped", "a later one was due as well", now)
    count += _fire(session, row, kind, packs, missed[-1], hours, now)
    row.next_slot = upcoming
    if upcoming is None:
        row.state = "ended"
    session.flush()
    return count


def _missed(
    row: Schedule, rule: Rule, timing: Timing, hours: Hours, now: datetime
) -> tuple[list[datetime], datetime | None]:
    """The slots that have come, oldest first, and the first that has not."""
    found: list[datetime] = []
    due = row.next_slot
    while due is not None and due <= now:
        found = [*found[-_SHOWN:], due]
        due = schedule.following(rule, timing, hours, due, row.anchor_at)
    return found, due


def _fire(
    session: UnitOfWork, row: Schedule, kind: Kind, packs: Mapping[str, Pack], slot: datetime,
    hours: Hours, now: datetime,
) -> int:  # fmt: skip
    if reason := _too_late(kind.catch_up, row, slot, hours, now):
        return _record(session, row, slot, "skipped", reason, now)
    home = community.view(session.get_one(Community, row.community_id))
    pack = packs.get(home.pack)
    if pack is None:
        return _record(session, row, slot, "parked", "unknown pack", now)
    occasion = Occasion(
        session, home, hours, pack, json.loads(row.content), slot, slot - kind.timing.lead,
        row.anchor_at, now,
    )  # fmt: skip
    call = _built(kind, occasion)
    if isinstance(call, Skip):
        return _record(session, row, slot, "skipped", call.reason, now)
    return _record(session, row, slot, "open", "", now, call)


def _built(kind: Kind, occasion: Occasion) -> Call | Skip:
    """What is said; plainly, on a day of remembrance."""
    call = kind.build(occasion)
    day = occasion.hours.day(max(occasion.slot, occasion.now))
    if isinstance(call, Call) and routine.is_plain_day(occasion.pack, day):
        return replace(call, notice=plain(call.notice))
    return call


def _too_late(catch_up: CatchUp, row: Schedule, slot: datetime, hours: Hours, now: datetime) -> str:
    match catch_up:
        case CatchUp.LATEST:
            return "too late" if now - slot > LATE else ""
        case CatchUp.TODAY:
            return "too late" if hours.day(now) != hours.day(slot) else ""
        case CatchUp.BEFORE:
            return "too late" if row.anchor_at is not None and now >= row.anchor_at else ""
    return ""


def _record(
    session: UnitOfWork, row: Schedule, slot: datetime, state: str, reason: str, now: datetime,
    call: Call | None = None,
) -> int:  # fmt: skip
    """1, or 0 when this slot was fired before."""
    done = None if state == "open" else now
    new = insert_new(
        session, Firing, schedule_id=row.id, community_id=row.community_id, kind=row.kind,
        slot=slot, state=state, reason=reason, content=_content(row, call),
        about=call.about if call else "", notice=call.notice.to_json() if call else "",
        ask=call.ask if call else "", expires_at=call.expires_at if call else None,
        cursor=0, count=0, fired_at=now, done_at=done,
    )  # fmt: skip
    if new is not None and state != "open":
        log.info("slot_not_told", state=state, schedule=row.id, kind=row.kind, reason=reason)
    return int(new is not None)


def _content(row: Schedule, call: Call | None) -> str:
    if call is None or not call.content:
        return row.content
    return json.dumps({**json.loads(row.content), **call.content})


def reword(session: UnitOfWork, about: str, notice: Notice) -> None:
    """Who is still to be told of this, or can look it up, reads this instead."""
    for model, states in ((Firing, ("open",)), (Delivery, ("queued", "held", "shown"))):
        session.execute(
            update(model)
            .where(model.about == about, model.state.in_(states))
            .values(notice=notice.to_json()),
            execution_options={"synchronize_session": False},
        )


def waiting(session: UnitOfWork) -> bool:
    """Whether an audience is still to be told."""
    return session.scalar(select(Firing.id).where(text("state = 'open'")).limit(1)) is not None


def stop(session: UnitOfWork, about: str, reason: str, now: datetime) -> None:
    """Nobody further is told what is about this: it has lost its point."""
    session.execute(
        update(Firing)
        .where(text("state = 'open'"), Firing.about == about)
        .values(state="skipped", reason=reason, done_at=now),
        execution_options={"synchronize_session": False},
    )


def park(session: UnitOfWork, reason: str, now: datetime) -> bool:
    """Put the oldest open firing aside; it is kept and shown. False when there is none."""
    row = session.scalars(select(Firing).where(text("state = 'open'")).order_by(Firing.id)).first()
    if row is None:
        return False
    row.state, row.reason, row.done_at = "parked", reason, now
    session.flush()
    return True


def expand(session: UnitOfWork, kinds: Kinds, now: datetime, chunk: int = CHUNK) -> int | None:
    """Tell the next `chunk` people of the oldest open firing: how many; None when none is open."""
    row = session.scalars(
        select(Firing)
        .where(text("state = 'open'"))
        .order_by(Firing.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).first()
    if row is None:
        return None
    kind = kinds.get(row.kind)
    if kind is None:
        row.state, row.reason, row.done_at = "parked", "unknown kind", now
        session.flush()
        return 0
    home = community.view(session.get_one(Community, row.community_id))
    content: Mapping[str, Any] = json.loads(row.content)
    people = kind.audience(session, home, content, Chunk(row.cursor, chunk))
    told = 0
    if kind.in_groups and not row.cursor:
        told += deliveries.tell_groups(session, row.community_id, _saying(row, kind), now)
    if people:
        listed = opt_out.without(session, people, kind.topic)
        told += deliveries.tell(session, listed, row.community_id, _saying(row, kind), now)
        row.cursor = people[-1]
    row.count += told
    if len(people) < chunk:
        row.state, row.done_at = "done", now
        row.reason = "" if row.count else "nobody to tell"
    session.flush()
    return told


def _saying(row: Firing, kind: Kind) -> Saying:
    return Saying(
        kind.topic, row.about, Notice.from_json(row.notice), ask=row.ask, due_at=row.slot,
        expires_at=row.expires_at, firing_id=row.id, key=f"firing:{row.id}",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Preview:
    """One coming slot: what will be said to how many, or why nothing (`reason`)."""

    slot: datetime
    kind: str
    community: str
    timezone: str
    reason: str
    notice: Notice | None
    people: tuple[int, ...]


def preview(
    session: UnitOfWork, kinds: Kinds, packs: Mapping[str, Pack], now: datetime, until: datetime
) -> list[Preview]:
    """What will become due until then, as things stand now; oldest first."""
    found = []
    rows = session.scalars(
        select(Schedule).where(text("state = 'active'"), Schedule.next_slot <= until)
    ).all()
    for row in rows:
        kind, place = kinds.get(row.kind), session.get_one(Community, row.community_id)
        home, hours = community.view(place), Hours(row.timezone, place.quiet_hours)
        blank = Preview(now, row.kind, home.name, row.timezone, "unknown kind", None, ())
        if kind is None or home.pack not in packs:
            found.append(replace(blank, slot=row.next_slot or now))
            continue
        content: Mapping[str, Any] = json.loads(row.content)
        for slot in schedule.slots(row, kind.timing, hours, until):
            occasion = Occasion(
                session, home, hours, packs[home.pack], content, slot, slot - kind.timing.lead,
                row.anchor_at, now,
            )  # fmt: skip
            call = _built(kind, occasion)
            if isinstance(call, Skip):
                found.append(replace(blank, slot=slot, reason=call.reason))
                continue
            people = kind.audience(session, home, {**content, **call.content}, Chunk())
            told = tuple(opt_out.without(session, people, kind.topic))
            found.append(replace(blank, slot=slot, reason="", notice=call.notice, people=told))
    return sorted(found, key=lambda item: item.slot)
