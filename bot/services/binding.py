"""Binding: a code, a roster code, or name and number that an organiser confirms.

Whoever is bound in one channel is bound in another by the same ways; what was recorded there
becomes part of the one record (merging).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import select, update

from bot.domain.messages import InboundMessage
from bot.domain.person import CommunityView, Role
from bot.services import access, address, community, person
from bot.services.access import Code, Purpose
from bot.services.address import Added, Way
from bot.storage.models import BindingRequest, Community, Deletion, Person, RosterEntry
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
    ADDED = "added"
    OWN = "own"
    MERGE = "merge"
    DELETION = "deletion"
    ROSTER = "roster"
    GROUP = "group"


@dataclass(frozen=True, slots=True)
class Attempt:
    """`request` is the number of an open request; `name` whom the roster has there.

    `added` are addresses that are somebody's from now on. Where two records would become one
    (MERGE) nothing is done before merge() is called with what is in `asked`.
    """

    outcome: Outcome
    home: CommunityView | None = None
    role: Role | None = None
    name: str = ""
    request: int = 0
    added: tuple[Added, ...] = ()
    asked: Mapping[str, Any] | None = None


_REFUSED = {
    Way.OWN: Outcome.OWN, Way.DELETION: Outcome.DELETION, Way.ROSTER: Outcome.ROSTER,
}  # fmt: skip


def by_code(session: UnitOfWork, message: InboundMessage, code: str, now: datetime) -> Attempt:
    """Bind by the code of a roster entry, or spend a one-time code for a role or an address."""
    entry = session.scalar(select(RosterEntry).where(RosterEntry.code_hash == access.hash_of(code)))
    if entry is not None:
        return _bind(session, message, entry, now)
    found = access.find(session, code, now)
    if found is None:
        return Attempt(Outcome.WRONG_CODE)
    home = community.view(session.get_one(Community, found.community_id))
    match found.purpose:
        case Purpose.GROUP:
            return Attempt(Outcome.GROUP, home)
        case Purpose.ADDRESS:
            return _bind_address(session, message, found, home, now)
    if not access.spend(session, found, now):
        return Attempt(Outcome.WRONG_CODE)
    person.join(session, message, home, found.role, now)
    return Attempt(Outcome.ROLE, home, found.role)


def merge(
    session: UnitOfWork, message: InboundMessage, asked: Mapping[str, Any], now: datetime
) -> Attempt:
    """The sender has agreed to what by_code() asked; everything is looked at anew."""
    found = access.find_by_id(session, asked["code"], now)
    if found is None:
        return Attempt(Outcome.WRONG_CODE)
    home = community.view(session.get_one(Community, found.community_id))
    return _bind_address(session, message, found, home, now, agreed=True)


def _bind_address(
    session: UnitOfWork, message: InboundMessage, code: Code, home: CommunityView, now: datetime,
    *, agreed: bool = False,
) -> Attempt:  # fmt: skip
    """The sender's address becomes that of whoever made the code; refused, it is not spent."""
    if code.person_id is None:
        return Attempt(Outcome.WRONG_CODE)
    way = address.way_to(session, message, code.person_id)
    if way in _REFUSED:
        return Attempt(_REFUSED[way], home)
    if way is Way.MERGE and not agreed:
        return Attempt(Outcome.MERGE, home, asked={"code": code.id})
    if not access.spend(session, code, now):
        return Attempt(Outcome.WRONG_CODE)
    added = address.add(session, message, code.person_id, home.id, now)
    return Attempt(Outcome.ADDED, home, added=tuple(added))


def request(
    session: UnitOfWork, message: InboundMessage, name: str, number: str, now: datetime
) -> Attempt:
    """Ask the organisers to confirm that the sender is this roster entry.

    A number that somebody else has, or has asked for, is said to be taken: nothing about whom.
    Who is bound in another channel only can be asked for: it may be their second account.
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
        if entry.person_id == person_id:
            return Attempt(Outcome.ALREADY, home, name=name)
        if not _may_be_second(session, message, entry.person_id):
            return Attempt(Outcome.TAKEN, home, name=name)
    if person_id is not None and _has_entry(session, person_id, home.id):
        return Attempt(Outcome.OTHER, home)
    if person_id is None:
        person_id = person.register(session, message, now).person_id
    return _request(session, entry, person_id, home, now)


def _request(
    session: UnitOfWork, entry: RosterEntry, person_id: int, home: CommunityView, now: datetime
) -> Attempt:
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
        return Attempt(Outcome.WAITING if mine else Outcome.TAKEN, home, name=entry.name)
    return Attempt(Outcome.REQUESTED, home, name=entry.name, request=row_id)


@dataclass(frozen=True, slots=True)
class OpenRequest:
    """`second`: somebody is bound there, and this would be another account of theirs."""

    id: int
    person_id: int
    name: str
    number: str
    second: bool


def _same_name(one: str, other: str) -> bool:
    """Whatever the spaces and the characters (繁, 简) that it is written with."""
    return simplified(one).replace(" ", "") == simplified(other).replace(" ", "")


def open_requests(session: UnitOfWork, community_id: int) -> list[OpenRequest]:
    """The community's open requests, oldest first."""
    rows = session.execute(
        select(
            BindingRequest.id, BindingRequest.person_id, RosterEntry.name, RosterEntry.number,
            RosterEntry.person_id.label("bound_to"),
        )
        .join(RosterEntry, RosterEntry.id == BindingRequest.entry_id)
        .where(BindingRequest.community_id == community_id, BindingRequest.state == "open")
        .order_by(BindingRequest.id)
    )  # fmt: skip
    return [
        OpenRequest(row.id, row.person_id, row.name, row.number or "", row.bound_to is not None)
        for row in rows
    ]


@dataclass(frozen=True, slots=True)
class Decided:
    """`taken` when the entry is somebody else's and cannot be the requester's as well.

    `person_id` is the requester, or whose record theirs is part of now, with what was `added`.
    """

    person_id: int
    name: str
    taken: bool = False
    added: tuple[Added, ...] = ()


def decide(
    session: UnitOfWork, community_id: int, request_id: int, agreed: bool, by: int, now: datetime
) -> Decided | None:
    """Answer an open request of this community; None when there is none (any more).

    Of two organisers at once the first one's word counts. `by` is who decides.
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
    decided = Decided(row.person_id, entry.name)
    if agreed and entry.person_id is not None:
        return _decide_second(session, decided, entry.person_id, community_id, by, now)
    taken = agreed and not _take(session, entry, row.person_id, now)
    return replace(decided, taken=taken)


def _decide_second(
    session: UnitOfWork, decided: Decided, owner: int, community_id: int, by: int, now: datetime
) -> Decided:
    """The requester's record becomes part of that of whoever is bound there."""
    requester = decided.person_id
    if requester == owner:
        return decided
    if not address.brings_account(session, owner, requester):
        return replace(decided, taken=True)
    added = address.absorb(session, owner, requester, community_id, by, now)
    if added is None:
        return replace(decided, taken=True)
    return replace(decided, person_id=owner, added=tuple(added))


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
    if person_id is None and not address.count(session, entry.person_id):
        _return(session, message, entry.person_id, now)
        return Attempt(Outcome.BOUND, home, name=entry.name)
    if person_id is not None and _has_entry(session, person_id, home.id):
        return Attempt(Outcome.OTHER, home)
    return _bind_second(session, message, entry, entry.person_id, home, now)


def _bind_second(
    session: UnitOfWork, message: InboundMessage, entry: RosterEntry, owner: int,
    home: CommunityView, now: datetime,
) -> Attempt:  # fmt: skip
    """The code of somebody who is bound, from another channel: codes lie about on paper, so that
    an organiser is asked, as for name and number.
    """
    if not _may_be_second(session, message, owner):
        return Attempt(Outcome.TAKEN, home, name=entry.name)
    way = address.way_to(session, message, owner)
    if way in _REFUSED:
        return Attempt(_REFUSED[way], home)
    person_id = person.known(session, message)
    if person_id is None:
        person_id = person.register(session, message, now).person_id
    return _request(session, entry, person_id, home, now)


def _may_be_second(session: UnitOfWork, message: InboundMessage, owner: int) -> bool:
    """Whether whoever is bound could be the sender too: not while they have an address in the
    account that the sender writes to, or none at all, or are to be deleted.
    """
    return (
        not address.is_hidden(session, owner)
        and address.count(session, owner) > 0
        and not address.shares_account(session, owner, message)
    )


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


def roles_of(entry: RosterEntry) -> list[Role]:
    return [Role(role) for role in entry.roles.split(",")]
