"""When each loop last ran; /healthz and /metrics read it."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from bot.storage.models.base import Base


class Heartbeat(Base):
    __tablename__ = "heartbeat"

    name: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime]
