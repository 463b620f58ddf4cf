"""When what is due, and what came of each time."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from bot.storage.models.base import Base


class Schedule(Base):
    """`key` makes it one, however often it is declared. `kind` names an entry of KINDS, `rule` is
    the text that domain/schedule reads, in `timezone`; `anchor_at` is the event that the rule
    counts from. `content` (JSON) is what the kind needs, `version` rises when it is changed.

    `next_slot` is when it is due next; None when there is no such time any more.
    """

    __tablename__ = "schedule"
    __table_args__ = (
        CheckConstraint("state IN ('active', 'stopped', 'parked', 'ended')", name="state"),
        Index(
            "ix_schedule_due",
            "next_slot",
            sqlite_where=text("state = 'active'"),
            postgresql_where=text("state = 'active'"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"), index=True)
    kind: Mapped[str]
    rule: Mapped[str]
    timezone: Mapped[str]
    content: Mapped[str]
    version: Mapped[int]
    state: Mapped[str]
    reason: Mapped[str]
    anchor_at: Mapped[datetime | None]
    next_slot: Mapped[datetime | None]
    created_at: Mapped[datetime]


class Firing(Base):
    """One slot of a schedule, once. While `open` its audience is being told, in chunks: everybody
    up to the person `cursor` has been; `count` deliveries were made.

    `notice` (JSON) and what follows is what they are told. A slot that was skipped, or parked
    because its kind or content is not known, keeps its `reason`.
    """

    __tablename__ = "firing"
    __table_args__ = (
        UniqueConstraint("schedule_id", "slot"),
        CheckConstraint("state IN ('open', 'done', 'skipped', 'parked')", name="state"),
        Index(
            "ix_firing_open",
            "id",
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    schedule_id: Mapped[int] = mapped_column(ForeignKey("schedule.id", ondelete="CASCADE"))
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    kind: Mapped[str]
    slot: Mapped[datetime]
    state: Mapped[str]
    reason: Mapped[str]
    content: Mapped[str]
    about: Mapped[str]
    notice: Mapped[str]
    ask: Mapped[str]
    expires_at: Mapped[datetime | None]
    cursor: Mapped[int]
    count: Mapped[int]
    fired_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
