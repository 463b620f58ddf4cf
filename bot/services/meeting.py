"""Meetings: planned, changed, cancelled, and everybody told."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from bot.domain.messages import Notice
from bot.services import deliveries, firing, opt_out, person, schedule
from bot.services.deliveries import Saying
from bot.storage.models import Meeting
from bot.storage.session import UnitOfWork

TOPIC = "meeting"
_LISTED = 5


@dataclass(frozen=True, slots=True)
class MeetingView:
    id: int
    title: str
    place: str
    starts_at: datetime
    version: int
    created_at: datetime

    @property
    def about(self) -> str:
        """What deliveries say that they speak of: this version of this meeting."""
        return f"meeting:{self.id}:{self.version}"


def plan(
    session: UnitOfWork,
    community_id: int,
    title: str,
    place: str,
    starts_at: datetime,
    created_by: int,
    now: datetime,
) -> MeetingView:
    row = Meeting(
        community_id=community_id,
        title=title,
        place=place,
        starts_at=starts_at,
        state="planned",
        version=1,
        created_by=created_by,
        created_at=now,
    )
    session.add(row)
    session.flush()
    return _view(row)


def change(
    session: UnitOfWork,
    community_id: int,
    meeting_id: int,
    version: int,
    starts_at: datetime,
    place: str,
    now: datetime,
) -> MeetingView | None:
    """Move a coming meeting; notices of the older version lose their point.

    None when it is over or cancelled, or is no longer the `version` that was read back.
    """
    row = _planned(session, community_id, meeting_id, now, lock=True)
    if row is None or row.version != version:
        return None
    _stop(session, row, "changed", now)
    row.starts_at, row.version, row.changed_at = starts_at, row.version + 1, now
    row.place = place or row.place
    session.flush()
    return _view(row)


@dataclass(frozen=True, slots=True)
class Cancelled:
    """A meeting that is off; who had seen something of it, how many never will, and whether a
    group had.
    """

    meeting: MeetingView
    seen: list[int]
    unseen: int
    in_groups: bool


def cancel(
    session: UnitOfWork, community_id: int, meeting_id: int, now: datetime
) -> Cancelled | None:
    """Call a coming meeting off; its open notices and its reminders go."""
    row = _planned(session, community_id, meeting_id, now, lock=True)
    if row is None:
        return None
    in_groups = deliveries.seen_in_groups(session, _view(row).about)
    seen, unseen = _stop(session, row, "cancelled", now)
    row.state, row.version, row.changed_at = "cancelled", row.version + 1, now
    session.flush()
    return Cancelled(_view(row), seen, unseen, in_groups)


def _stop(session: UnitOfWork, row: Meeting, reason: str, now: datetime) -> tuple[list[int], int]:
    """Whatever speaks of this version has lost its point: who had seen it, how many had not.

    In this order: a reminder that becomes due meanwhile is stopped at one of the three.
    """
    about = _view(row).about
    schedule.end(session, f"{about}:")
    firing.stop(session, about, reason, now)
    return deliveries.cancel(session, about, reason)


def find(
    session: UnitOfWork, community_id: int, meeting_id: int, now: datetime
) -> MeetingView | None:
    """A coming meeting of this community."""
    row = _planned(session, community_id, meeting_id, now)
    return _view(row) if row else None


def standing(
    session: UnitOfWork, community_id: int, meeting_id: int, version: int
) -> MeetingView | str:
    """The meeting as long as it is of this version; else why not: gone, cancelled, changed."""
    row = session.get(Meeting, meeting_id)
    if row is None or row.community_id != community_id:
        return "gone"
    if row.state != "planned":
        return "cancelled"
    return _view(row) if row.version == version else "changed"


def coming(
    session: UnitOfWork, community_ids: list[int], now: datetime, limit: int = _LISTED
) -> list[MeetingView]:
    """The next planned meetings of these communities, soonest first."""
    rows = session.scalars(
        select(Meeting)
        .where(
            Meeting.community_id.in_(community_ids),
            Meeting.state == "planned",
            Meeting.starts_at > now,
        )
        .order_by(Meeting.starts_at, Meeting.id)
        .limit(limit)
    )
    return [_view(row) for row in rows]


def newest(session: UnitOfWork, community_id: int, now: datetime) -> MeetingView | None:
    """The coming meeting that was planned last."""
    row = session.scalar(
        select(Meeting)
        .where(
            Meeting.community_id == community_id,
            Meeting.state == "planned",
            Meeting.starts_at > now,
        )
        .order_by(Meeting.created_at.desc(), Meeting.id.desc())
        .limit(1)
    )
    return _view(row) if row else None


def audience(session: UnitOfWork, community_id: int, author: int) -> list[int]:
    """Who is told of meetings: everybody there but the author and who has opted out of it."""
    people = opt_out.without(session, person.people_of(session, community_id), TOPIC)
    return [person_id for person_id in people if person_id != author]


def tell(
    session: UnitOfWork,
    community_id: int,
    meeting: MeetingView,
    notice: Notice,
    people: list[int],
    now: datetime,
    *,
    in_groups: bool = True,
) -> int:
    """Tell these people and the community's groups; it has lost its point when the meeting is
    over. How many people.
    """
    until = min(now + deliveries.KEPT, max(meeting.starts_at, now) + timedelta(hours=1))
    saying = Saying(TOPIC, meeting.about, notice, expires_at=until)
    if in_groups:
        deliveries.tell_groups(session, community_id, saying, now)
    return deliveries.tell(session, people, community_id, saying, now)


def _planned(
    session: UnitOfWork, community_id: int, meeting_id: int, now: datetime, *, lock: bool = False
) -> Meeting | None:
    """A meeting that is planned and not over; `lock` lets nobody else change it meanwhile."""
    row = session.get(Meeting, meeting_id, with_for_update=lock)
    if row is None or row.community_id != community_id or row.state != "planned":
        return None
    return row if row.starts_at > now else None


def _view(row: Meeting) -> MeetingView:
    return MeetingView(row.id, row.title, row.place, row.starts_at, row.version, row.created_at)
