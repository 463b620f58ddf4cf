"""What people have found who compared a pack's documents with their text.

It counts over what the pack's own files say, which nobody can write once they are installed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from weakref import WeakKeyDictionary

from sqlalchemy import Pool, select

from bot.services import audit
from bot.storage.models import ContentReview
from bot.storage.session import UnitOfWork, put
from content.freshness import Review
from content.freshness import reviewed as over
from content.knowledge import Knowledge
from content.loader import Pack

NAME_LIMIT, NOTE_LIMIT = 40, 500
# What another process has recorded counts here after this at the latest.
LIFE = timedelta(seconds=30)
Reviews = Mapping[str, Mapping[str, Review]]


@dataclass(frozen=True, slots=True)
class _Read:
    at: datetime
    reviews: Reviews


# By the database's pool, which a process's readers and writers share.
_read: WeakKeyDictionary[Pool, _Read] = WeakKeyDictionary()
_lock = Lock()


def record(
    session: UnitOfWork, pack: str, document: str, review: Review, by: str, now: datetime
) -> None:
    """Write down what `by`, a name as it was typed, has found; what was found before is replaced.

    Raises ValueError where the name is missing, or a text too long.
    """
    if not 1 <= len(by) <= NAME_LIMIT or len(review.differs) > NOTE_LIMIT:
        raise ValueError(f"a name has 1 to {NAME_LIMIT} characters, a note {NOTE_LIMIT} at most")
    put(
        session, ContentReview, ("pack", "document"), pack=pack, document=document,
        checked_on=review.checked_on, checked_against=review.checked_against, checked_by=by,
        differs=review.differs, recorded_at=now,
    )  # fmt: skip
    found = "differs" if review.differs else review.checked_against
    audit.note(session, now, "content reviewed", detail=f"{pack}/{document}: {found}")
    with _lock:
        _read.pop(session.core.engine.pool, None)


def reviewed(session: UnitOfWork, pack: str, now: datetime) -> Mapping[str, Review]:
    """The reviews of a pack's documents; read again when they are 30 s old."""
    pool = session.core.engine.pool
    with _lock:
        known = _read.get(pool)
    # The demo's clock can go back.
    if known is None or not timedelta() <= now - known.at < LIFE:
        known = _Read(now, all_of(session))
        with _lock:
            _read[pool] = known
    return known.reviews.get(pack, {})


def current(session: UnitOfWork, pack: Pack, now: datetime) -> Knowledge:
    """What the pack knows, with the reviews over what its files say of its documents."""
    return over(pack.knowledge, reviewed(session, pack.name, now))


def all_of(session: UnitOfWork) -> Reviews:
    """Every pack's reviews, as they stand in the database now."""
    table = ContentReview.__table__.c
    found: dict[str, dict[str, Review]] = {}
    for row in session.core.execute(
        select(table.pack, table.document, table.checked_on, table.checked_against, table.differs)
    ):
        review = Review(row.checked_on, row.checked_against, row.differs)
        found.setdefault(row.pack, {})[row.document] = review
    return found
