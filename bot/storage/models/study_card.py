"""The day's study card and what somebody said to it."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from bot.storage.models.base import Base


class StudyCardAnswer(Base):
    """`card` is a knowledge entry's id; `known` is the last thing that was said on that day."""

    __tablename__ = "study_card_answer"
    __table_args__ = (UniqueConstraint("person_id", "community_id", "day"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    day: Mapped[date]
    card: Mapped[str]
    known: Mapped[bool]
    answered_at: Mapped[datetime]
