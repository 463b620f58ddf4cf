"""Group chats that belong to a community."""

from datetime import datetime

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from bot.storage.models.base import Base


class GroupChat(Base):
    """`value` is the platform's id of the chat, or the name of a group robot, which can only speak.

    What the bot has said there counts against the platform's limits (Outlet, Pace).
    """

    __tablename__ = "group_chat"
    __table_args__ = (UniqueConstraint("channel", "account", "value"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    channel: Mapped[str]
    account: Mapped[str]
    value: Mapped[str]
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"), index=True)
    linked_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"), index=True)
    linked_at: Mapped[datetime]
