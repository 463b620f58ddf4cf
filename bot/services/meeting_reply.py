"""参加 and 请假: who comes to a meeting, who does not, and why."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Select, delete, select

from bot.services import deliveries, meeting, person
from bot.services.meeting import MeetingView
from bot.storage.models import MeetingReply, Person
from bot.storage.session import UnitOfWork, put

Answer = Literal["coming", "excused"]
COMING: Answer = "coming"
EXCUSED: Answer = "excused"
REASON_LIMIT = 100
_UNIQUE = ("meeting_id", "person_id")


@dataclass(frozen=True, slots=True)
class Given:
    """What somebody has answered; `reason` may be empty."""

    answer: Answer
    reason: str
    replied_at: datetime


@dataclass(frozen=True, slots=True)
class Counts:
    """Of those who belong to the community: how many are called, and what they have answered."""

    called: int
    coming: int
    excused: int

    @property
    def silent(self) -> int:
        return self.called - self.coming - self.excused


@dataclass(frozen=True, slots=True)
class Excuse:
    """Somebody who does not come; `name` is None for somebody without a name."""

    person_id: int
    name: str | None
    reason: str


def give(
    session: UnitOfWork, view: MeetingView, person_id: int, answer: Answer, reason: str,
    now: datetime,
) -> Given | None:  # fmt: skip
    """Answer for this meeting, in place of what was answered before: that, or None.

    Whoever is excused is not reminded any more.
    """
    before = of(session, view.id, person_id)
    _put(session, view.id, person_id, Given(answer, reason, now))
    if answer == EXCUSED:
        deliveries.cancel_for(
            session, person_id, "excused", meeting.TOPIC, about=view.about, fired=True
        )
    return before


def take_back(
    session: UnitOfWork, meeting_id: int, person_id: int, at: datetime, before: Given | None
) -> bool:
    """What was answered at that time is as before; False where something else was answered."""
    given = of(session, meeting_id, person_id)
    if given is None or given.replied_at != at:
        return False
    if before:
        _put(session, meeting_id, person_id, before)
        return True
    session.execute(
        delete(MeetingReply).where(
            MeetingReply.meeting_id == meeting_id, MeetingReply.person_id == person_id
        ),
        execution_options={"synchronize_session": False},
    )
    return True


def of(session: UnitOfWork, meeting_id: int, person_id: int) -> Given | None:
    return answers(session, [meeting_id], person_id).get(meeting_id)


def answers(session: UnitOfWork, meeting_ids: list[int], person_id: int) -> dict[int, Given]:
    """What the person has answered, by meeting."""
    rows = session.execute(
        select(
            MeetingReply.meeting_id,
            MeetingReply.answer,
            MeetingReply.reason,
            MeetingReply.replied_at,
        ).where(MeetingReply.person_id == person_id, MeetingReply.meeting_id.in_(meeting_ids))
    )
    return {row.meeting_id: Given(row.answer, row.reason, row.replied_at) for row in rows}


def counts(session: UnitOfWork, community_id: int, meeting_id: int) -> Counts:
    """Nobody counts who has left or asked to be deleted."""
    called = person.people_of(session, community_id)
    given = _by_person(session, meeting_id)
    said = [given[person_id] for person_id in called if person_id in given]
    return Counts(len(called), said.count(COMING), said.count(EXCUSED))


def excuses(session: UnitOfWork, community_id: int, meeting_id: int) -> list[Excuse]:
    """Who does not come, in the order in which they said so."""
    called = set(person.people_of(session, community_id))
    rows = session.execute(
        select(MeetingReply.person_id, Person.name, MeetingReply.reason)
        .join(Person, Person.id == MeetingReply.person_id)
        .where(MeetingReply.meeting_id == meeting_id, MeetingReply.answer == EXCUSED)
        .order_by(MeetingReply.replied_at, MeetingReply.id)
    )
    return [Excuse(row.person_id, row.name, row.reason) for row in rows if row.person_id in called]


def excused(meeting_id: int) -> Select[int]:
    """Selects who does not come."""
    return select(MeetingReply.person_id).where(
        MeetingReply.meeting_id == meeting_id, MeetingReply.answer == EXCUSED
    )


def _by_person(session: UnitOfWork, meeting_id: int) -> dict[int, str]:
    rows = session.execute(
        select(MeetingReply.person_id, MeetingReply.answer).where(
            MeetingReply.meeting_id == meeting_id
        )
    )
    return {row.person_id: row.answer for row in rows}


def _put(session: UnitOfWork, meeting_id: int, person_id: int, given: Given) -> None:
    values: dict[str, Any] = {
        "answer": given.answer, "reason": given.reason, "replied_at": given.replied_at,
    }  # fmt: skip
    put(session, MeetingReply, _UNIQUE, meeting_id=meeting_id, person_id=person_id, **values)
