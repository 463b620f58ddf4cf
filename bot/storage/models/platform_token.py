"""Access tokens of platforms, shared by all processes."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from bot.storage.models.base import Base


class PlatformToken(Base):
    """`name` is the account's app id. The token is not used from `expires_at` on; until
    `renewing_until` somebody is fetching a new one.
    """

    __tablename__ = "platform_token"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    value: Mapped[str]
    expires_at: Mapped[datetime]
    renewing_until: Mapped[datetime]
