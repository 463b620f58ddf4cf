"""From the chat to one's pages without a password: one-time links, sessions, and their limits."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sqlalchemy import delete, select, update

from bot.domain.messages import Notice
from bot.domain.person import CommunityView, Role
from bot.services import audit, community, deliveries
from bot.services.deliveries import Saying
from bot.storage.models import Community, EntryLink, Membership, Person, RequestCount, WebSession
from bot.storage.session import UnitOfWork, count_up

TOPIC = "web_access"
LINK_LIVES = timedelta(minutes=10)
SESSION_LIVES = timedelta(hours=12)
# A stretch in which requests are counted, and how many of a kind may be in one.
WINDOW = timedelta(minutes=10)
ENTERED, WRITTEN = 30, 300
_BARE = {"synchronize_session": False}


class Area(StrEnum):
    """Where a link leads: the organisers' and mentors' pages, or a member's own."""

    CONSOLE = "console"
    PORTAL = "portal"


@dataclass(frozen=True, slots=True)
class Link:
    """`person_id` and `name` are None for the operator; `usable` is false once spent or old."""

    id: int
    area: Area
    person_id: int | None
    name: str | None
    community_id: int
    usable: bool
    spent: bool


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who is signed in: `person_id` None is the operator, who has every role everywhere."""

    session_id: int
    person_id: int | None
    name: str | None
    community: CommunityView
    roles: frozenset[Role]


def address(public_url: str, token: str) -> str:
    """What the link leads to."""
    return f"{public_url}/enter/{token}"


def issue(
    session: UnitOfWork, area: Area, person_id: int | None, community_id: int, now: datetime
) -> str:
    """A new link's token. What the same person had before and has not used is void."""
    session.execute(
        update(EntryLink)
        .where(EntryLink.person_id == person_id, EntryLink.used_at.is_(None))
        .values(expires_at=now),
        execution_options=_BARE,
    )
    token = secrets.token_urlsafe(24)
    session.add(
        EntryLink(
            token_hash=_hash(token), area=area, person_id=person_id, community_id=community_id,
            created_at=now, expires_at=now + LINK_LIVES, used_at=None,
        )
    )  # fmt: skip
    session.flush()
    return token


def find(session: UnitOfWork, token: str, now: datetime) -> Link | None:
    """What the link is; None where there is none, or of somebody who has asked to be deleted."""
    row = session.execute(
        select(EntryLink, Person.name, Person.hidden_at)
        .outerjoin(Person, Person.id == EntryLink.person_id)
        .where(EntryLink.token_hash == _hash(token))
    ).first()
    if row is None or row.hidden_at is not None:
        return None
    link: EntryLink = row[0]
    spent = link.used_at is not None
    usable = not spent and link.expires_at > now
    return Link(
        link.id, Area(link.area), link.person_id, row.name, link.community_id, usable, spent
    )


def enter(session: UnitOfWork, link: Link, now: datetime) -> str | None:
    """Spend the link: the token of a new session. None when somebody was faster, or it is old."""
    won = session.execute(
        update(EntryLink)
        .where(
            EntryLink.id == link.id, EntryLink.used_at.is_(None), EntryLink.expires_at > now
        )
        .values(used_at=now)
        .returning(EntryLink.id),
        execution_options=_BARE,
    ).first()  # fmt: skip
    if won is None:
        return None
    token = secrets.token_urlsafe(32)
    session.add(
        WebSession(
            token_hash=_hash(token), person_id=link.person_id, community_id=link.community_id,
            created_at=now, expires_at=now + SESSION_LIVES,
        )
    )  # fmt: skip
    audit.note(
        session, now, f"{link.area} entered",
        actor=link.person_id, subject=link.person_id, community=link.community_id,
    )  # fmt: skip
    return token


def tell_of_second_use(session: UnitOfWork, link: Link, notice: Notice, now: datetime) -> None:
    """Whoever asked for the link hears once that somebody has tried it again."""
    if link.person_id is not None:
        saying = Saying(TOPIC, f"entry_link:{link.id}", notice)
        deliveries.tell(session, [link.person_id], link.community_id, saying, now)


def visitor(session: UnitOfWork, token: str, now: datetime) -> Visitor | None:
    """Whose session it is, with the roles of this moment; None where it has ended."""
    row = session.execute(
        select(WebSession.id, WebSession.person_id, Person.name, Community)
        .join(Community, Community.id == WebSession.community_id)
        .outerjoin(Person, Person.id == WebSession.person_id)
        .where(
            WebSession.token_hash == _hash(token),
            WebSession.expires_at > now,
            Person.hidden_at.is_(None),
        )
    ).first()
    if row is None:
        return None
    home = community.view(row.Community)
    roles = frozenset(Role) if row.person_id is None else _roles(session, row.person_id, home.id)
    return Visitor(row.id, row.person_id, row.name, home, roles) if roles else None


def move(session: UnitOfWork, who: Visitor, community_id: int) -> bool:
    """Let the pages be about this community from now on; False where the visitor has no part."""
    if who.person_id is not None and not _roles(session, who.person_id, community_id):
        return False
    if session.get(Community, community_id) is None:
        return False
    session.execute(
        update(WebSession)
        .where(WebSession.id == who.session_id)
        .values(community_id=community_id),
        execution_options=_BARE,
    )  # fmt: skip
    return True


def leave(session: UnitOfWork, session_id: int) -> None:
    """End this session."""
    session.execute(delete(WebSession).where(WebSession.id == session_id), execution_options=_BARE)


def leave_all(session: UnitOfWork, person_id: int, now: datetime) -> int:
    """End every session and void every link of this person: how many sessions there were."""
    session.execute(
        update(EntryLink)
        .where(EntryLink.person_id == person_id, EntryLink.used_at.is_(None))
        .values(expires_at=now),
        execution_options=_BARE,
    )
    gone = session.execute(
        delete(WebSession).where(WebSession.person_id == person_id, WebSession.expires_at > now),
        execution_options=_BARE,
    )
    return gone.rowcount  # type: ignore[attr-defined, no-any-return]


def allowed(session: UnitOfWork, what: str, who: str, most: int, now: datetime) -> bool:
    """Count one more of `what` for `who`, over all processes; False beyond `most` in a WINDOW."""
    seconds = WINDOW.total_seconds()
    since = datetime.fromtimestamp(now.timestamp() // seconds * seconds, UTC)
    key = _hash(f"{what}\0{who}")
    count_up(session, RequestCount, ("who", "since"), who=key, since=since)
    count = session.scalar(
        select(RequestCount.count).where(RequestCount.who == key, RequestCount.since == since)
    )
    return (count or 0) <= most


def _roles(session: UnitOfWork, person_id: int, community_id: int) -> frozenset[Role]:
    rows = session.scalars(
        select(Membership.role).where(
            Membership.person_id == person_id,
            Membership.community_id == community_id,
            Membership.until.is_(None),
        )
    )
    return frozenset(map(Role, rows))


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
