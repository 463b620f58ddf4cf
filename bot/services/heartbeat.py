"""When a loop last ran, for /healthz and /metrics."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.storage.models import Heartbeat

TICK = "tick"


def beat(session: Session, name: str, now: datetime) -> None:
    """Say that the loop `name` ran now."""
    session.merge(Heartbeat(name=name, at=now))
    session.flush()


def last(session: Session, name: str) -> datetime | None:
    return session.scalar(select(Heartbeat.at).where(Heartbeat.name == name))
