"""接龙: pasted lists of names that an organiser makes check-ins of, once."""

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Select, delete, select, update

from bot.domain.check_in import day_of
from bot.domain.check_in_list import Line
from bot.domain.name_matching import Known, Matching, match
from bot.domain.person import CommunityView
from bot.services import audit, deliveries
from bot.storage.models import CheckIn, CheckInList, Membership, Person, RosterEntry
from bot.storage.session import UnitOfWork, insert_all_new
from content.script import simplified

UNDO = timedelta(minutes=10)
# What members may take back themselves.
SHOWN_DAYS = 14
_EMPTY = "[]"
_AGAIN = timedelta(days=1)
_BARE = {"synchronize_session": False}


@dataclass(frozen=True, slots=True)
class ListView:
    """An open list. `day` is the one that its title names, else the one on which it was sent."""

    id: int
    day: date
    sent_day: date
    lines: tuple[Line, ...]

    @property
    def days(self) -> tuple[date, ...]:
        """The days that it may count for, that of sending first."""
        return (self.sent_day,) if self.day == self.sent_day else (self.sent_day, self.day)


@dataclass(frozen=True, slots=True)
class Preview:
    """Whom it names, and who of them has checked in already, by day."""

    matching: Matching
    done: dict[date, frozenset[int]]

    def new(self, day: date, *, with_near: bool = False) -> list[int]:
        """Who would be checked in for the day."""
        people = set(self.matching.people)
        if with_near:
            people |= set(_near(self.matching))
        return sorted(people - self.done[day])


def about(list_id: int) -> str:
    """What a delivery about the list names."""
    return f"check_in_list:{list_id}"


def keep(
    session: UnitOfWork,
    home: CommunityView,
    lines: Sequence[Line],
    day: date,
    sent_by: int,
    sent_at: datetime,
    now: datetime,
) -> tuple[int, bool]:
    """The list's number, and whether it is new: the same one a second time is not. Whatever it
    goes on with (people paste what has grown) is dropped for it.
    """
    before = session.scalars(
        select(CheckInList)
        .where(
            CheckInList.community_id == home.id,
            CheckInList.state == "open",
            CheckInList.sent_at > now - _AGAIN,
        )
        .order_by(CheckInList.id)
        .with_for_update()
    ).all()
    for row in before:
        old = _lines(row.lines)
        if set(old) == set(lines) and row.day == day:
            return row.id, False
        if set(old) <= set(lines):
            _close(session, row.id, "dropped", now)
    new = CheckInList(
        community_id=home.id,
        day=day,
        lines=json.dumps([asdict(line) for line in lines], ensure_ascii=False),
        state="open",
        sent_by=sent_by,
        sent_at=sent_at,
        decided_at=None,
    )
    session.add(new)
    session.flush()
    return new.id, True


def open_of(session: UnitOfWork, home: CommunityView) -> list[ListView]:
    """The community's open lists, oldest first."""
    rows = session.scalars(_open(home).order_by(CheckInList.id))
    return [_view(row, home) for row in rows]


def find(session: UnitOfWork, home: CommunityView, list_id: int) -> ListView | None:
    """An open list of this community."""
    row = session.scalar(_open(home).where(CheckInList.id == list_id))
    return _view(row, home) if row else None


def preview(session: UnitOfWork, home: CommunityView, view: ListView) -> Preview:
    """What taking the list would do."""
    matching = matching_of(session, home.id, view.lines)
    people = [*matching.people, *_near(matching)]
    done = {day: _done(session, home.id, people, day) for day in view.days}
    return Preview(matching, done)


def matching_of(session: UnitOfWork, community_id: int, lines: Sequence[Line]) -> Matching:
    """Whom of the community the lines name."""
    return match(lines, _known(session, community_id), simplified)


def take(
    session: UnitOfWork,
    home: CommunityView,
    list_id: int,
    day: date,
    people: Collection[int],
    actor: int,
    now: datetime,
) -> int | None:
    """Check those of these people in who still are on the list, and have not checked in: how many.

    None where the list is not open any more: of two organisers at once the first has it.
    """
    row = session.scalars(_open(home).where(CheckInList.id == list_id).with_for_update()).first()
    if row is None:
        return None
    view = _view(row, home)
    matching = matching_of(session, home.id, view.lines)
    notes = {**_near(matching), **matching.people}
    chosen = sorted(set(people) & set(notes) - _done(session, home.id, people, day))
    at = row.sent_at
    if day != view.sent_day:
        at = datetime.combine(day, time(12), ZoneInfo(home.timezone)).astimezone(UTC)
    _close(session, list_id, "taken", now)
    shared = {
        "community_id": home.id, "day": day, "pictures": 0, "list_id": list_id, "sent_at": at,
        "created_at": now,
    }  # fmt: skip
    own: dict[str, list[Any]] = {"person_id": chosen, "note": [notes[number] for number in chosen]}
    count = insert_all_new(session, CheckIn, shared, own)
    for number in chosen:
        audit.note(
            session, now, "check_in recorded",
            actor=actor, subject=number, community=home.id, detail=f"list {list_id}",
        )  # fmt: skip
    return count


def drop(session: UnitOfWork, home: CommunityView, list_id: int, now: datetime) -> bool:
    """Make nothing of it; False where somebody has decided already."""
    row = session.scalars(_open(home).where(CheckInList.id == list_id).with_for_update()).first()
    if row is not None:
        _close(session, list_id, "dropped", now)
    return row is not None


def undo(session: UnitOfWork, home: CommunityView, list_id: int) -> int:
    """Delete the check-ins that are the list's still: how many. Who has checked in since keeps
    theirs.
    """
    gone = session.execute(
        delete(CheckIn).where(CheckIn.list_id == list_id, CheckIn.community_id == home.id),
        execution_options=_BARE,
    )
    return gone.rowcount  # type: ignore[attr-defined, no-any-return]


def recorded_for(
    session: UnitOfWork, person_id: int, home: CommunityView, today: date
) -> list[tuple[int, date]]:
    """Number and day of somebody's check-ins that lists have made lately, the newest first."""
    rows = session.execute(
        select(CheckIn.id, CheckIn.day)
        .where(
            CheckIn.person_id == person_id,
            CheckIn.community_id == home.id,
            CheckIn.list_id.is_not(None),
            CheckIn.day > today - timedelta(days=SHOWN_DAYS),
        )
        .order_by(CheckIn.day.desc())
    )
    return [(row.id, row.day) for row in rows]


def take_back(session: UnitOfWork, person_id: int, check_in_id: int) -> bool:
    """Delete what a list has made for this person; False where it is theirs now, or gone."""
    gone = session.execute(
        delete(CheckIn).where(
            CheckIn.id == check_in_id,
            CheckIn.person_id == person_id,
            CheckIn.list_id.is_not(None),
        ),
        execution_options=_BARE,
    )
    return bool(gone.rowcount)  # type: ignore[attr-defined]


def _open(home: CommunityView) -> Select[CheckInList]:
    return (
        select(CheckInList)
        .where(CheckInList.community_id == home.id, CheckInList.state == "open")
        .execution_options(populate_existing=True)
    )


def _close(session: UnitOfWork, list_id: int, state: str, now: datetime) -> None:
    """What was pasted is not needed any more, nor what was to be said about it."""
    session.execute(
        update(CheckInList)
        .where(CheckInList.id == list_id)
        .values(state=state, lines=_EMPTY, decided_at=now),
        execution_options=_BARE,
    )
    deliveries.cancel(session, about(list_id), "decided")


def _view(row: CheckInList, home: CommunityView) -> ListView:
    sent_day = day_of(row.sent_at, home.timezone)
    return ListView(row.id, row.day, sent_day, _lines(row.lines))


def _lines(stored: str) -> tuple[Line, ...]:
    return tuple(Line(**line) for line in json.loads(stored))


def _near(matching: Matching) -> dict[int, str]:
    """Who may be meant where a name is nearly theirs, with the notes."""
    return {
        one.maybe.person_id: one.note
        for one in matching.unmatched
        if one.maybe and one.maybe.person_id is not None
    }


def _done(
    session: UnitOfWork, community_id: int, people: Collection[int], day: date
) -> frozenset[int]:
    """Those of the people who have checked in that day."""
    return frozenset(
        session.scalars(
            select(CheckIn.person_id).where(
                CheckIn.community_id == community_id,
                CheckIn.day == day,
                CheckIn.person_id.in_(people),
            )
        )
    )


def _known(session: UnitOfWork, community_id: int) -> list[Known]:
    """The roster, and members by what they are called; who has left has not bound."""
    called = session.execute(
        select(Person.id, Person.name)
        .join(Membership, Membership.person_id == Person.id)
        .where(
            Membership.community_id == community_id,
            Membership.until.is_(None),
            Person.hidden_at.is_(None),
        )
    ).all()
    members = {row.id for row in called}
    entries = session.execute(
        select(RosterEntry.name, RosterEntry.number, RosterEntry.person_id)
        .where(RosterEntry.community_id == community_id)
        .order_by(RosterEntry.id)
    ).all()
    known = [
        Known(row.name, row.number or "", row.person_id if row.person_id in members else None)
        for row in entries
    ]
    numbers = {row.person_id: row.number or "" for row in entries}
    named = {(row.id, row.name) for row in called if row.name}
    return [*known, *(Known(name, numbers.get(number, ""), number) for number, name in named)]
