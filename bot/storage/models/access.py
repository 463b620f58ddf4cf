"""One-time codes: for a role, for a second address of somebody, for a group chat."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from bot.storage.models.base import Base


class OneTimeCode(Base):
    """Only the SHA-256 of a code is kept; `used_at` is set by the one who uses it.

    `purpose`: "role" gives the role, "address" lets another address be that of `person_id`, who
    made the code, and "group" makes a group chat the community's.
    """

    __tablename__ = "one_time_code"
    __table_args__ = (
        CheckConstraint("role IN ('member', 'mentor', 'organiser')", name="role"),
        CheckConstraint("purpose IN ('role', 'address', 'group')", name="purpose"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"), index=True)
    purpose: Mapped[str] = mapped_column(server_default="role")
    role: Mapped[str]
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), index=True)
    code_hash: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
