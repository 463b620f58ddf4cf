"""What was last asked in a conversation: an open menu, a confirmation, something to undo."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from bot.storage.models.base import Base


class OpenQuestion(Base):
    """At most one of each kind for a sender in a conversation; gone at `expires_at`.

    `action` names the handler's function, `payload` (JSON) is what it needs, `community_id` the
    community that it was asked about. It belongs to an address and not to a person: before
    consent there is none.
    """

    __tablename__ = "open_question"
    __table_args__ = (
        UniqueConstraint("channel", "account", "sender", "conversation", "kind"),
        CheckConstraint("kind IN ('menu', 'confirm', 'undo')", name="kind"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    channel: Mapped[str]
    account: Mapped[str]
    sender: Mapped[str]
    conversation: Mapped[str]
    kind: Mapped[str]
    community_id: Mapped[int | None] = mapped_column(ForeignKey("community.id"))
    action: Mapped[str]
    payload: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
