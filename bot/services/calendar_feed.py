"""Each member's private calendar: the meetings of their communities, for whoever has the address.

The address is the only key to it: whoever has got it by mistake is shut out with a new one.
"""

import re
import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from sqlalchemy import select, update

from bot.services import person
from bot.storage.models import CalendarFeed, Community, Meeting, Person
from bot.storage.session import UnitOfWork, insert_new

# How long a meeting that is over stays in the calendar.
PAST = timedelta(days=30)
_TOKEN_BYTES = 32
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
_SPACE = uuid.UUID("6f3f6c0e-7d0e-5b0a-9a55-0c6c5b1f3d27")


@dataclass(frozen=True, slots=True)
class FeedMeeting:
    """A meeting as every calendar shows it. `uid` is the same for all its versions and all who
    see it; `changed_at` is when this version came to be.
    """

    uid: str
    title: str
    place: str
    community: str
    timezone: str
    starts_at: datetime
    cancelled: bool
    version: int
    changed_at: datetime


def token_of(session: UnitOfWork, person_id: int, now: datetime) -> str:
    """The person's token, a new one where there was none; it is never logged."""
    insert_new(session, CalendarFeed, person_id=person_id, token=_token(), created_at=now)
    return session.scalars(
        select(CalendarFeed.token).where(CalendarFeed.person_id == person_id)
    ).one()


def renew(session: UnitOfWork, person_id: int, now: datetime) -> str:
    """Another token; the old one opens nothing any more."""
    token_of(session, person_id, now)
    token = _token()
    session.execute(
        update(CalendarFeed)
        .where(CalendarFeed.person_id == person_id)
        .values(token=token, created_at=now),
        execution_options={"synchronize_session": False},
    )
    return token


def address(public_url: str, token: str) -> str:
    """Where the calendar is read from."""
    return f"{public_url}/calendar/{token}.ics"


def reachable(public_url: str) -> bool:
    """Whether phones can read from there and nobody on the way: over https, or on this machine."""
    parts = urlsplit(public_url)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOCAL)


def read(session: UnitOfWork, token: str, now: datetime) -> list[FeedMeeting] | None:
    """The meetings of the communities of the token's owner, the earliest first; None where the
    token is nobody's, or of somebody who has asked to be deleted.
    """
    if not _TOKEN.fullmatch(token):
        return None
    owner = session.scalar(
        select(CalendarFeed.person_id)
        .join(Person, Person.id == CalendarFeed.person_id)
        .where(CalendarFeed.token == token, Person.hidden_at.is_(None))
    )
    if owner is None:
        return None
    homes = [home.id for home in person.communities_of(session, owner)]
    rows = session.execute(
        select(Meeting, Community.name, Community.timezone)
        .join(Community, Community.id == Meeting.community_id)
        .where(Meeting.community_id.in_(homes), Meeting.starts_at > now - PAST)
        .order_by(Meeting.starts_at, Meeting.id)
    )
    return [_shown(row, community, timezone) for row, community, timezone in rows]


def _shown(row: Meeting, community: str, timezone: str) -> FeedMeeting:
    return FeedMeeting(
        # Numbers begin with 1 in every database; when it was planned tells servers apart.
        uid=str(uuid.uuid5(_SPACE, f"{row.id} {row.created_at.isoformat()}")),
        title=row.title,
        place=row.place,
        community=community,
        timezone=timezone,
        starts_at=row.starts_at,
        cancelled=row.state == "cancelled",
        version=row.version,
        changed_at=row.changed_at or row.created_at,
    )


def _token() -> str:
    return secrets.token_urlsafe(_TOKEN_BYTES)
