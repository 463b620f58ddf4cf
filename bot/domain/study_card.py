"""Which study card is whose turn: the same for a community all day, each once before any again."""

from collections.abc import Sequence
from datetime import date
from hashlib import sha256

LONGEST_ANSWER = 300


def card_of_day(entries: Sequence[str], community_id: int, day: date) -> str | None:
    """The id of the day's entry, in an order that is the community's own; None without any.

    Every run of as many days as there are entries shows each of them once.
    """
    if not entries:
        return None
    order = sorted(entries, key=lambda entry: _shuffled(community_id, entry))
    return order[day.toordinal() % len(order)]


def _shuffled(community_id: int, entry: str) -> bytes:
    return sha256(f"{community_id}:{entry}".encode()).digest()
