"""Meetings, and announcements to a community."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from bot.storage.models.base import Base


class Meeting(Base):
    """`version` rises with every change; `place` may be empty."""

    __tablename__ = "meeting"
    __table_args__ = (
        CheckConstraint("state IN ('planned', 'cancelled')", name="state"),
        Index("ix_meeting_next", "community_id", "starts_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    title: Mapped[str]
    place: Mapped[str]
    starts_at: Mapped[datetime]
    state: Mapped[str]
    version: Mapped[int]
    created_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[datetime]


class Announcement(Base):
    """What an organiser had said to everybody (发通知)."""

    __tablename__ = "announcement"
    __table_args__ = (CheckConstraint("state IN ('published', 'taken back')", name="state"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"), index=True)
    text: Mapped[str]
    state: Mapped[str]
    created_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[datetime]
