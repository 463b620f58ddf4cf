"""发通知: what an organiser has said to everybody in a community."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from bot.domain.messages import Notice
from bot.services import deliveries, opt_out, person
from bot.services.deliveries import Saying
from bot.storage.models import Announcement
from bot.storage.session import UnitOfWork

TOPIC = "announcement"


def audience(session: UnitOfWork, community_id: int, author: int) -> list[int]:
    """Everybody there but the author and who has opted out of announcements."""
    people = opt_out.without(session, person.people_of(session, community_id), TOPIC)
    return [person_id for person_id in people if person_id != author]


def publish(
    session: UnitOfWork, community_id: int, title: str, text: str, author: int, now: datetime
) -> tuple[int, int]:
    """Tell the audience and the community's groups: the announcement's number, and how many people
    will be told.
    """
    row = Announcement(
        community_id=community_id, text=text, state="published", created_by=author, created_at=now
    )
    session.add(row)
    session.flush()
    notice = Notice(kind="announcement", title=title, lines=(text,))
    saying = Saying(TOPIC, about(row.id), notice)
    deliveries.tell_groups(session, community_id, saying, now)
    people = audience(session, community_id, author)
    return row.id, deliveries.tell(session, people, community_id, saying, now)


def about(announcement_id: int) -> str:
    return f"announcement:{announcement_id}"


def take_back(session: UnitOfWork, announcement_id: int) -> tuple[int, int]:
    """How many had seen it, and how many never will."""
    session.get_one(Announcement, announcement_id).state = "taken back"
    seen, unseen = deliveries.cancel(session, about(announcement_id), "taken back")
    session.flush()
    return len(seen), unseen


@dataclass(frozen=True, slots=True)
class Announced:
    text: str
    created_at: datetime


def last(session: UnitOfWork, community_id: int) -> Announced | None:
    """The newest announcement that stands."""
    row = session.scalar(
        select(Announcement)
        .where(Announcement.community_id == community_id, Announcement.state == "published")
        .order_by(Announcement.id.desc())
        .limit(1)
    )
    return Announced(row.text, row.created_at) if row else None
