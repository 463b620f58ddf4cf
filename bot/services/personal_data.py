"""What is stored about somebody: to show, to take away, and to delete."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import delete, func, select, update

from bot.domain.messages import InboundMessage, Notice
from bot.services import deliveries
from bot.services.registry import Subject, TableRule, rules_about_people
from bot.storage.models import Address, Deletion, Person
from bot.storage.session import UnitOfWork

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
    """Every table that holds something of this person."""
    subject = subject_of(session, person_id)
    found = []
    for rule, mine in rules_about_people():
        rows = session.scalar(select(func.count()).select_from(rule.model).where(mine(subject)))
        if rows:
            found.append(Kept(rule.title, rows, rule.purpose, rule.retention))
    return found


def export(session: UnitOfWork, person_id: int, timezone: str) -> Iterator[tuple[str, list[str]]]:
    """Each table's title with one line a row, times in the community's zone."""
    subject = subject_of(session, person_id)
    for rule, mine in rules_about_people():
        if not rule.shown:
            continue
        table = rule.model.__table__
        columns = [table.c[name] for name in rule.shown]
        rows = session.execute(select(*columns).where(mine(subject)).order_by(*table.primary_key))
        lines = [_line(rule, tuple(row), timezone) for row in rows]
        if lines:
            yield rule.title, lines


def _line(rule: TableRule, values: tuple[object, ...], timezone: str) -> str:
    parts = []
    for (name, label), value in zip(rule.shown.items(), values, strict=True):
        if value is None or value == "":
            continue
        text = _notice_text(str(value)) if name == "notice" else _text(value, timezone)
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
    """Hide the person at once and have everything purged after COOLING_OFF: when that is."""
    subject = subject_of(session, person_id)
    due = now + COOLING_OFF
    session.add(
        Deletion(
            person_id=person_id,
            reason=reason,
            address_hashes=json.dumps([hash_of(*address) for address in subject.addresses]),
            requested_at=now,
            due_at=due,
        )
    )
    session.get_one(Person, person_id).hidden_at = now
    deliveries.cancel_for(session, person_id, "deleted")
    session.flush()
    return due


def withdraw_deletion(session: UnitOfWork, person_id: int) -> bool:
    """Whether the deletion was still pending; everything is as before then."""
    row = session.scalar(select(Deletion).where(Deletion.person_id == person_id))
    if row is None:
        return False
    session.delete(row)
    session.get_one(Person, person_id).hidden_at = None
    session.flush()
    return True


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
    pending = session.scalar(select(Deletion.id).where(Deletion.person_id == person_id))
    if others is None and pending is None:
        request_deletion(session, person_id, "unfollowed", now)
    session.delete(row)
    session.flush()


def due_deletions(session: UnitOfWork, now: datetime) -> list[tuple[int, list[str]]]:
    """Each person whose cooling off is over, with the hashes of their addresses."""
    rows = session.scalars(select(Deletion).where(Deletion.due_at <= now).order_by(Deletion.id))
    return [(row.person_id, json.loads(row.address_hashes)) for row in rows]


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
    """Who has one of these addresses and was there before that time, in a restored backup."""
    rows = session.execute(
        select(
            Address.channel, Address.account, Address.value, Address.person_id, Person.created_at
        ).join(Person, Person.id == Address.person_id)
    )
    return [
        row.person_id
        for row in rows
        if hash_of(row.channel, row.account, row.value) in hashes
        and row.created_at.astimezone(UTC) < before
    ]


def hash_of(channel: str, account: str, value: str) -> str:
    """SHA-256 of an address: enough to find it again, not to read it."""
    return hashlib.sha256("\0".join((channel, account, value)).encode()).hexdigest()
