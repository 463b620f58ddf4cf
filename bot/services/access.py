"""One-time codes: for a role, for another address of whoever made it, for a group chat."""

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, select, update

from bot.domain.person import Role
from bot.storage.models import OneTimeCode, RosterEntry
from bot.storage.session import UnitOfWork

# No letter or digit that is mistaken for another; 8 of 31 give 39 bits, and a code is used once.
_ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
_LENGTH = 8
CODE_DAYS = 7
_BARE = {"synchronize_session": False}


class Purpose(StrEnum):
    """What a code is for; the value is stored in the database."""

    ROLE = "role"
    ADDRESS = "address"
    GROUP = "group"


# How long a code of a member's or an organiser's own can be used.
LIVES = {Purpose.ADDRESS: timedelta(minutes=10), Purpose.GROUP: timedelta(minutes=30)}


@dataclass(frozen=True, slots=True)
class Code:
    """A code that can still be used; `person_id` is who made it (None: the operator)."""

    id: int
    purpose: Purpose
    community_id: int
    role: Role
    person_id: int | None


def issue_code(session: UnitOfWork, community_id: int, role: Role, now: datetime) -> str:
    """A new code for a role, shown once. It can be used for CODE_DAYS days."""
    life = timedelta(days=CODE_DAYS)
    return _issue(session, Purpose.ROLE, community_id, role, None, now, life)


def issue_own(
    session: UnitOfWork, purpose: Purpose, community_id: int, person_id: int, now: datetime
) -> str:
    """A new code of this person's, shown once; what they made before for the same is void."""
    void(session, purpose, person_id, now)
    return _issue(session, purpose, community_id, Role.MEMBER, person_id, now, LIVES[purpose])


def _issue(
    session: UnitOfWork,
    purpose: Purpose,
    community_id: int,
    role: Role,
    person_id: int | None,
    now: datetime,
    life: timedelta,
) -> str:
    """Only the code's hash is kept."""
    code = new_code()
    session.add(
        OneTimeCode(
            community_id=community_id,
            purpose=purpose,
            role=role,
            person_id=person_id,
            code_hash=hash_of(code),
            created_at=now,
            expires_at=now + life,
            used_at=None,
        )
    )
    session.flush()
    return code


def new_code() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))


def find(session: UnitOfWork, code: str, now: datetime) -> Code | None:
    """What the code is for. None when it is wrong, old or spent."""
    return _find(session, OneTimeCode.code_hash == hash_of(code), now)


def find_by_id(session: UnitOfWork, code_id: int, now: datetime) -> Code | None:
    """The same for a code that was found before."""
    return _find(session, OneTimeCode.id == code_id, now)


def _find(session: UnitOfWork, which: ColumnElement[bool], now: datetime) -> Code | None:
    row = session.execute(
        select(
            OneTimeCode.id, OneTimeCode.purpose, OneTimeCode.community_id, OneTimeCode.role,
            OneTimeCode.person_id,
        ).where(which, OneTimeCode.used_at.is_(None), OneTimeCode.expires_at > now)
    ).first()  # fmt: skip
    if row is None:
        return None
    return Code(row.id, Purpose(row.purpose), row.community_id, Role(row.role), row.person_id)


def spend(session: UnitOfWork, code: Code, now: datetime) -> bool:
    """Use the code up; of two at once only one can."""
    won = session.execute(
        update(OneTimeCode)
        .where(
            OneTimeCode.id == code.id,
            OneTimeCode.used_at.is_(None),
            OneTimeCode.expires_at > now,
        )
        .values(used_at=now)
        .returning(OneTimeCode.id),
        execution_options=_BARE,
    ).first()
    return won is not None


def void(session: UnitOfWork, purpose: Purpose, person_id: int, now: datetime) -> None:
    """What this person has made for this, and nobody has used, cannot be used any more."""
    session.execute(
        update(OneTimeCode)
        .where(
            OneTimeCode.person_id == person_id,
            OneTimeCode.purpose == purpose,
            OneTimeCode.used_at.is_(None),
        )
        .values(used_at=now),
        execution_options=_BARE,
    )


def void_seen(session: UnitOfWork, codes: Iterable[str], now: datetime) -> None:
    """Whoever has read these words could use them: no code among them can be used any more.

    A roster entry without a code is bound by name and number, which an organiser confirms.
    """
    hashes = [hash_of(code) for code in codes]
    session.execute(
        update(OneTimeCode)
        .where(OneTimeCode.code_hash.in_(hashes), OneTimeCode.used_at.is_(None))
        .values(used_at=now),
        execution_options=_BARE,
    )
    session.execute(
        update(RosterEntry).where(RosterEntry.code_hash.in_(hashes)).values(code_hash=None),
        execution_options=_BARE,
    )


def was_for(session: UnitOfWork, code: str) -> Purpose | None:
    """What a code is or was for, however old."""
    purpose = session.scalar(
        select(OneTimeCode.purpose).where(OneTimeCode.code_hash == hash_of(code))
    )
    return Purpose(purpose) if purpose else None


def hash_of(code: str) -> str:
    """SHA-256 of a code as people type it: small letters and spaces around it do not matter."""
    return hashlib.sha256(code.strip().upper().encode()).hexdigest()
