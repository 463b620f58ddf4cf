"""The list of people that an organiser imports, and requests to be one of them."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from bot.storage.models.base import Base


class RosterImport(Base):
    """One imported file; it can be undone once, while it is the newest."""

    __tablename__ = "roster_import"

    id: Mapped[int] = mapped_column(primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"), index=True)
    file_name: Mapped[str]
    created_at: Mapped[datetime]
    undone_at: Mapped[datetime | None]


class RosterEntry(Base):
    """A person on the list; `person_id` once somebody has bound to it.

    `roles` is a comma-separated list of roles; `code_hash` is the SHA-256 of the entry's code.
    """

    __tablename__ = "roster_entry"
    __table_args__ = (
        Index(
            "uq_roster_entry_number",
            "community_id",
            "number",
            unique=True,
            sqlite_where=text("number IS NOT NULL"),
            postgresql_where=text("number IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    name: Mapped[str]
    number: Mapped[str | None]
    roles: Mapped[str]
    stage: Mapped[str | None]
    code_hash: Mapped[str | None] = mapped_column(unique=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), index=True)
    created_at: Mapped[datetime]


class RosterChange(Base):
    """What one import did to one entry, for undoing it; `before` is None for an added entry."""

    __tablename__ = "roster_change"

    id: Mapped[int] = mapped_column(primary_key=True)
    import_id: Mapped[int] = mapped_column(ForeignKey("roster_import.id"), index=True)
    entry_id: Mapped[int] = mapped_column(ForeignKey("roster_entry.id"), index=True)
    before: Mapped[str | None]


class BindingRequest(Base):
    """Somebody who says that they are this entry; an organiser agrees or refuses."""

    __tablename__ = "binding_request"
    __table_args__ = (
        CheckConstraint("state IN ('open', 'agreed', 'refused', 'withdrawn')", name="state"),
        Index(
            "uq_binding_request_open",
            "entry_id",
            unique=True,
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"), index=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    entry_id: Mapped[int] = mapped_column(ForeignKey("roster_entry.id"))
    state: Mapped[str]
    created_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
