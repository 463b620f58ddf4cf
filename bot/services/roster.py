"""The roster: what an imported list would change, changing it, and taking that back."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from bot.domain.person import Role
from bot.domain.roster import RosterRow
from bot.errors import NotFound, RosterProblems
from bot.services import access, person
from bot.services.binding import roles_of
from bot.storage.models import BindingRequest, RosterChange, RosterEntry, RosterImport
from bot.storage.session import UnitOfWork

_NOBODY = RosterRow("", None, (Role.MEMBER.value,), None)


@dataclass(frozen=True, slots=True)
class Difference:
    """What an import would do. Entries that the file does not name stay as they are."""

    added: tuple[RosterRow, ...]
    changed: tuple[tuple[RosterRow, RosterRow], ...]
    same: int
    missing: tuple[str, ...]


def compare(session: UnitOfWork, community_id: int, rows: Sequence[RosterRow]) -> Difference:
    """The file against the roster, matched by number, else in order among those of that name."""
    entries = _Entries(_entries(session, community_id))
    added, changed, same = [], [], 0
    for row in rows:
        entry = entries.take(row)
        if entry is None:
            added.append(row)
            continue
        before = _row_of(entry)
        after = _merged(before, row)
        if before == after:
            same += 1
        else:
            changed.append((before, after))
    return Difference(tuple(added), tuple(changed), same, tuple(entries.left()))


def apply(
    session: UnitOfWork,
    community_id: int,
    rows: Sequence[RosterRow],
    file_name: str,
    now: datetime,
) -> int:
    """Import the rows; the import's number, by which it can be undone."""
    record = RosterImport(
        community_id=community_id, file_name=file_name, created_at=now, undone_at=None
    )
    session.add(record)
    entries = _Entries(_entries(session, community_id))
    touched: list[tuple[RosterEntry, str | None]] = []
    for row in rows:
        entry = entries.take(row)
        before = _row_of(entry) if entry else None
        after = _merged(before, row) if before else _merged(_NOBODY, row)
        if before == after:
            continue
        if entry is None:
            entry = RosterEntry(
                community_id=community_id, code_hash=None, person_id=None, created_at=now
            )
            session.add(entry)
        _restore(entry, asdict(after))
        stored = json.dumps(asdict(before), ensure_ascii=False) if before else None
        touched.append((entry, stored))
    session.flush()
    for entry, stored in touched:
        session.add(RosterChange(import_id=record.id, entry_id=entry.id, before=stored))
        _follow_roles(session, entry, stored, now)
    session.flush()
    return record.id


def undo(session: UnitOfWork, community_id: int, now: datetime) -> tuple[str, int]:
    """Take the community's newest import back: its file name and how many entries.

    Raises NotFound when there is none, RosterProblems when somebody has bound to an entry that
    it added: their binding must not vanish.
    """
    record = session.scalar(
        select(RosterImport)
        .where(RosterImport.community_id == community_id, RosterImport.undone_at.is_(None))
        .order_by(RosterImport.id.desc())
        .limit(1)
    )
    if record is None:
        raise NotFound("There is no import that could be undone.")
    changes = session.scalars(
        select(RosterChange).where(RosterChange.import_id == record.id).order_by(RosterChange.id)
    ).all()
    entries = {change.id: session.get_one(RosterEntry, change.entry_id) for change in changes}
    bound = [
        entries[change.id].name
        for change in changes
        if change.before is None and _in_use(session, entries[change.id])
    ]
    if bound:
        raise RosterProblems([f"{name}: has bound since, or asked to" for name in bound])
    for change in reversed(changes):
        entry = entries[change.id]
        session.delete(change)
        if change.before is None:
            session.flush()
            session.delete(entry)
        else:
            after = json.dumps(asdict(_row_of(entry)))
            _restore(entry, json.loads(change.before))
            _follow_roles(session, entry, after, now)
        session.flush()
    record.undone_at = now
    session.flush()
    return record.file_name, len(changes)


def new_codes(session: UnitOfWork, community_id: int) -> list[tuple[str, str, str]]:
    """Name, number and a new code of everybody who has not bound; older codes end."""
    issued = []
    for entry in _entries(session, community_id):
        if entry.person_id is None:
            code = access.new_code()
            entry.code_hash = access.hash_of(code)
            issued.append((entry.name, entry.number or "", code))
    session.flush()
    return issued


def _entries(session: UnitOfWork, community_id: int) -> list[RosterEntry]:
    return list(
        session.scalars(
            select(RosterEntry)
            .where(RosterEntry.community_id == community_id)
            .order_by(RosterEntry.id)
        )
    )


class _Entries:
    """The roster by number and by name; each entry is matched once."""

    def __init__(self, entries: Sequence[RosterEntry]) -> None:
        self._by_number = {entry.number: entry for entry in entries if entry.number}
        self._by_name: dict[str, list[RosterEntry]] = {}
        for entry in entries:
            self._by_name.setdefault(entry.name, []).append(entry)
        self._free = {entry.id: entry for entry in entries}

    def take(self, row: RosterRow) -> RosterEntry | None:
        found = self._by_number.get(row.number) if row.number else None
        if found is None:
            found = next(
                (
                    entry
                    for entry in self._by_name.get(row.name, ())
                    if entry.id in self._free and not (row.number and entry.number)
                ),
                None,
            )
        if found is None or found.id not in self._free:
            return None
        del self._free[found.id]
        return found

    def left(self) -> list[str]:
        return [entry.name for entry in self._free.values()]


def _merged(before: RosterRow, row: RosterRow) -> RosterRow:
    """What a file leaves out stays as it was."""
    return RosterRow(
        row.name,
        row.number if row.number is not None else before.number,
        row.roles if row.roles is not None else before.roles,
        row.stage if row.stage is not None else before.stage,
    )


def _in_use(session: UnitOfWork, entry: RosterEntry) -> bool:
    asked = select(BindingRequest.id).where(BindingRequest.entry_id == entry.id).limit(1)
    return entry.person_id is not None or session.scalar(asked) is not None


def _row_of(entry: RosterEntry) -> RosterRow:
    return RosterRow(entry.name, entry.number, tuple(entry.roles.split(",")), entry.stage)


def _follow_roles(
    session: UnitOfWork, entry: RosterEntry, before: str | None, now: datetime
) -> None:
    """Who has bound gets the roles that the entry has now and loses those it had."""
    if entry.person_id is None:
        return
    roles = roles_of(entry)
    for name in json.loads(before)["roles"] if before else ():
        if Role(name) not in roles:
            person.revoke(session, entry.person_id, entry.community_id, Role(name), now)
    for role in roles:
        person.grant(session, entry.person_id, entry.community_id, role, now, entry.stage)


def _restore(entry: RosterEntry, before: dict[str, Any]) -> None:
    entry.name, entry.number = before["name"], before["number"]
    entry.roles, entry.stage = ",".join(before["roles"]), before["stage"]
