"""Check-ins (打卡): one a day, person and community; and lists of them (接龙)."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from bot.storage.models.base import Base


class CheckIn(Base):
    """`day` is the calendar day of `sent_at` in the community's time zone. `pictures` came with
    it; `list_id` is the list that it was taken from (接龙代录), None for who checked in themself.
    """

    __tablename__ = "check_in"
    __table_args__ = (UniqueConstraint("person_id", "community_id", "day"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"), index=True)
    day: Mapped[date]
    note: Mapped[str]
    pictures: Mapped[int] = mapped_column(server_default="0")
    list_id: Mapped[int | None] = mapped_column(
        ForeignKey("check_in_list.id", ondelete="SET NULL"), index=True
    )
    sent_at: Mapped[datetime]
    created_at: Mapped[datetime]


class CheckInList(Base):
    """A pasted list of names (接龙) that an organiser makes check-ins of, once.

    `lines` is a JSON list of {"name", "note"}: what was pasted, and nothing else of the message.
    """

    __tablename__ = "check_in_list"
    __table_args__ = (CheckConstraint("state IN ('open', 'taken', 'dropped')", name="state"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"), index=True)
    day: Mapped[date]
    lines: Mapped[str]
    state: Mapped[str]
    sent_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"), index=True)
    sent_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
