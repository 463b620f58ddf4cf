"""Two records become one: what somebody has in one channel and what they have in another.

Every column of a table of the registry that refers to a person is moved. Where both have a row
of which there can be only one, the two are joined first.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, delete, select, text, update
from sqlalchemy.orm import aliased

from bot.domain.check_in import joined_note
from bot.services import audit, conversation, deliveries, opt_out
from bot.services.registry import rules_about_people
from bot.storage.models import (
    Address,
    Base,
    BindingRequest,
    CalendarFeed,
    CheckIn,
    Deletion,
    Delivery,
    Firing,
    MeetingReply,
    Membership,
    OptIn,
    OptOut,
    Person,
    RosterEntry,
    StudyCardAnswer,
    VideoView,
)
from bot.storage.session import UnitOfWork

_BARE = {"synchronize_session": False}
_GONE_OUT = ("sent", "unknown")
_OPEN = ("queued", "sending", "held", "shown")


class Refusal(StrEnum):
    """Why two records stay two: one of them is to be deleted, or both are on one roster."""

    DELETION = "deletion"
    ROSTER = "roster"


@dataclass(frozen=True, slots=True)
class Join:
    """Of the rows with the same `key`, besides the person, only one is kept: what `join` makes
    of theirs and ours is in ours. `among` says which rows it is about.
    """

    key: tuple[str, ...]
    join: Callable[[Any, Any], None]
    among: ColumnElement[bool] | None = None


def _copy(ours: Any, theirs: Any, *names: str) -> None:
    for name in names:
        setattr(ours, name, getattr(theirs, name))


def _join_opinion(ours: OptIn | OptOut, theirs: OptIn | OptOut) -> None:
    ours.created_at = max(ours.created_at, theirs.created_at)


def _join_card(ours: StudyCardAnswer, theirs: StudyCardAnswer) -> None:
    """Who knew it on one account knows it."""
    better = min(ours, theirs, key=lambda row: (not row.known, row.answered_at))
    _copy(ours, better, "card", "known", "answered_at")


def _join_view(ours: VideoView, theirs: VideoView) -> None:
    """Seen when it was seen first; the answers that are more."""
    fuller = min(ours, theirs, key=lambda row: (-_count(row.answers), row.seen_at))
    ours.seen_at, ours.answers = min(ours.seen_at, theirs.seen_at), fuller.answers


def _count(answers: str) -> int:
    return len([answer for answer in answers.split(",") if answer])


def _join_reply(ours: MeetingReply, theirs: MeetingReply) -> None:
    """What was said last counts."""
    if theirs.replied_at > ours.replied_at:
        _copy(ours, theirs, "answer", "reason", "replied_at")


def _keep(ours: CalendarFeed, theirs: CalendarFeed) -> None:
    """The phone that has this address goes on; that of `theirs` opens nothing any more."""


def _join_check_in(ours: CheckIn, theirs: CheckIn) -> None:
    """One with both notes, the earlier first; whoever checked in themself was on no list."""
    first, second = sorted((ours, theirs), key=lambda row: row.sent_at)
    ours.note = joined_note(first.note, second.note)
    ours.pictures = ours.pictures + theirs.pictures
    ours.list_id = ours.list_id and theirs.list_id and first.list_id
    ours.sent_at, ours.created_at = first.sent_at, min(ours.created_at, theirs.created_at)


def _join_membership(ours: Membership, theirs: Membership) -> None:
    ours.since = min(ours.since, theirs.since)
    ours.stage = ours.stage or theirs.stage


JOINED: Mapping[type[Base], Join] = {
    OptOut: Join(("topic",), _join_opinion),
    OptIn: Join(("topic",), _join_opinion),
    StudyCardAnswer: Join(("community_id", "day"), _join_card),
    VideoView: Join(("video_id",), _join_view),
    MeetingReply: Join(("meeting_id",), _join_reply),
    CalendarFeed: Join((), _keep),
    CheckIn: Join(("community_id", "day"), _join_check_in),
    Membership: Join(("community_id", "role"), _join_membership, Membership.until.is_(None)),
}
# Tables that refer to a person and are not moved, with the reason.
EXCLUDED: Mapping[type[Base], str] = {
    Deletion: "nothing is merged while there is one",
    Person: "the row that goes, once nothing refers to it",
}


def refusal(session: UnitOfWork, into: int, away: int) -> Refusal | None:
    """Why these two cannot become one; None where they can."""
    if in_deletion(session, (into, away)):
        return Refusal.DELETION
    ours, theirs = aliased(RosterEntry), aliased(RosterEntry)
    both = (
        select(ours.id)
        .join(theirs, theirs.community_id == ours.community_id)
        .where(ours.person_id == into, theirs.person_id == away)
    )
    return Refusal.ROSTER if session.scalar(both.limit(1)) else None


def in_deletion(session: UnitOfWork, people: Sequence[int]) -> bool:
    """Whether one of them has asked to be deleted, or has just taken that back."""
    hidden = select(Person.id).where(Person.id.in_(people), Person.hidden_at.is_not(None))
    wished = select(Deletion.id).where(Deletion.person_id.in_(people))
    return any(session.scalar(found.limit(1)) is not None for found in (hidden, wished))


def lock(session: UnitOfWork, people: Sequence[int]) -> None:
    """Whoever else wants to change who these people are waits until this transaction ends.

    Where one of several may go, an audience that is being told now is told first: it may hold them.
    """
    if len(people) > 1:
        session.execute(select(Firing.id).where(text("state = 'open'")).with_for_update())
    session.execute(
        select(Person.id).where(Person.id.in_(people)).order_by(Person.id).with_for_update()
    )


def merge(
    session: UnitOfWork, into: int, away: int, community_id: int, actor: int, now: datetime
) -> Refusal | None:
    """Give everything of `away` to `into`, who alone is left; nothing is done where it is refused.

    `actor` is who has decided it, in this community.
    """
    lock(session, (into, away))
    if found := refusal(session, into, away):
        return found
    _forget_questions(session, into, away)
    _join_person(session, into, away)
    _drop_told_twice(session, into, away)
    for model, rule in JOINED.items():
        _join_rows(session, model, rule, into, away)
    for column in moved_columns():
        session.execute(
            update(column.table).where(column == away).values({column.name: into}),
            execution_options=_BARE,
        )
    session.execute(delete(Person).where(Person.id == away), execution_options=_BARE)
    session.expire_all()
    _settle_topics(session, into)
    _close_requests(session, into, now)
    audit.note(session, now, "records merged", actor=actor, subject=into, community=community_id)
    return None


def moved_columns() -> list[Any]:
    """Every column of the registry's tables that says whose, or by whom."""
    return [
        column
        for rule, _ in rules_about_people()
        if rule.model not in EXCLUDED
        for column in rule.model.__table__.c
        if any(key.column.table is Person.__table__ for key in column.foreign_keys)
    ]


def _join_rows(session: UnitOfWork, model: type[Any], rule: Join, into: int, away: int) -> None:
    def rows_of(person_id: int) -> dict[tuple[Any, ...], Any]:
        wanted = select(model).where(model.person_id == person_id)
        if rule.among is not None:
            wanted = wanted.where(rule.among)
        rows = session.scalars(wanted, execution_options={"populate_existing": True})
        return {tuple(getattr(row, name) for name in rule.key): row for row in rows}

    ours = rows_of(into)
    for key, theirs in rows_of(away).items():
        if key in ours:
            rule.join(ours[key], theirs)
            session.delete(theirs)
    session.flush()


def _join_person(session: UnitOfWork, into: int, away: int) -> None:
    """The name stays, or comes; of what was pushed today the higher counts."""
    fresh = {"populate_existing": True}
    ours = session.get_one(Person, into, execution_options=fresh)
    theirs = session.get_one(Person, away, execution_options=fresh)
    ours.name = ours.name or theirs.name
    ours.current_community_id = ours.current_community_id or theirs.current_community_id
    ours.pushed_day, ours.pushed = max(
        ((row.pushed_day, row.pushed) for row in (ours, theirs)),
        key=lambda counted: (counted[0] or date.min, counted[1]),
    )
    ours.digest_day = max((ours.digest_day, theirs.digest_day), key=lambda day: day or date.min)
    untils = [until for until in (ours.muted_until, theirs.muted_until) if until]
    ours.muted_until = max(untils, default=None)
    ours.created_at = min(ours.created_at, theirs.created_at)
    session.flush()


def _forget_questions(session: UnitOfWork, into: int, away: int) -> None:
    """What is open at an address of theirs speaks of rows that may go; what can be undone at one
    of ours might take back what has been joined.
    """
    rows = session.execute(
        select(Address.channel, Address.account, Address.value, Address.person_id).where(
            Address.person_id.in_([into, away])
        )
    )
    for channel, account, value, person_id in rows.all():
        kind = conversation.UNDO if person_id == into else None
        conversation.forget_all(session, channel, account, value, kind)


def _drop_told_twice(session: UnitOfWork, into: int, away: int) -> None:
    """What both were to be told is told once more at most, and not at all where one was told."""

    def told(person_id: int) -> dict[str, Delivery]:
        rows = session.scalars(
            select(Delivery).where(
                Delivery.person_id == person_id, Delivery.state.in_([*_OPEN, *_GONE_OUT])
            ),
            execution_options={"populate_existing": True},
        )
        return {row.dedupe_key.removesuffix(f":{person_id}"): row for row in rows}

    ours = told(into)
    for key, theirs in told(away).items():
        if key not in ours:
            continue
        seen, other = sorted((ours[key], theirs), key=_how_far)
        if other.state in _OPEN:
            other.state, other.reason = "cancelled", "merged"
            seen.rides = max(seen.rides, other.rides)
    session.flush()


def _how_far(row: Delivery) -> int:
    """What has gone out comes first, then what is going out."""
    return 0 if row.state in _GONE_OUT else 1 if row.state == "sending" else 2


def _settle_topics(session: UnitOfWork, into: int) -> None:
    """Of 退订 on one account and 订阅 on the other the later one counts."""
    wished = select(OptIn.topic, OptIn.created_at).where(OptIn.person_id == into)
    since = {row.topic: row.created_at for row in session.execute(wished)}
    stopped = select(OptOut.topic, OptOut.created_at).where(OptOut.person_id == into)
    for topic, at in session.execute(stopped).all():
        if topic in since and since[topic] > at:
            opt_out.resume(session, into, [topic])
        else:
            opt_out.stop(session, into, [topic], at)


def _close_requests(session: UnitOfWork, into: int, now: datetime) -> None:
    """Nobody need confirm any more that they are who they are."""
    entries = select(RosterEntry.community_id).where(RosterEntry.person_id == into)
    closed = session.scalars(
        update(BindingRequest)
        .where(
            BindingRequest.person_id == into,
            BindingRequest.state == "open",
            BindingRequest.community_id.in_(entries),
        )
        .values(state="withdrawn", decided_at=now)
        .returning(BindingRequest.id),
        execution_options=_BARE,
    ).all()
    for number in closed:
        deliveries.cancel(session, f"binding_request:{number}", "decided")
