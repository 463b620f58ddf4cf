"""Check-ins (打卡): one a day, person and community."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from bot.storage.models.base import Base


class CheckIn(Base):
    """`day` is the calendar day of `sent_at` in the community's time zone."""

    __tablename__ = "check_in"
    __table_args__ = (UniqueConstraint("person_id", "community_id", "day"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"), index=True)
    day: Mapped[date]
    note: Mapped[str]
    sent_at: Mapped[datetime]
    created_at: Mapped[datetime]
