"""What is stored about somebody: to show, to take away, and to delete."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import delete, func, select, update

from bot.domain.messages import InboundMessage, Notice
from bot.domain.person import address_hash
from bot.services import binding, conversation, deliveries, ticket
from bot.services.registry import Subject, TableRule, rules_about_people
from bot.storage.models import Address, Deletion, Person
from bot.storage.session import UnitOfWork, put

COOLING_OFF = timedelta(days=14)
_BARE = {"synchronize_session": False}


@dataclass(frozen=True, slots=True)
class Kept:
    """One table's share: how many rows, what for, how long."""

    title: str
    rows: int
    purpose: str
    retention: str


def subject_of(session: UnitOfWork, person_id: int) -> Subject:
    rows = session.scalars(select(Address).where(Address.person_id == person_id))
    return Subject(person_id, tuple((row.channel, row.account, row.value) for row in rows))


def overview(session: UnitOfWork, person_id: int) -> list[Kept]:
    """Every table that holds something of this person, but what is theirs without their name."""
    subject = subject_of(session, person_id)
    found = []
    for rule, mine in rules_about_people():
        if rule.nameless:
            continue
        rows = session.scalar(select(func.count()).select_from(rule.model).where(mine(subject)))
        if rows:
            found.append(Kept(rule.title, rows, rule.purpose, rule.retention))
    return found


def export(
    session: UnitOfWork, person_id: int, timezone: str, word: Callable[[str], str] = str
) -> Iterator[tuple[str, list[str]]]:
    """Each table's title with one line a row, times in the community's zone.

    `word` says what the reader calls a state, a role or a channel.
    """
    subject = subject_of(session, person_id)
    for rule, mine in rules_about_people():
        if rule.nameless or not rule.shown:
            continue
        table = rule.model.__table__
        columns = [table.c[name] for name in rule.shown]
        rows = session.execute(select(*columns).where(mine(subject)).order_by(*table.primary_key))
        lines = [_line(rule, tuple(row), timezone, word) for row in rows]
        if lines:
            yield rule.title, lines


def _line(
    rule: TableRule, values: tuple[object, ...], timezone: str, word: Callable[[str], str]
) -> str:
    parts = []
    for (name, label), value in zip(rule.shown.items(), values, strict=True):
        if value is None or value == "" or (name == "pictures" and not value):
            continue
        if name == "pictures":
            text = f"{value} 张，没有存图"
        elif name == "list_id":
            text = "是"
        elif name == "notice":
            text = _notice_text(str(value))
        elif name == "roles":
            text = "、".join(word(role) for role in str(value).split(","))
        else:
            text = word(_text(value, timezone))
        parts.append(f"{label}：{text}")
    return "，".join(parts)


def _text(value: object, timezone: str) -> str:
    if isinstance(value, datetime):
        return f"{value.astimezone(ZoneInfo(timezone)):%Y-%m-%d %H:%M}"
    return value.isoformat() if isinstance(value, date) else str(value)


def _notice_text(stored: str) -> str:
    notice = Notice.from_json(stored)
    return " ".join(part for part in (notice.title, *notice.lines) if part)


def request_deletion(session: UnitOfWork, person_id: int, reason: str, now: datetime) -> datetime:
    """Hide the person at once and have everything purged after COOLING_OFF: when that is.

    Nothing that they were asked, asked for or were to be told stays open; what they have asked
    anonymously is deleted now, since nothing leads to it later.
    """
    subject = subject_of(session, person_id)
    hashes = [address_hash(*address) for address in subject.addresses]
    due = now + COOLING_OFF
    put(
        session,
        Deletion,
        ("person_id",),
        person_id=person_id,
        reason=reason,
        address_hashes=json.dumps(hashes),
        requested_at=now,
        due_at=due,
        recorded_at=None,
        withdrawn_at=None,
    )
    session.get_one(Person, person_id).hidden_at = now
    session.flush()
    deliveries.cancel_for(session, person_id, "deleted")
    binding.withdraw_requests(session, person_id, now)
    ticket.withdraw_all(session, person_id)
    for address in subject.addresses:
        conversation.forget_all(session, *address)
        ticket.drop_anonymous(session, *address)
    return due


@dataclass(frozen=True, slots=True)
class Pending:
    """A deletion that can still be withdrawn."""

    person_id: int
    due_at: datetime


def pending_for(session: UnitOfWork, message: InboundMessage) -> Pending | None:
    """The deletion that the sender has asked for and could take back."""
    row = session.execute(
        select(Deletion.person_id, Deletion.due_at)
        .join(Address, Address.person_id == Deletion.person_id)
        .where(
            Address.channel == message.channel,
            Address.account == message.account,
            Address.value == message.sender,
            Deletion.withdrawn_at.is_(None),
        )
    ).first()
    return Pending(row.person_id, row.due_at) if row else None


def withdraw_deletion(session: UnitOfWork, person_id: int, now: datetime) -> None:
    """Everything of this person is as before they asked."""
    session.execute(
        update(Deletion).where(Deletion.person_id == person_id).values(withdrawn_at=now),
        execution_options=_BARE,
    )
    session.get_one(Person, person_id).hidden_at = None
    session.flush()


def unfollow(session: UnitOfWork, message: InboundMessage, now: datetime) -> None:
    """Forget the address at once; the record follows unless another address is bound."""
    row = session.scalar(
        select(Address).where(
            Address.channel == message.channel,
            Address.account == message.account,
            Address.value == message.sender,
        )
    )
    if row is None:
        return
    person_id = row.person_id
    others = session.scalar(
        select(Address.id).where(Address.person_id == person_id, Address.id != row.id).limit(1)
    )
    pending = session.scalar(
        select(Deletion.id).where(Deletion.person_id == person_id, Deletion.withdrawn_at.is_(None))
    )
    if others is None and pending is None:
        request_deletion(session, person_id, "unfollowed", now)
    ticket.drop_anonymous(session, message.channel, message.account, message.sender)
    session.delete(row)
    session.flush()


def due_deletions(session: UnitOfWork, now: datetime) -> list[int]:
    """Whose cooling off is over."""
    return list(
        session.scalars(
            select(Deletion.person_id)
            .where(Deletion.due_at <= now, Deletion.withdrawn_at.is_(None))
            .order_by(Deletion.id)
        )
    )


@dataclass(frozen=True, slots=True)
class Wish:
    """A deletion that was asked for, or withdrawn, and is to be written outside the database."""

    addresses: tuple[str, ...]
    requested_at: datetime
    due_at: datetime
    withdrawn: bool


def unrecorded(session: UnitOfWork, now: datetime) -> list[Wish]:
    """What has not been written yet; it counts as written from now on."""
    rows = session.scalars(
        select(Deletion)
        .where((Deletion.recorded_at.is_(None)) | (Deletion.withdrawn_at > Deletion.recorded_at))
        .order_by(Deletion.id)
    ).all()
    wishes = []
    for row in rows:
        withdrawn = row.withdrawn_at is not None
        hashes = tuple(json.loads(row.address_hashes))
        wishes.append(Wish(hashes, row.requested_at, row.due_at, withdrawn))
        row.recorded_at = now
        if withdrawn:
            session.delete(row)
    session.flush()
    return wishes


def wish_again(session: UnitOfWork, wish: Wish, now: datetime) -> int:
    """In a restored backup: hide or purge again whom the wish is of; how many people."""
    people = people_behind(session, set(wish.addresses), wish.requested_at)
    for person_id in people:
        if wish.due_at <= now:
            purge(session, person_id)
        else:
            request_deletion(session, person_id, "asked", wish.requested_at)
    return len(people)


def purge(session: UnitOfWork, person_id: int) -> None:
    """Delete everything that is this person's, in every table of the registry."""
    subject = subject_of(session, person_id)
    for rule, mine in rules_about_people():
        if rule.unlink:
            for name in rule.unlink:
                column = rule.model.__table__.c[name]
                session.execute(
                    update(rule.model).where(column == person_id).values({name: None}),
                    execution_options=_BARE,
                )
        else:
            session.execute(delete(rule.model).where(mine(subject)), execution_options=_BARE)
    session.expire_all()


def people_behind(session: UnitOfWork, hashes: set[str], before: datetime) -> list[int]:
    """Who had one of these addresses before that time, in a restored backup.

    An address that was deleted then may since be that of somebody who has been there longer.
    """
    rows = session.execute(
        select(
            Address.channel, Address.account, Address.value, Address.person_id,
            Address.created_at.label("since"), Person.created_at,
        ).join(Person, Person.id == Address.person_id)
    )  # fmt: skip
    return [
        row.person_id
        for row in rows
        if address_hash(row.channel, row.account, row.value) in hashes
        and max(row.since, row.created_at).astimezone(UTC) <= before
    ]
