"""A community's own rules and entries: who adds them, who approves them, what was before.

They lie over the pack, which nobody changes here. Where there is a second organiser an entry waits
for them; else it goes live at once and says that nobody has reviewed it.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from bot.domain.person import CommunityView, Role
from bot.errors import KnowledgeProblems, NotFound
from bot.services import audit
from bot.storage.models import KnowledgeChange, KnowledgeEntry, KnowledgeState, Membership, Person
from bot.storage.session import UnitOfWork, count_up

DRAFT, LIVE, WITHDRAWN = "draft", "live", "withdrawn"
# With question, source and foot an answer fits one message of 600 characters.
LONGEST_QUESTION, LONGEST_ANSWER, LONGEST_TITLE, LONGEST_CLAUSE = 60, 300, 60, 30
MOST_VARIANTS = 20
_OWN = ("question", "variants", "answer", "topic", "title", "clause", "state", "approved_by")
_STATE_ROW = 1


@dataclass(frozen=True, slots=True)
class OwnText:
    """What is written; `key` is the pack's entry that it adds a rule to, None for a new one."""

    key: str | None
    question: str
    variants: tuple[str, ...]
    answer: str
    topic: str
    title: str
    clause: str


def problems_of(text: OwnText) -> list[str]:
    """Every reason why it cannot be kept, as field: reason."""
    found = []
    for field, most in (
        ("question", LONGEST_QUESTION), ("answer", LONGEST_ANSWER), ("title", LONGEST_TITLE),
        ("clause", LONGEST_CLAUSE), ("topic", LONGEST_CLAUSE),
    ):  # fmt: skip
        value = getattr(text, field)
        if not value.strip():
            found.append(f"{field}: it is empty")
        elif len(value) > most:
            found.append(f"{field}: it has more than {most} characters")
    if len(text.variants) > MOST_VARIANTS:
        found.append(f"variants: there are more than {MOST_VARIANTS}")
    if any(not one.strip() or len(one) > LONGEST_QUESTION for one in text.variants):
        found.append(f"variants: each has 1 to {LONGEST_QUESTION} characters")
    return found


def save(
    session: UnitOfWork, home: CommunityView, text: OwnText, by: int | None, now: datetime
) -> KnowledgeEntry:
    """Add the entry, or change the one with its key; it waits for approval where somebody can.

    `by` None is the operator. Raises KnowledgeProblems.
    """
    if found := problems_of(text):
        raise KnowledgeProblems(found)
    state = DRAFT if _others(session, home.id, by) else LIVE
    values: dict[str, Any] = {
        **asdict(text),
        "variants": json.dumps(text.variants, ensure_ascii=False),
        "state": state,
        "approved_by": None,
    }
    key = values.pop("key")
    row = _by_key(session, home.id, key) if key else None
    if row is None:
        row = KnowledgeEntry(
            community_id=home.id, key=key or _new_key(session), author_id=by,
            version=0, changed_at=now, **values,
        )  # fmt: skip
        session.add(row)
        session.flush()
        _note(session, row, "added", "", by, now)
    else:
        _change(session, row, "changed", values, by, now)
    return row


def approve(session: UnitOfWork, row: KnowledgeEntry, by: int, now: datetime) -> None:
    """A second person has read it: from now on it is given. Raises KnowledgeProblems."""
    if by == row.author_id:
        raise KnowledgeProblems([f"{row.key}: its author cannot approve it"])
    if row.state == WITHDRAWN:
        raise KnowledgeProblems([f"{row.key}: it is withdrawn; undo that first"])
    _change(session, row, "approved", {"state": LIVE, "approved_by": by}, by, now)


def withdraw(session: UnitOfWork, row: KnowledgeEntry, by: int | None, now: datetime) -> None:
    """It is not given any more."""
    _change(session, row, "withdrawn", {"state": WITHDRAWN}, by, now)


def undo(session: UnitOfWork, row: KnowledgeEntry, by: int | None, now: datetime) -> str:
    """Take the last change back; which it was. What was added is withdrawn.

    Raises KnowledgeProblems where nothing is left to take back.
    """
    last = session.scalar(
        select(KnowledgeChange)
        .where(KnowledgeChange.entry_id == row.id)
        .order_by(KnowledgeChange.id.desc())
        .limit(1)
    )
    if last is None or (row.state == WITHDRAWN and not last.before):
        raise KnowledgeProblems([f"{row.key}: there is nothing to take back"])
    what = last.what
    if not last.before:
        withdraw(session, row, by, now)
        return what
    before = json.loads(last.before)
    # Whoever approved it then may have had their record deleted since.
    if before["approved_by"] and session.get(Person, before["approved_by"]) is None:
        before["approved_by"] = None
    session.delete(last)
    for field in _OWN:
        setattr(row, field, before[field])
    _renew(session, row, now)
    audit.note(session, now, "knowledge.undone", actor=by, community=row.community_id,
               detail=row.key)  # fmt: skip
    return what


def find(session: UnitOfWork, home: CommunityView, key: str) -> KnowledgeEntry:
    """The community's own entry. Raises NotFound."""
    row = _by_key(session, home.id, key)
    if row is None:
        raise NotFound(f"{home.name} has no entry of its own {key!r}")
    return row


def listed(session: UnitOfWork, community_id: int) -> Sequence[KnowledgeEntry]:
    """All of the community's own, by key."""
    return session.scalars(
        select(KnowledgeEntry)
        .where(KnowledgeEntry.community_id == community_id)
        .order_by(KnowledgeEntry.key)
    ).all()


def history(session: UnitOfWork, row: KnowledgeEntry) -> Sequence[KnowledgeChange]:
    """What was done to it, the last first."""
    return session.scalars(
        select(KnowledgeChange)
        .where(KnowledgeChange.entry_id == row.id)
        .order_by(KnowledgeChange.id.desc())
    ).all()


def next_version(session: UnitOfWork) -> int:
    """The number of a change that is being made; every process looks at it."""
    count_up(session, KnowledgeState, ("id",), id=_STATE_ROW)
    return session.scalar(select(KnowledgeState.count)) or 0


def _change(
    session: UnitOfWork, row: KnowledgeEntry, what: str, values: dict[str, Any],
    by: int | None, now: datetime,
) -> None:  # fmt: skip
    before = {field: getattr(row, field) for field in _OWN}
    for field, value in values.items():
        setattr(row, field, value)
    if what == "changed":
        row.author_id = by
    _note(session, row, what, json.dumps(before, ensure_ascii=False), by, now)


def _note(
    session: UnitOfWork, row: KnowledgeEntry, what: str, before: str, by: int | None, now: datetime
) -> None:
    session.add(
        KnowledgeChange(entry_id=row.id, what=what, before=before, changed_by=by, changed_at=now)
    )
    _renew(session, row, now)
    audit.note(session, now, f"knowledge.{what}", actor=by, community=row.community_id,
               detail=row.key)  # fmt: skip


def _renew(session: UnitOfWork, row: KnowledgeEntry, now: datetime) -> None:
    row.version, row.changed_at = next_version(session), now
    session.flush()


def _by_key(session: UnitOfWork, community_id: int, key: str) -> KnowledgeEntry | None:
    return session.scalar(
        select(KnowledgeEntry).where(
            KnowledgeEntry.community_id == community_id, KnowledgeEntry.key == key
        )
    )


def _new_key(session: UnitOfWork) -> str:
    """own-1, own-2 …: no pack's entry has such an id, nor one of another community, which would
    lie over it. Counting the change first makes others wait who want a number.
    """
    next_version(session)
    keys = session.scalars(select(KnowledgeEntry.key).where(KnowledgeEntry.key.startswith("own-")))
    numbers = (int(end) for key in keys if (end := key.removeprefix("own-")).isdecimal())
    return f"own-{max(numbers, default=0) + 1}"


def _others(session: UnitOfWork, community_id: int, by: int | None) -> bool:
    """Whether another organiser could approve it."""
    found = select(Membership.id).where(
        Membership.community_id == community_id,
        Membership.role == Role.ORGANISER,
        Membership.until.is_(None),
    )
    if by is not None:
        found = found.where(Membership.person_id != by)
    return session.scalar(found.limit(1)) is not None
