"""Check-ins (打卡): which day a message counts for, and how many days in a row."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

NOTE_LIMIT = 500


def day_of(sent_at: datetime, timezone: str) -> date:
    """The calendar day of the message's own time in the community's time zone."""
    return sent_at.astimezone(ZoneInfo(timezone)).date()


def streak(days: Iterable[date], today: date) -> int:
    """Days in a row that end with `today`; `days` come newest first, without repeats.

    Days after `today` are passed over. Stops reading at the first gap.
    """
    length = 0
    for day in days:
        if day > today:
            continue
        if day != today - timedelta(days=length):
            break
        length += 1
    return length


def joined_note(old: str, new: str) -> str:
    """The day's note after a second message: both, each once, at most NOTE_LIMIT characters."""
    if not new or new in old.split("\n"):
        return old
    return f"{old}\n{new}".strip()[:NOTE_LIMIT]
