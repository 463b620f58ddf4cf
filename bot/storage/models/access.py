"""One-time codes that give a role in a community."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from bot.storage.models.base import Base


class OneTimeCode(Base):
    """Only the SHA-256 of a code is kept; `used_at` is set by the one who uses it."""

    __tablename__ = "one_time_code"
    __table_args__ = (CheckConstraint("role IN ('member', 'mentor', 'organiser')", name="role"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"), index=True)
    role: Mapped[str]
    code_hash: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
