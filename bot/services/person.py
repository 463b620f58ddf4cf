"""People: who is behind an address, how somebody becomes known, and who belongs to what."""

from datetime import datetime

from sqlalchemy import Select, bindparam, select, update

from bot.domain.messages import InboundMessage
from bot.domain.person import CommunityView, Member, Role
from bot.errors import NotFound
from bot.services import community
from bot.storage.models import Address, Community, Consent, Membership, Person, RosterEntry
from bot.storage.session import UnitOfWork, insert_new

# The version of the notice that packs show in 绑定; raise it when what it says has changed.
NOTICE_VERSION = "2026-11-3"

_address, _person = Address.__table__.c, Person.__table__.c
_membership, _community = Membership.__table__.c, Community.__table__.c
_SENDER = (
    _address.value == bindparam("value"),
    _address.account == bindparam("account"),
    _address.channel == bindparam("channel"),
)
_ADDRESS = (
    select(_address.id, _address.person_id, _person.hidden_at)
    .join(Person.__table__, _person.id == _address.person_id)
    .where(*_SENDER)
)
_MEMBER = (
    select(
        _address.person_id,
        _person.name,
        _membership.role,
        _community.id,
        _community.name.label("community_name"),
        _community.timezone,
        _community.pack,
        _person.current_community_id,
    )
    .select_from(Address.__table__)
    .join(Person.__table__, _person.id == _address.person_id)
    .join(Membership.__table__, _membership.person_id == _person.id)
    .join(Community.__table__, _community.id == _membership.community_id)
    .where(*_SENDER, _membership.until.is_(None), _person.hidden_at.is_(None))
    .order_by(_community.created_at, _community.id)
)


def _sender(message: InboundMessage) -> dict[str, str]:
    return {"value": message.sender, "account": message.account, "channel": message.channel}


def load_member(
    session: UnitOfWork, message: InboundMessage, community_id: int | None = None
) -> Member | None:
    """The sender in this community, or (None) their current one, else the oldest they are in.

    None for somebody unknown there.
    """
    rows = session.core.execute(_MEMBER, _sender(message)).all()
    if community_id is not None:
        rows = [row for row in rows if row.id == community_id]
    if not rows:
        return None
    chosen = next((row for row in rows if row.id == row.current_community_id), rows[0])
    return Member(
        person_id=chosen.person_id,
        name=chosen.name,
        community=CommunityView(chosen.id, chosen.community_name, chosen.timezone, chosen.pack),
        roles=frozenset(Role(row.role) for row in rows if row.id == chosen.id),
    )


def known(session: UnitOfWork, message: InboundMessage) -> int | None:
    """The id of the person behind the sender's address; None for nobody or one in deletion."""
    row = session.core.execute(_ADDRESS, _sender(message)).first()
    return row.person_id if row and row.hidden_at is None else None


def register(session: UnitOfWork, message: InboundMessage, now: datetime) -> Member:
    """Somebody who has just agreed to the notice becomes a member of the oldest community.

    Raises NotFound when the database has no community yet.
    """
    home = community.view(community.oldest(session))
    return join(session, message, home, Role.MEMBER, now)


def join(
    session: UnitOfWork, message: InboundMessage, home: CommunityView, role: Role, now: datetime
) -> Member:
    """Give the sender this role; person, consent and address come where they are missing."""
    person_id = known(session, message)
    if person_id is None:
        person_id = _create(session, message, now)
    grant(session, person_id, home.id, role, now)
    member = load_member(session, message, home.id)
    if member is None:
        raise RuntimeError("a sender who has just joined is not found")
    return member


def grant(
    session: UnitOfWork,
    person_id: int,
    community_id: int,
    role: Role,
    now: datetime,
    stage: str | None = None,
) -> None:
    """Give the role from now on; nothing happens where the person has it."""
    insert_new(
        session,
        Membership,
        person_id=person_id,
        community_id=community_id,
        role=role,
        stage=stage,
        since=now,
        until=None,
    )


def revoke(
    session: UnitOfWork, person_id: int, community_id: int, role: Role, now: datetime
) -> None:
    """End the role now; what was done with it stays."""
    session.execute(
        update(Membership)
        .where(
            Membership.person_id == person_id,
            Membership.community_id == community_id,
            Membership.role == role,
            Membership.until.is_(None),
        )
        .values(until=now),
        execution_options={"synchronize_session": False},
    )


def attach(session: UnitOfWork, message: InboundMessage, person_id: int, now: datetime) -> None:
    """Let the sender's address be this person's, whoever had it before."""
    row = session.core.execute(_ADDRESS, _sender(message)).first()
    if row is not None:
        session.execute(
            update(Address).where(Address.id == row.id).values(person_id=person_id, created_at=now),
            execution_options={"synchronize_session": False},
        )
        return
    session.add(Address(**_sender(message), person_id=person_id, created_at=now))
    session.flush()


def _create(session: UnitOfWork, message: InboundMessage, now: datetime) -> int:
    person = Person(name=None, current_community_id=None, hidden_at=None, created_at=now)
    session.add(person)
    session.flush()
    agreed(session, message, person.id, now)
    attach(session, message, person.id, now)
    return person.id


def agreed(session: UnitOfWork, message: InboundMessage, person_id: int, now: datetime) -> None:
    """The person has agreed to the notice, in the channel that they write from."""
    session.add(
        Consent(person_id=person_id, version=NOTICE_VERSION, channel=message.channel, given_at=now)
    )
    session.flush()


def people_of(
    session: UnitOfWork,
    community_id: int,
    role: Role | None = None,
    *,
    after: int = 0,
    limit: int | None = None,
    but: Select[int] | None = None,
) -> list[int]:
    """The ids of those who belong to the community now (in this role), without the hidden.

    They rise, and begin above `after`; at most `limit` of them. `but` selects whom to leave out.
    """
    wanted = [Membership.community_id == community_id, Membership.until.is_(None)]
    if role is not None:
        wanted.append(Membership.role == role)
    if but is not None:
        wanted.append(Membership.person_id.not_in(but))
    return list(
        session.scalars(
            select(Membership.person_id)
            .join(Person, Person.id == Membership.person_id)
            .where(*wanted, Membership.person_id > after, Person.hidden_at.is_(None))
            .distinct()
            .order_by(Membership.person_id)
            .limit(limit)
        )
    )


def organiser_named(session: UnitOfWork, community_id: int, name: str) -> int:
    """The organiser who is called so, by themselves or on the roster, or who has this number there.

    Raises NotFound where there is none, or several, and lists who there is.
    """
    organisers = people_of(session, community_id, Role.ORGANISER)
    names = {number: names_of(session, community_id, number) for number in organisers}
    found = [number for number, known in names.items() if name in known]
    if len(found) == 1:
        return found[0]
    there = "、".join(known[0] for known in names.values() if known) or "none yet"
    if found:
        raise NotFound(f"Several organisers are called {name!r}; give the number on the roster.")
    raise NotFound(f"There is no organiser {name!r}; there are: {there}")


def names_of(session: UnitOfWork, community_id: int, person_id: int) -> list[str]:
    """What the person is called: by themselves, then the names and numbers on the roster."""
    own = session.scalar(select(Person.name).where(Person.id == person_id))
    listed = session.execute(
        select(RosterEntry.name, RosterEntry.number)
        .where(RosterEntry.community_id == community_id, RosterEntry.person_id == person_id)
        .order_by(RosterEntry.id)
    )
    return [name for row in [(own,), *listed] for name in row if name]


def communities_of(session: UnitOfWork, person_id: int) -> list[CommunityView]:
    """The communities that the person belongs to, oldest first."""
    rows = session.scalars(
        select(Community)
        .where(
            Community.id.in_(
                select(Membership.community_id).where(
                    Membership.person_id == person_id, Membership.until.is_(None)
                )
            )
        )
        .order_by(Community.created_at, Community.id)
    )
    return [community.view(row) for row in rows]


def switch(session: UnitOfWork, person_id: int, community_id: int) -> None:
    """Let private conversations be about this community from now on."""
    session.get_one(Person, person_id).current_community_id = community_id
    session.flush()
