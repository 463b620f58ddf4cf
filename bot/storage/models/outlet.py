"""What can be pushed through a platform's account now, and receipts that came too early."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from bot.storage.models.base import Base


class Outlet(Base):
    """One channel. `capabilities` (comma-separated) come from the configuration when a worker
    starts; `refused` (JSON: way to time) are those that the platform has refused since, `rests`
    (JSON: way to time) the ways that are not tried before then. `permits` calls may be made at
    `permits_at`, and more as time goes on.
    """

    __tablename__ = "outlet"

    channel: Mapped[str] = mapped_column(primary_key=True)
    capabilities: Mapped[str]
    refused: Mapped[str]
    rests: Mapped[str]
    permits: Mapped[float]
    permits_at: Mapped[datetime]


class EarlyReceipt(Base):
    """The platform's word on a message (`problem` "" when it arrived) that overtook ours: that it
    was sent has not been written yet.
    """

    __tablename__ = "early_receipt"

    platform_id: Mapped[str] = mapped_column(primary_key=True)
    problem: Mapped[str]
    received_at: Mapped[datetime]
