"""People, the addresses that reach them, and what they are in a community."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from bot.storage.models.base import Base


class Person(Base):
    """`hidden_at` is set when deletion was asked for: from then on nobody sees this person.

    `current_community_id` is what a private conversation is about (切换); None is the oldest.
    `pushed_day` is the last day on which messages were pushed to them, `pushed` how many then;
    `digest_day` the day of their last digest. Until `muted_until` nothing is pushed to them
    (免打扰).
    """

    __tablename__ = "person"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None]
    current_community_id: Mapped[int | None] = mapped_column(ForeignKey("community.id"))
    hidden_at: Mapped[datetime | None]
    pushed_day: Mapped[date | None]
    pushed: Mapped[int] = mapped_column(server_default="0")
    digest_day: Mapped[date | None]
    muted_until: Mapped[datetime | None]
    created_at: Mapped[datetime]


class Address(Base):
    """An openid or userid: `value` is unique within a channel and account.

    What the platform still lets us send there: `message_left` until `message_until`, since the
    last message from there; `event_left` until `event_until`, since the last tap, scan or follow.
    """

    __tablename__ = "address"
    __table_args__ = (UniqueConstraint("channel", "account", "value"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    channel: Mapped[str]
    account: Mapped[str]
    value: Mapped[str]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    message_left: Mapped[int] = mapped_column(server_default="0")
    message_until: Mapped[datetime | None]
    event_left: Mapped[int] = mapped_column(server_default="0")
    event_until: Mapped[datetime | None]
    created_at: Mapped[datetime]


class PlatformConsent(Base):
    """How many messages of a template somebody has agreed to get, and has not got yet.

    https://developers.weixin.qq.com/doc/service/guide/product/subscription_messages/push.html
    """

    __tablename__ = "platform_consent"
    __table_args__ = (UniqueConstraint("address_id", "template"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    address_id: Mapped[int] = mapped_column(ForeignKey("address.id", ondelete="CASCADE"))
    template: Mapped[str]
    count: Mapped[int]


class Membership(Base):
    """A role of a person in a community; `until` is set when it has ended."""

    __tablename__ = "membership"
    __table_args__ = (
        CheckConstraint("role IN ('member', 'mentor', 'organiser')", name="role"),
        Index(
            "uq_membership_open",
            "person_id",
            "community_id",
            "role",
            unique=True,
            sqlite_where=text("until IS NULL"),
            postgresql_where=text("until IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"), index=True)
    role: Mapped[str]
    stage: Mapped[str | None]
    since: Mapped[datetime]
    until: Mapped[datetime | None]
