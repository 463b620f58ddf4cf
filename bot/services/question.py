"""How questions ended, by topic and day: counts that are about nobody."""

from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from bot.domain.person import CommunityView
from bot.storage.models import QuestionCount
from bot.storage.session import UnitOfWork, count_up

Outcome = Literal["answered", "taken back", "clarified", "chosen", "missed", "asked"]
_UNIQUE = ("community_id", "day", "outcome", "topic")


def count(
    session: UnitOfWork, community: CommunityView, outcome: Outcome, topic: str, now: datetime
) -> None:
    """One more; `topic` is the nearest entry's id, or "". What is declined is never counted."""
    day = now.astimezone(ZoneInfo(community.timezone)).date()
    count_up(
        session, QuestionCount, _UNIQUE,
        community_id=community.id, day=day, outcome=outcome, topic=topic,
    )  # fmt: skip
