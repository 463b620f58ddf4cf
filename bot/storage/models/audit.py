"""Who did or looked at what that concerns another person."""

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from bot.storage.models.base import Base


class AuditEntry(Base):
    """`actor_id` is None for the operator's commands; `subject_id` is whom it concerns."""

    __tablename__ = "audit_entry"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    community_id: Mapped[int | None] = mapped_column(ForeignKey("community.id"), index=True)
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), index=True)
    subject_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), index=True)
    action: Mapped[str]
    detail: Mapped[str]
