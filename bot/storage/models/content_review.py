"""What a person has found who compared a document of a pack with its text."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from bot.storage.models.base import Base


class ContentReview(Base):
    """The last comparison of `document` (an id of `pack`): by the name that was typed, on the day
    `checked_on`. `differs` says what the entries have wrong, "" where nothing.
    """

    __tablename__ = "content_review"
    __table_args__ = (
        UniqueConstraint("pack", "document"),
        CheckConstraint("checked_against IN ('official', 'reprint')", name="checked_against"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    pack: Mapped[str]
    document: Mapped[str]
    checked_on: Mapped[date]
    checked_against: Mapped[str]
    checked_by: Mapped[str]
    differs: Mapped[str]
    recorded_at: Mapped[datetime]
