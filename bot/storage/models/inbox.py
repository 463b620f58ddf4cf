"""What was received, once, with the reply that was given for it."""

from datetime import datetime

from sqlalchemy import Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from bot.storage.models.base import Base


class InboxMessage(Base):
    """`key` (32 bytes) makes an accepted message unique; `reply` is a Notice as JSON,
    `riders` the lines from the mailbox that rode on it.

    A row loses `text` and `reply` after 24 hours and goes after 7 days ([retention]).
    """

    __tablename__ = "inbox"
    __table_args__ = (Index("ix_inbox_sender", "sender", "received_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    channel: Mapped[str]
    account: Mapped[str]
    sender: Mapped[str]
    conversation: Mapped[str]
    type: Mapped[str]
    text: Mapped[str | None]
    sent_at: Mapped[datetime]
    received_at: Mapped[datetime] = mapped_column(index=True)
    reply: Mapped[str | None]
    page: Mapped[int]
    riders: Mapped[str | None]
    reference: Mapped[str | None]
