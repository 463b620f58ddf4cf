"""What somebody is to be told, and what has become of it."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from bot.storage.models.base import Base

OPEN_STATES = "state IN ('queued', 'sending', 'held', 'shown')"
DUE_STATES = "state IN ('queued', 'sending')"


class Delivery(Base):
    """One notice for one person. `dedupe_key` makes it one, however often it is planned.

    The answer to an anonymous ticket has a `ticket_id` and no person: whom it is for is looked
    up when it is handed over.

    What is for a group chat has a `group_id` and no person.

    `about` names what it speaks of ("meeting:4:2", its second version), so that it can be
    cancelled when that has lost its point. `rides` counts the replies that it rode on.

    `visible_at` is when a worker may take it: it is due, it is to be tried again, or the lease
    of the worker that has it is over. Only who holds its `token` may say what came of it.
    What only the worker with the platform's connection can send has its `way` written already.
    `ask` (JSON) is the menu that its numbers answer once it has been pushed. `way` and
    `platform_id` say how it went out; a receipt of the platform names the latter. `firing_id` is
    no foreign key: a firing that is cleared away must not look through all deliveries.
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
        Index(
            "ix_delivery_due",
            "visible_at",
            sqlite_where=text(DUE_STATES),
            postgresql_where=text(DUE_STATES),
        ),
        Index(
            "ix_delivery_platform",
            "platform_id",
            sqlite_where=text("platform_id <> ''"),
            postgresql_where=text("platform_id <> ''"),
        ),
        Index("ix_delivery_about", "about"),
        Index(
            "ix_delivery_anonymous",
            "ticket_id",
            sqlite_where=text("ticket_id IS NOT NULL"),
            postgresql_where=text("ticket_id IS NOT NULL"),
        ),
        Index(
            "ix_delivery_group",
            "group_id",
            sqlite_where=text("group_id IS NOT NULL"),
            postgresql_where=text("group_id IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    dedupe_key: Mapped[str] = mapped_column(unique=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    ticket_id: Mapped[int | None] = mapped_column(ForeignKey("ticket.id", ondelete="CASCADE"))
    group_id: Mapped[int | None] = mapped_column(ForeignKey("group_chat.id", ondelete="CASCADE"))
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    firing_id: Mapped[int | None]
    topic: Mapped[str]
    urgency: Mapped[str] = mapped_column(server_default="digest")
    about: Mapped[str]
    notice: Mapped[str]
    ask: Mapped[str] = mapped_column(server_default="")
    state: Mapped[str]
    reason: Mapped[str]
    rides: Mapped[int]
    visible_at: Mapped[datetime | None]
    token: Mapped[str] = mapped_column(server_default="")
    attempts: Mapped[int] = mapped_column(server_default="0")
    tried_at: Mapped[datetime | None]
    charged_day: Mapped[date | None]
    way: Mapped[str] = mapped_column(server_default="")
    platform_id: Mapped[str] = mapped_column(server_default="")
    created_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
    expires_at: Mapped[datetime] = mapped_column(index=True)
