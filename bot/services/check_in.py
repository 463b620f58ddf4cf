"""Check-ins (打卡): once a day, with a note, counted in a row."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import bindparam, delete, func, select, update

from bot.domain import check_in as rules
from bot.domain.person import Member
from bot.storage.models import CheckIn
from bot.storage.session import UnitOfWork, insert_new

_table = CheckIn.__table__.c
_BATCH = 31
_DAYS = (
    select(_table.day)
    .where(
        _table.person_id == bindparam("person_id"),
        _table.community_id == bindparam("community_id"),
        _table.day <= bindparam("until"),
    )
    .order_by(_table.day.desc())
    .limit(_BATCH)
)
_NOTE = select(_table.id, _table.note).where(
    _table.person_id == bindparam("person_id"),
    _table.community_id == bindparam("community_id"),
    _table.day == bindparam("day"),
)


@dataclass(frozen=True, slots=True)
class CheckInOutcome:
    """`is_new` is false when the day had a check-in; `streak` counts the days that end with it."""

    id: int | None
    day: date
    note: str
    is_new: bool
    note_added: bool
    streak: int


def record(
    session: UnitOfWork, member: Member, sent_at: datetime, note: str, now: datetime
) -> CheckInOutcome:
    """Check the member in for the day of `sent_at`; a second note of that day is added to it."""
    day = rules.day_of(sent_at, member.community.timezone)
    note = note[: rules.NOTE_LIMIT]
    key = {"person_id": member.person_id, "community_id": member.community.id}
    row_id = insert_new(
        session, CheckIn, **key, day=day, note=note, sent_at=sent_at, created_at=now
    )
    note_added = False
    if row_id is None:
        row = session.core.execute(_NOTE, {**key, "day": day}).one()
        joined = rules.joined_note(row.note, note)
        note_added = joined != row.note
        if note_added:
            session.execute(update(CheckIn).where(CheckIn.id == row.id).values(note=joined))
        note = joined
    streak = rules.streak(_days(session, key, day), day)
    return CheckInOutcome(row_id, day, note, row_id is not None, note_added, streak)


@dataclass(frozen=True, slots=True)
class Summary:
    """Check-ins in all, in the last 30 days, and in a row up to today or yesterday."""

    total: int
    last_month: int
    streak: int


def summary(session: UnitOfWork, member: Member, today: date) -> Summary:
    key = {"person_id": member.person_id, "community_id": member.community.id}
    mine = (_table.person_id == key["person_id"], _table.community_id == key["community_id"])
    total = session.scalar(select(func.count()).select_from(CheckIn).where(*mine)) or 0
    month = session.scalar(
        select(func.count())
        .select_from(CheckIn)
        .where(*mine, _table.day > today - timedelta(days=30))
    )
    days = list(_days(session, key, today))
    # A day that is not over yet breaks nothing.
    until = today if today in days[:1] else today - timedelta(days=1)
    return Summary(total, month or 0, rules.streak(days, until))


def take_back(session: UnitOfWork, check_in_id: int) -> bool:
    """Delete one check-in; whether it was still there."""
    gone = session.execute(
        delete(CheckIn).where(CheckIn.id == check_in_id),
        execution_options={"synchronize_session": False},
    )
    return bool(gone.rowcount)  # type: ignore[attr-defined]


def _days(session: UnitOfWork, key: dict[str, int], until: date) -> Iterator[date]:
    """Days of check-ins, newest first, read a month at a time."""
    while True:
        batch = session.core.execute(_DAYS, {**key, "until": until}).scalars().all()
        yield from batch
        if len(batch) < _BATCH:
            return
        until = batch[-1] - timedelta(days=1)
