"""The addresses of one member: another one is added by a code, listed, and taken away again."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import delete, select

from bot.domain.messages import InboundMessage
from bot.services import access, audit, conversation, deliveries, merging, person, ticket
from bot.services.access import Purpose
from bot.storage.models import Address, Person
from bot.storage.session import UnitOfWork

# An address may remove an older one of the same person after this.
SETTLED = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class AddressView:
    """`here` is the one that the member is writing from."""

    id: int
    channel: str
    since: datetime
    here: bool


@dataclass(frozen=True, slots=True)
class Added:
    """An address that is somebody's now; `about` is what deliveries that speak of it say."""

    person_id: int
    channel: str
    about: str


class Way(StrEnum):
    """What it takes to make the sender's address somebody's, or why it cannot be.

    FREE: nobody is known there. MERGE: somebody is, with a record of their own. OWN: it is theirs
    already. The rest are refusals.
    """

    FREE = "free"
    MERGE = "merge"
    OWN = "own"
    DELETION = "deletion"
    ROSTER = "roster"


def way_to(session: UnitOfWork, message: InboundMessage, owner: int) -> Way:
    """How the sender's address could become the owner's; nobody else changes either meanwhile."""
    sender = _behind(session, message)
    merging.lock(session, [owner, *([sender] if sender else [])])
    if sender == owner:
        return Way.OWN
    if sender is None:
        return Way.DELETION if merging.in_deletion(session, [owner]) else Way.FREE
    refused = merging.refusal(session, owner, sender)
    return Way(refused.value) if refused else Way.MERGE


def add(
    session: UnitOfWork, message: InboundMessage, owner: int, community_id: int, now: datetime
) -> list[Added]:
    """Let the sender's address be the owner's, with all that is recorded there: what is new.

    way_to() has said before, in this transaction, that it can be.
    """
    sender = person.known(session, message)
    if sender is not None:
        return absorb(session, owner, sender, community_id, owner, now) or []
    person.agreed(session, message, owner, now)
    person.attach(session, message, owner, now)
    audit.note(session, now, "address added", actor=owner, subject=owner, community=community_id)
    return [_added(owner, message.channel, message.account, message.sender)]


def absorb(
    session: UnitOfWork, owner: int, away: int, community_id: int, actor: int, now: datetime
) -> list[Added] | None:
    """Merge somebody's record into the owner's: the addresses that came; None if refused."""
    rows = session.execute(
        select(Address.channel, Address.account, Address.value).where(Address.person_id == away)
    ).all()
    if merging.merge(session, owner, away, community_id, actor, now):
        return None
    return [_added(owner, *row) for row in rows]


def _added(owner: int, channel: str, account: str, value: str) -> Added:
    return Added(owner, channel, deliveries.about_address(channel, account, value))


def is_hidden(session: UnitOfWork, person_id: int) -> bool:
    hidden = select(Person.id).where(Person.id == person_id, Person.hidden_at.is_not(None))
    return session.scalar(hidden) is not None


def count(session: UnitOfWork, person_id: int) -> int:
    return len(_accounts(session, person_id))


def shares_account(session: UnitOfWork, owner: int, message: InboundMessage) -> bool:
    """Whether the owner can be written to in the account that the sender writes to."""
    return (message.channel, message.account) in _accounts(session, owner)


def brings_account(session: UnitOfWork, owner: int, other: int) -> bool:
    """Whether the other has an address in an account where the owner has none."""
    return not set(_accounts(session, other)) <= set(_accounts(session, owner))


def _accounts(session: UnitOfWork, person_id: int) -> list[tuple[str, str]]:
    rows = session.execute(
        select(Address.channel, Address.account).where(Address.person_id == person_id)
    )
    return [(row.channel, row.account) for row in rows]


def all_of(session: UnitOfWork, message: InboundMessage, person_id: int) -> list[AddressView]:
    """The person's addresses, oldest first."""
    here = (message.channel, message.account, message.sender)
    rows = session.execute(
        select(Address.id, Address.channel, Address.account, Address.value, Address.created_at)
        .where(Address.person_id == person_id)
        .order_by(Address.created_at, Address.id)
    )
    return [
        AddressView(
            row.id, row.channel, row.created_at, (row.channel, row.account, row.value) == here
        )
        for row in rows
    ]


def is_too_new(here: AddressView, other: AddressView, now: datetime) -> bool:
    """Whoever has got in lately by somebody's code must not throw them out."""
    return here.since > other.since and now - here.since < SETTLED


def remove(
    session: UnitOfWork, message: InboundMessage, person_id: int, address_id: int,
    community_id: int, now: datetime,
) -> str | None:  # fmt: skip
    """Forget one of the person's addresses, but the one that they write from: its channel.

    What was recorded stays with the person; who writes from there is unknown from now on.
    """
    listed = all_of(session, message, person_id)
    here = next((view for view in listed if view.here), None)
    other = next((view for view in listed if view.id == address_id and not view.here), None)
    if here is None or other is None or is_too_new(here, other, now):
        return None
    gone = session.execute(
        delete(Address)
        .where(Address.id == address_id)
        .returning(Address.channel, Address.account, Address.value),
        execution_options={"synchronize_session": False},
    ).first()
    if gone is None:
        return None
    conversation.forget_all(session, *gone)
    ticket.drop_anonymous(session, *gone)
    access.void(session, Purpose.ADDRESS, person_id, now)
    deliveries.cancel(session, deliveries.about_address(*gone), "address removed")
    audit.note(
        session, now, "address removed", actor=person_id, subject=person_id,
        community=community_id,
    )  # fmt: skip
    session.expire_all()
    return str(gone.channel)


def _behind(session: UnitOfWork, message: InboundMessage) -> int | None:
    """Who is behind the sender's address, also somebody in deletion."""
    return session.scalar(
        select(Address.person_id).where(
            Address.channel == message.channel,
            Address.account == message.account,
            Address.value == message.sender,
        )
    )
