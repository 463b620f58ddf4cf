"""免打扰: nothing is pushed to somebody for a while; it waits in their mailbox."""

from datetime import datetime, timedelta

from bot.domain.reach import MUTED
from bot.services import deliveries
from bot.storage.models import Person
from bot.storage.session import UnitOfWork

# What "until I say otherwise" is written as.
ALWAYS = timedelta(days=365 * 100)


def mute(session: UnitOfWork, person_id: int, until: datetime, now: datetime) -> None:
    """Push nothing to this person before then but an alert."""
    session.get_one(Person, person_id).muted_until = until
    session.flush()
    # What waits for the end of an earlier one is planned anew.
    deliveries.hurry(session, person_id, MUTED, now)


def unmute(session: UnitOfWork, person_id: int, now: datetime) -> None:
    """What has waited for this may come at once."""
    session.get_one(Person, person_id).muted_until = None
    session.flush()
    deliveries.hurry(session, person_id, MUTED, now)


def muted_until(session: UnitOfWork, person_id: int, now: datetime) -> datetime | None:
    """Until when this person does not want to be disturbed; None when they do."""
    until = session.get_one(Person, person_id).muted_until
    return until if until is not None and until > now else None
