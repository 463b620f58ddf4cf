"""What communities know beside their pack, and what the matcher has learned of each."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from bot.storage.models.base import Base


class KnowledgeEntry(Base):
    """An entry of a community's own; `key` is that of the pack's entry it adds a rule to, or new.

    `variants` is a JSON list of texts, `title` and `clause` name the by-law it comes from. It is
    given as an answer while it is `live`; `approved_by` is None where nobody but the author has
    seen it. `version` is the number of its last change, which counts all changes.
    """

    __tablename__ = "knowledge_entry"
    __table_args__ = (
        UniqueConstraint("community_id", "key"),
        CheckConstraint("state IN ('draft', 'live', 'withdrawn')", name="state"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    key: Mapped[str]
    question: Mapped[str]
    variants: Mapped[str]
    answer: Mapped[str]
    topic: Mapped[str]
    title: Mapped[str]
    clause: Mapped[str]
    state: Mapped[str]
    author_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), index=True)
    approved_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"), index=True)
    version: Mapped[int] = mapped_column(index=True)
    changed_at: Mapped[datetime]


class KnowledgeChange(Base):
    """What an entry was before a change, for looking back and for undoing; "" before the first.

    `before` is a JSON object of the entry's own columns.
    """

    __tablename__ = "knowledge_change"

    id: Mapped[int] = mapped_column(primary_key=True)
    entry_id: Mapped[int] = mapped_column(
        ForeignKey("knowledge_entry.id", ondelete="CASCADE"), index=True
    )
    what: Mapped[str]
    before: Mapped[str]
    changed_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"), index=True)
    changed_at: Mapped[datetime]


class KnowledgeState(Base):
    """One row: how many changes there were, by which processes see that there is a new one."""

    __tablename__ = "knowledge_state"

    id: Mapped[int] = mapped_column(primary_key=True)
    count: Mapped[int]


class MatcherCalibration(Base):
    """What the matcher learned of one knowledge base's own texts; of a pack, or a community's.

    `digest` says of which texts, `value` is JSON (content.matcher.Calibration).
    """

    __tablename__ = "matcher_calibration"

    scope: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[str]
    value: Mapped[str]
    version: Mapped[int]
    made_at: Mapped[datetime]
