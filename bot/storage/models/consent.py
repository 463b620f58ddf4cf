"""What a person has agreed to, and what they have asked to be spared."""

from datetime import datetime

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from bot.storage.models.base import Base


class Consent(Base):
    """One agreement to one version of the notice, through one channel."""

    __tablename__ = "consent"

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    version: Mapped[str]
    channel: Mapped[str]
    given_at: Mapped[datetime]


class OptOut(Base):
    """A topic that the person does not want to hear of (退订)."""

    __tablename__ = "opt_out"
    __table_args__ = (UniqueConstraint("person_id", "topic"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    topic: Mapped[str]
    created_at: Mapped[datetime]


class OptIn(Base):
    """A topic that the person has asked to be told (订阅), also by template messages."""

    __tablename__ = "opt_in"
    __table_args__ = (UniqueConstraint("person_id", "topic"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    topic: Mapped[str]
    created_at: Mapped[datetime]


class Deletion(Base):
    """A person's data that will be purged at `due_at`; hidden from the moment it was asked.

    `address_hashes` (JSON list) lets a restored backup be purged again: it goes to
    data_dir/deletions.jsonl (`recorded_at`). `reason` is "asked" or "unfollowed"; `withdrawn_at`
    is set when the person wants everything back.
    """

    __tablename__ = "deletion"

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), unique=True)
    reason: Mapped[str]
    address_hashes: Mapped[str]
    requested_at: Mapped[datetime]
    due_at: Mapped[datetime] = mapped_column(index=True)
    recorded_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]
