"""People: who is behind an address, and how a newcomer becomes known."""

from datetime import datetime

from sqlalchemy import bindparam, select

from bot.domain.messages import InboundMessage
from bot.domain.person import CommunityView, Member, Role
from bot.services import community
from bot.storage.models import Address, Community, Membership, Person
from bot.storage.session import UnitOfWork, insert_new

_address, _person = Address.__table__.c, Person.__table__.c
_membership, _community = Membership.__table__.c, Community.__table__.c
_SENDER = (
    _address.value == bindparam("value"),
    _address.account == bindparam("account"),
    _address.channel == bindparam("channel"),
)
_PERSON = select(_address.person_id).where(*_SENDER)
_MEMBER = (
    select(
        _address.person_id,
        _person.name,
        _membership.role,
        _community.id,
        _community.name.label("community_name"),
        _community.timezone,
        _community.pack,
    )
    .select_from(Address.__table__)
    .join(Person.__table__, _person.id == _address.person_id)
    .join(Membership.__table__, _membership.person_id == _person.id)
    .join(Community.__table__, _community.id == _membership.community_id)
    .where(
        *_SENDER,
        _membership.until.is_(None),
    )
    .order_by(_community.created_at, _community.id)
)


def load_member(session: UnitOfWork, message: InboundMessage) -> Member | None:
    """The sender with the oldest community they are in; None for somebody unknown."""
    rows = session.core.execute(
        _MEMBER,
        {"value": message.sender, "account": message.account, "channel": message.channel},
    ).all()
    if not rows:
        return None
    first = rows[0]
    return Member(
        person_id=first.person_id,
        name=first.name,
        community=CommunityView(first.id, first.community_name, first.timezone, first.pack),
        roles=frozenset(Role(row.role) for row in rows if row.id == first.id),
    )


def register(session: UnitOfWork, message: InboundMessage, now: datetime) -> Member:
    """Make the unknown sender a member of the oldest community.

    Raises NotFound when the database has no community yet.
    """
    home = community.view(community.oldest(session))
    return join(session, message, home, Role.MEMBER, now)


def join(
    session: UnitOfWork, message: InboundMessage, home: CommunityView, role: Role, now: datetime
) -> Member:
    """Give the sender this role; person and address are created where they are missing."""
    person_id = session.core.execute(
        _PERSON,
        {"value": message.sender, "account": message.account, "channel": message.channel},
    ).scalar()
    if person_id is None:
        person_id = _create(session, message, now)
    insert_new(
        session,
        Membership,
        person_id=person_id,
        community_id=home.id,
        role=role,
        stage=None,
        since=now,
        until=None,
    )
    return Member(person_id, None, home, frozenset({role}))


def _create(session: UnitOfWork, message: InboundMessage, now: datetime) -> int:
    person = Person(name=None, created_at=now)
    session.add(person)
    session.flush()
    session.add(
        Address(
            channel=message.channel,
            account=message.account,
            value=message.sender,
            person_id=person.id,
            created_at=now,
        )
    )
    session.flush()
    return person.id
