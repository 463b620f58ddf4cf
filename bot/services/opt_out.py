"""退订: topics that somebody does not want to hear of."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select

from bot.services import deliveries
from bot.storage.models import OptIn, OptOut
from bot.storage.session import UnitOfWork, insert_new

TOPICS = ("meeting", "announcement", "video", "study_card")


def stop(session: UnitOfWork, person_id: int, topics: Sequence[str], now: datetime) -> None:
    """Tell nothing more of these topics; what is still open of them is cancelled."""
    for topic in topics:
        insert_new(session, OptOut, person_id=person_id, topic=topic, created_at=now)
        _drop(session, OptIn, person_id, [topic])
        deliveries.cancel_for(session, person_id, "opted out", topic)


def resume(session: UnitOfWork, person_id: int, topics: Sequence[str]) -> None:
    """Tell of these topics again."""
    _drop(session, OptOut, person_id, topics)


def ask_for(session: UnitOfWork, person_id: int, topics: Sequence[str], now: datetime) -> None:
    """Tell of these topics, also by template messages: those are for what somebody asked for."""
    resume(session, person_id, topics)
    for topic in topics:
        insert_new(session, OptIn, person_id=person_id, topic=topic, created_at=now)


def _drop(
    session: UnitOfWork, model: type[OptIn] | type[OptOut], person_id: int, topics: Sequence[str]
) -> None:
    session.execute(
        delete(model).where(model.person_id == person_id, model.topic.in_(topics)),
        execution_options={"synchronize_session": False},
    )


def stopped(session: UnitOfWork, person_id: int) -> list[str]:
    return list(
        session.scalars(
            select(OptOut.topic).where(OptOut.person_id == person_id).order_by(OptOut.topic)
        )
    )


def without(session: UnitOfWork, person_ids: Sequence[int], topic: str) -> list[int]:
    """Those of the people who have not opted out of the topic."""
    if not person_ids:
        return []
    first, last = min(person_ids), max(person_ids)
    spared = set(
        session.scalars(
            select(OptOut.person_id).where(
                OptOut.topic == topic, OptOut.person_id.between(first, last)
            )
        )
    )
    return [person_id for person_id in person_ids if person_id not in spared]
