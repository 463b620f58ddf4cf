"""When a loop last ran, for /healthz and /metrics."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.storage.models import Heartbeat
from bot.storage.session import UnitOfWork, put

TICK = "tick"
# While the WeCom bot's long connection is up.
LINE = "line"


def beat(session: UnitOfWork, name: str, now: datetime) -> None:
    """Say that the loop `name` ran now."""
    put(session, Heartbeat, ("name",), name=name, at=now)


def last(session: Session, name: str) -> datetime | None:
    return session.scalar(select(Heartbeat.at).where(Heartbeat.name == name))
