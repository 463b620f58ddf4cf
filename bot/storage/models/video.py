"""The monthly video (每月一视频) and who says they have seen it."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from bot.storage.models.base import Base


class Video(Base):
    """One a month and community; `month` is its first day. It has a `url`, or an uploaded file.

    `questions` is a JSON list of {"question", "options", "right"} (`right` counts from 1).
    """

    __tablename__ = "video"
    __table_args__ = (UniqueConstraint("community_id", "month"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    month: Mapped[date]
    title: Mapped[str]
    url: Mapped[str]
    file_id: Mapped[int | None] = mapped_column(ForeignKey("stored_file.id"))
    questions: Mapped[str]
    version: Mapped[int]
    chosen_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[datetime]


class VideoView(Base):
    """Somebody says that they have seen it; `answers` are theirs to the check questions ("1,3")."""

    __tablename__ = "video_view"
    __table_args__ = (UniqueConstraint("video_id", "person_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    video_id: Mapped[int] = mapped_column(ForeignKey("video.id", ondelete="CASCADE"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    answers: Mapped[str]
    seen_at: Mapped[datetime]


class StoredFile(Base):
    """Bytes that were uploaded; they are in data_dir/files under the name of their `sha256`.

    `token` is what a link to it holds: whoever has the link can open it.
    """

    __tablename__ = "stored_file"

    id: Mapped[int] = mapped_column(primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    token: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    content_type: Mapped[str]
    size: Mapped[int]
    sha256: Mapped[str]
    uploaded_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[datetime]
