"""Meetings and who comes, calendar feeds, and announcements to a community."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from bot.storage.models.base import Base


class Meeting(Base):
    """`version` rises with every change (`changed_at`, None before); `place` may be empty."""

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
    changed_at: Mapped[datetime | None]


class MeetingReply(Base):
    """参加 or 请假, with the reason that was given."""

    __tablename__ = "meeting_reply"
    __table_args__ = (
        UniqueConstraint("meeting_id", "person_id"),
        CheckConstraint("answer IN ('coming', 'excused')", name="answer"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    meeting_id: Mapped[int] = mapped_column(ForeignKey("meeting.id", ondelete="CASCADE"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    answer: Mapped[str]
    reason: Mapped[str]
    replied_at: Mapped[datetime]


class CalendarFeed(Base):
    """A person's private calendar; whoever has the address with the token can read it."""

    __tablename__ = "calendar_feed"

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), unique=True)
    token: Mapped[str] = mapped_column(unique=True)
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
