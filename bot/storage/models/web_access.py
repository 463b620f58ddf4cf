"""How people get from the chat to their pages: one-time links, sessions, how often who asked."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from bot.storage.models.base import Base


class EntryLink(Base):
    """A one-time link; only the SHA-256 of its token is kept.

    `person_id` None is the operator. `area` is where it leads, `used_at` is set by the one who
    presses its button.
    """

    __tablename__ = "entry_link"
    __table_args__ = (CheckConstraint("area IN ('console', 'portal')", name="area"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    area: Mapped[str]
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), index=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class WebSession(Base):
    """A browser that is signed in until `expires_at`; only the SHA-256 of its token is kept.

    `person_id` None is the operator. `community_id` is what the pages are about now.
    """

    __tablename__ = "web_session"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), index=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class RequestCount(Base):
    """How often somebody, by a hash, has asked for something since `since`."""

    __tablename__ = "request_count"
    __table_args__ = (UniqueConstraint("who", "since"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    who: Mapped[str]
    since: Mapped[datetime] = mapped_column(index=True)
    count: Mapped[int]
