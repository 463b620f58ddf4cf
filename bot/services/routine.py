"""Routines: what a pack lets happen again and again, as each community's organisers have set it."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import and_, select

from bot.domain.person import CommunityView
from bot.domain.schedule import Rule
from bot.domain.schedule_text import parse_rule
from bot.services import schedule
from bot.services.schedule import Timing, Wanted
from bot.storage.models import Community, Firing, Schedule
from bot.storage.session import UnitOfWork
from content.loader import Pack

if TYPE_CHECKING:
    from bot.services.firing import Kinds

_PREFIX = "routine:"
_DECLARED = select(Community.id, Community.pack, Schedule.key).outerjoin(
    Schedule,
    and_(Schedule.community_id == Community.id, Schedule.key.startswith(_PREFIX)),
)


@dataclass(frozen=True, slots=True)
class RoutineView:
    """One routine of a community; `skipped` is its last slot if nothing was sent then, and why."""

    name: str
    rule: Rule
    state: str
    next_slot: datetime | None
    skipped: tuple[datetime, str] | None


def is_plain_day(pack: Pack, day: date) -> bool:
    """Whether the pack wants what is pushed on this local day said plainly."""
    return pack.routines.is_plain(day)


def declare_all(
    session: UnitOfWork, packs: Mapping[str, Pack], kinds: "Kinds", now: datetime
) -> int:
    """Give each community the schedules of its pack's routines: how many are new.

    What there is stays as it is. One query where nothing is missing.
    """
    known: dict[tuple[int, str], set[str]] = {}
    for row in session.core.execute(_DECLARED):
        known.setdefault((row.id, row.pack), set()).add(row.key)
    return sum(
        _declare(session, number, packs[pack], kinds, keys, now)
        for (number, pack), keys in known.items()
        if pack in packs
    )


def declare(
    session: UnitOfWork, home: CommunityView, pack: Pack, kinds: "Kinds", now: datetime
) -> int:
    """The same for one community, before the first tick has come to it."""
    return _declare(session, home.id, pack, kinds, frozenset(), now)


def _declare(
    session: UnitOfWork, community_id: int, pack: Pack, kinds: "Kinds", keys: AbstractSet[str],
    now: datetime,
) -> int:  # fmt: skip
    count = 0
    for kind in kinds.values():
        rule = schedule.readable(parse_rule(pack.routines.rules.get(kind.routine, "")))
        key = _key(community_id, kind.name)
        if rule is not None and key not in keys:
            wanted = Wanted(key, kind.name, rule, kind.timing)
            count += schedule.declare(session, community_id, wanted, now)
    return count


def names_of(pack: Pack, kinds: "Kinds") -> list[str]:
    """The pack's routines, in the order of the kinds."""
    names = dict.fromkeys(kind.routine for kind in kinds.values())
    return [name for name in names if name in pack.routines.rules]


def listed(
    session: UnitOfWork, home: CommunityView, pack: Pack, kinds: "Kinds"
) -> list[RoutineView]:
    """The community's routines, in the order of the kinds."""
    views = []
    for name in names_of(pack, kinds):
        row = _row(session, home.id, name)
        rule = schedule.readable(parse_rule(row.rule)) if row else None
        if row and rule:
            last = _last_skipped(session, row)
            views.append(RoutineView(name, rule, row.state, row.next_slot, last))
    return views


def rule_of(session: UnitOfWork, home: CommunityView, pack: Pack, name: str) -> Rule | None:
    """The rule of a routine: the organisers', else the pack's; None when it has none."""
    row = _row(session, home.id, name)
    text = row.rule if row else pack.routines.rules.get(name, "")
    return schedule.readable(parse_rule(text))


def runs(session: UnitOfWork, home: CommunityView, name: str) -> bool:
    """Whether it is neither stopped nor parked."""
    row = _row(session, home.id, name)
    return row is None or row.state == "active"


def change(
    session: UnitOfWork, home: CommunityView, kinds: "Kinds", name: str, rule: Rule, now: datetime
) -> None:
    """Another rule for the routine and what follows it; it goes on if it was stopped."""
    schedule.change(session, home.id, timings(kinds, name), rule, now)


def stop(session: UnitOfWork, home: CommunityView, kinds: "Kinds", name: str) -> None:
    schedule.stop(session, home.id, list(timings(kinds, name)))


def start(
    session: UnitOfWork, home: CommunityView, kinds: "Kinds", name: str, now: datetime
) -> None:
    schedule.start(session, home.id, timings(kinds, name), now)


def timings(kinds: "Kinds", name: str) -> dict[str, Timing]:
    """The kinds that go by this routine's rule, and how each follows from it."""
    return {kind.name: kind.timing for kind in kinds.values() if kind.routine == name}


def follow_ups(kinds: "Kinds", name: str) -> list[timedelta]:
    """How long before (negative) or after the routine what follows it is due, in order."""
    return sorted(timing.lead for timing in timings(kinds, name).values() if timing.lead)


def told(session: UnitOfWork, community_id: int, about: str) -> bool:
    """Whether a slot has told the community of this before: a rule that was moved finds the same
    month or day a second time.
    """
    found = session.scalar(
        select(Firing.id)
        .where(
            Firing.community_id == community_id,
            Firing.about == about,
            Firing.state.in_(["open", "done"]),
        )
        .limit(1)
    )
    return found is not None


def _row(session: UnitOfWork, community_id: int, name: str) -> Schedule | None:
    return session.scalar(select(Schedule).where(Schedule.key == _key(community_id, name)))


def _last_skipped(session: UnitOfWork, row: Schedule) -> tuple[datetime, str] | None:
    last = session.execute(
        select(Firing.slot, Firing.state, Firing.reason)
        .where(Firing.schedule_id == row.id)
        .order_by(Firing.slot.desc())
        .limit(1)
    ).first()
    return (last.slot, last.reason) if last and last.state == "skipped" else None


def _key(community_id: int, name: str) -> str:
    return f"{_PREFIX}{community_id}:{name}"
