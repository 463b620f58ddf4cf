"""Questions that wait for a mentor, their answers, and how often what was asked."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from bot.storage.models.base import Base


class Ticket(Base):
    """A question for the mentors, or (kind "alert") the wish to be contacted at once, which has
    no words of the asker.

    `asker_id` is None where the question is anonymous: nothing in this row tells who asked.
    `topic` is the nearest entry's id, or "". `last_answer` is the highest number that an answer
    has had: one that was taken back is not given again.
    """

    __tablename__ = "ticket"
    __table_args__ = (
        CheckConstraint("kind IN ('question', 'alert')", name="kind"),
        CheckConstraint("state IN ('open', 'answered', 'withdrawn')", name="state"),
        CheckConstraint("NOT (anonymous AND asker_id IS NOT NULL)", name="anonymous"),
        Index("ix_ticket_open", "community_id", "state", "created_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    kind: Mapped[str]
    anonymous: Mapped[bool]
    asker_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), index=True)
    question: Mapped[str]
    topic: Mapped[str]
    state: Mapped[str]
    last_answer: Mapped[int]
    created_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]


class AnonymousAsker(Base):
    """Where the answers to an anonymous ticket go: read when one is handed over, and nowhere
    else. It goes 7 days after the last answer (`expires_at`).
    """

    __tablename__ = "anonymous_asker"
    __table_args__ = (Index("ix_anonymous_asker_address", "value", "account", "channel"),)

    ticket_id: Mapped[int] = mapped_column(
        ForeignKey("ticket.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    channel: Mapped[str]
    account: Mapped[str]
    value: Mapped[str]
    expires_at: Mapped[datetime | None] = mapped_column(index=True)


class TicketAnswer(Base):
    """What a mentor answered; `number` counts the answers of one ticket from 1."""

    __tablename__ = "ticket_answer"
    __table_args__ = (UniqueConstraint("ticket_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id", ondelete="CASCADE"))
    number: Mapped[int]
    author_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), index=True)
    text: Mapped[str]
    created_at: Mapped[datetime]


class QuestionCount(Base):
    """How often questions near an entry ended in which way, on one day; about nobody."""

    __tablename__ = "question_count"
    __table_args__ = (UniqueConstraint("community_id", "day", "outcome", "topic"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    day: Mapped[date] = mapped_column(index=True)
    outcome: Mapped[str]
    topic: Mapped[str]
    count: Mapped[int]
