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
_OLD = (
    select(_table.id, _table.note, _table.pictures, _table.list_id)
    .where(
        _table.person_id == bindparam("person_id"),
        _table.community_id == bindparam("community_id"),
        _table.day == bindparam("day"),
    )
    .with_for_update()
)


@dataclass(frozen=True, slots=True)
class CheckInOutcome:
    """`is_new` is false when the day had a check-in; `streak` counts the days that end with it.

    `note` and `pictures` are all of that day. `own_now` says that a list (接龙) had checked the
    member in, which from now on is their own doing.
    """

    id: int | None
    day: date
    note: str
    pictures: int
    is_new: bool
    note_added: bool
    own_now: bool
    streak: int


def record(
    session: UnitOfWork,
    member: Member,
    sent_at: datetime,
    note: str,
    now: datetime,
    pictures: int = 0,
) -> CheckInOutcome:
    """Check the member in for the day of `sent_at`; a second note of that day is added to it, and
    so are pictures.
    """
    day = rules.day_of(sent_at, member.community.timezone)
    note = note[: rules.NOTE_LIMIT]
    key = {"person_id": member.person_id, "community_id": member.community.id}
    row_id, old = None, None
    # What is taken back between the two statements leaves neither.
    while row_id is None and old is None:
        row_id = insert_new(
            session, CheckIn, **key, day=day, note=note, pictures=pictures, list_id=None,
            sent_at=sent_at, created_at=now,
        )  # fmt: skip
        if row_id is None:
            old = session.core.execute(_OLD, {**key, "day": day}).first()
    note_added = own_now = False
    if old is not None:
        joined, total = rules.joined_note(old.note, note), old.pictures + pictures
        note_added, own_now = joined != old.note, old.list_id is not None
        if note_added or pictures or own_now:
            session.execute(
                update(CheckIn)
                .where(CheckIn.id == old.id)
                .values(note=joined, pictures=total, list_id=None)
            )
        note, pictures = joined, total
    streak = rules.streak(_days(session, key, day), day)
    return CheckInOutcome(row_id, day, note, pictures, old is None, note_added, own_now, streak)


@dataclass(frozen=True, slots=True)
class Summary:
    """Check-ins in all, in the last 30 days, and in a row up to today or yesterday; `listed` of
    those of the last 30 days were taken from lists (接龙代录).
    """

    total: int
    last_month: int
    listed: int
    streak: int


def summary(session: UnitOfWork, member: Member, today: date) -> Summary:
    key = {"person_id": member.person_id, "community_id": member.community.id}
    mine = (_table.person_id == key["person_id"], _table.community_id == key["community_id"])
    total = session.scalar(select(func.count()).select_from(CheckIn).where(*mine)) or 0
    month, listed = session.execute(
        select(func.count(), func.count(_table.list_id))
        .select_from(CheckIn)
        .where(*mine, _table.day > today - timedelta(days=30))
    ).one()
    days = list(_days(session, key, today))
    # A day that is not over yet breaks nothing.
    until = today if today in days[:1] else today - timedelta(days=1)
    return Summary(total, month, listed, rules.streak(days, until))


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
