"""What somebody is to be told, and what has become of it."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from bot.storage.models.base import Base

OPEN_STATES = "state IN ('queued', 'sending', 'held', 'shown')"


class Delivery(Base):
    """One notice for one person. `dedupe_key` makes it one, however often it is planned.

    The answer to an anonymous ticket has a `ticket_id` and no person: whom it is for is looked
    up when it is handed over.

    `about` names what it speaks of ("meeting:4:2", its second version), so that it can be
    cancelled when that has lost its point. `rides` counts the replies that it rode on.
    """

    __tablename__ = "delivery"
    __table_args__ = (
        CheckConstraint(
            "state IN ('queued', 'sending', 'held', 'shown', 'sent', 'unknown', 'failed',"
            " 'cancelled')",
            name="state",
        ),
        Index(
            "ix_delivery_open",
            "person_id",
            "created_at",
            sqlite_where=text(OPEN_STATES),
            postgresql_where=text(OPEN_STATES),
        ),
        Index("ix_delivery_about", "about"),
        Index(
            "ix_delivery_anonymous",
            "ticket_id",
            sqlite_where=text("ticket_id IS NOT NULL"),
            postgresql_where=text("ticket_id IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    dedupe_key: Mapped[str] = mapped_column(unique=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    ticket_id: Mapped[int | None] = mapped_column(ForeignKey("ticket.id", ondelete="CASCADE"))
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"), index=True)
    topic: Mapped[str]
    about: Mapped[str]
    notice: Mapped[str]
    state: Mapped[str]
    reason: Mapped[str]
    rides: Mapped[int]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
