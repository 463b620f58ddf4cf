"""Who did what that concerns somebody else; a member can read their own part."""

from datetime import datetime

from bot.storage.models import AuditEntry
from bot.storage.session import UnitOfWork


def note(
    session: UnitOfWork,
    now: datetime,
    action: str,
    *,
    actor: int | None = None,
    subject: int | None = None,
    community: int | None = None,
    detail: str = "",
) -> None:
    """`actor` None is the operator's command line; `detail` names no person."""
    session.add(
        AuditEntry(
            at=now,
            community_id=community,
            actor_id=actor,
            subject_id=subject,
            action=action,
            detail=detail,
        )
    )
    session.flush()
