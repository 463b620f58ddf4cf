"""Binding: a code, a roster code, or name and number that an organiser confirms."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import select, update

from bot.domain.messages import InboundMessage
from bot.domain.person import CommunityView, Role
from bot.services import access, community, person
from bot.storage.models import Address, BindingRequest, Community, Deletion, Person, RosterEntry
from bot.storage.session import UnitOfWork, insert_new
from content.script import simplified

_BARE = {"synchronize_session": False}


class Outcome(StrEnum):
    """How an attempt to bind ended; the words are in messages.toml under binding."""

    BOUND = "bound"
    ROLE = "role"
    REQUESTED = "requested"
    WAITING = "waiting"
    ALREADY = "already"
    TAKEN = "taken"
    OTHER = "other"
    UNKNOWN = "unknown"
    WRONG_CODE = "wrong"


@dataclass(frozen=True, slots=True)
class Attempt:
    """`request` is the number of an open request; `name` whom the roster has there."""

    outcome: Outcome
    home: CommunityView | None = None
    role: Role | None = None
    name: str = ""
    request: int = 0


def by_code(session: UnitOfWork, message: InboundMessage, code: str, now: datetime) -> Attempt:
    """Bind by the code of a roster entry, or spend a one-time code for a role."""
    entry = session.scalar(select(RosterEntry).where(RosterEntry.code_hash == access.hash_of(code)))
    if entry is not None:
        return _bind(session, message, entry, now)
    spent = access.use_code(session, code, now)
    if spent is None:
        return Attempt(Outcome.WRONG_CODE)
    home, role = spent
    person.join(session, message, home, role, now)
    return Attempt(Outcome.ROLE, home, role)


def request(
    session: UnitOfWork, message: InboundMessage, name: str, number: str, now: datetime
) -> Attempt:
    """Ask the organisers to confirm that the sender is this roster entry.

    A number that somebody else has, or has asked for, is said to be taken: nothing about whom.
    """
    entries = session.scalars(
        select(RosterEntry).where(RosterEntry.number == number).order_by(RosterEntry.id)
    )
    entry = next((row for row in entries if _same_name(row.name, name)), None)
    if entry is None:
        return Attempt(Outcome.UNKNOWN)
    home = community.view(session.get_one(Community, entry.community_id))
    person_id = person.known(session, message)
    if entry.person_id is not None:
        mine = entry.person_id == person_id
        return Attempt(Outcome.ALREADY if mine else Outcome.TAKEN, home, name=name)
    if person_id is not None and _has_entry(session, person_id, home.id):
        return Attempt(Outcome.OTHER, home)
    if person_id is None:
        person_id = person.register(session, message, now).person_id
    row_id = insert_new(
        session,
        BindingRequest,
        community_id=entry.community_id,
        person_id=person_id,
        entry_id=entry.id,
        state="open",
        created_at=now,
        decided_at=None,
    )
    if row_id is None:
        mine = session.scalar(
            select(BindingRequest.id).where(
                BindingRequest.entry_id == entry.id,
                BindingRequest.person_id == person_id,
                BindingRequest.state == "open",
            )
        )
        return Attempt(Outcome.WAITING if mine else Outcome.TAKEN, home, name=name)
    return Attempt(Outcome.REQUESTED, home, name=name, request=row_id)


@dataclass(frozen=True, slots=True)
class OpenRequest:
    id: int
    person_id: int
    name: str
    number: str


def _same_name(one: str, other: str) -> bool:
    """Whatever the spaces and the characters (繁, 简) that it is written with."""
    return simplified(one).replace(" ", "") == simplified(other).replace(" ", "")


def open_requests(session: UnitOfWork, community_id: int) -> list[OpenRequest]:
    """The community's open requests, oldest first."""
    rows = session.execute(
        select(BindingRequest.id, BindingRequest.person_id, RosterEntry.name, RosterEntry.number)
        .join(RosterEntry, RosterEntry.id == BindingRequest.entry_id)
        .where(BindingRequest.community_id == community_id, BindingRequest.state == "open")
        .order_by(BindingRequest.id)
    )
    return [OpenRequest(row.id, row.person_id, row.name, row.number or "") for row in rows]


@dataclass(frozen=True, slots=True)
class Decided:
    """`taken` when the entry had been bound by somebody else in the meantime."""

    person_id: int
    name: str
    taken: bool = False


def decide(
    session: UnitOfWork, community_id: int, request_id: int, agreed: bool, now: datetime
) -> Decided | None:
    """Answer an open request of this community; None when there is none (any more).

    Of two organisers at once the first one's word counts.
    """
    row = session.execute(
        update(BindingRequest)
        .where(
            BindingRequest.id == request_id,
            BindingRequest.community_id == community_id,
            BindingRequest.state == "open",
        )
        .values(state="agreed" if agreed else "refused", decided_at=now)
        .returning(BindingRequest.person_id, BindingRequest.entry_id),
        execution_options=_BARE,
    ).first()
    if row is None:
        return None
    entry = session.get_one(RosterEntry, row.entry_id)
    taken = agreed and not _take(session, entry, row.person_id, now)
    return Decided(row.person_id, entry.name, taken)


def withdraw_requests(session: UnitOfWork, person_id: int, now: datetime) -> None:
    """Who leaves asks for nothing any more; the number is free again."""
    session.execute(
        update(BindingRequest)
        .where(BindingRequest.person_id == person_id, BindingRequest.state == "open")
        .values(state="withdrawn", decided_at=now),
        execution_options=_BARE,
    )


def _bind(
    session: UnitOfWork, message: InboundMessage, entry: RosterEntry, now: datetime
) -> Attempt:
    home = community.view(session.get_one(Community, entry.community_id))
    person_id = person.known(session, message)
    if entry.person_id is None:
        if person_id is not None and _has_entry(session, person_id, home.id):
            return Attempt(Outcome.OTHER, home)
        if person_id is None:
            person_id = person.join(session, message, home, Role.MEMBER, now).person_id
        bound = _take(session, entry, person_id, now)
        return Attempt(Outcome.BOUND if bound else Outcome.TAKEN, home, name=entry.name)
    if entry.person_id == person_id:
        return Attempt(Outcome.ALREADY, home, name=entry.name)
    if person_id is None and not _has_address(session, entry.person_id):
        _return(session, message, entry.person_id, now)
        return Attempt(Outcome.BOUND, home, name=entry.name)
    return Attempt(Outcome.TAKEN, home, name=entry.name)


def _take(session: UnitOfWork, entry: RosterEntry, person_id: int, now: datetime) -> bool:
    """Let the entry be this person's, with its name, roles and stage; False when it is taken.

    Other open requests for it end.
    """
    won = session.execute(
        update(RosterEntry)
        .where(RosterEntry.id == entry.id, RosterEntry.person_id.is_(None))
        .values(person_id=person_id)
        .returning(RosterEntry.id),
        execution_options=_BARE,
    ).first()
    if won is None or _has_entry(session, person_id, entry.community_id, but=entry.id):
        return False
    session.refresh(entry)
    session.execute(
        update(BindingRequest)
        .where(BindingRequest.entry_id == entry.id, BindingRequest.state == "open")
        .values(state="refused", decided_at=now),
        execution_options=_BARE,
    )
    session.get_one(Person, person_id).name = entry.name
    session.flush()
    for role in roles_of(entry):
        person.grant(session, person_id, entry.community_id, role, now, entry.stage)
    return True


def _has_entry(
    session: UnitOfWork, person_id: int, community_id: int, but: int | None = None
) -> bool:
    """Whether the person is on this roster already."""
    return (
        session.scalar(
            select(RosterEntry.id)
            .where(
                RosterEntry.person_id == person_id,
                RosterEntry.community_id == community_id,
                RosterEntry.id != (but or 0),
            )
            .limit(1)
        )
        is not None
    )


def _return(session: UnitOfWork, message: InboundMessage, person_id: int, now: datetime) -> None:
    """Somebody who had unfollowed comes back with their code: their record stays."""
    person.attach(session, message, person_id, now)
    session.get_one(Person, person_id).hidden_at = None
    session.execute(
        update(Deletion).where(Deletion.person_id == person_id).values(withdrawn_at=now),
        execution_options=_BARE,
    )
    session.flush()


def _has_address(session: UnitOfWork, person_id: int) -> bool:
    return (
        session.scalar(select(Address.id).where(Address.person_id == person_id).limit(1))
        is not None
    )


def roles_of(entry: RosterEntry) -> list[Role]:
    return [Role(role) for role in entry.roles.split(",")]
