"""A branch, class, club or cohort; a community may have a parent (学院)."""

from datetime import datetime

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from bot.storage.models.base import Base


class Community(Base):
    """`quiet_hours` is "22:00-08:00" in `timezone`; `pack` names a folder of content/packs.

    `crisis_line` and `complaint_line` are the community's own numbers and contacts, said before
    the pack's; "" where it has none.
    """

    __tablename__ = "community"
    __table_args__ = (UniqueConstraint("name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("community.id"))
    pack: Mapped[str]
    timezone: Mapped[str]
    quiet_hours: Mapped[str]
    daily_message_budget: Mapped[int]
    crisis_line: Mapped[str] = mapped_column(server_default="")
    complaint_line: Mapped[str] = mapped_column(server_default="")
    created_at: Mapped[datetime]
