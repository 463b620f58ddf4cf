"""Who may do what: one-time codes that give a role."""

import hashlib
import secrets
from datetime import datetime, timedelta

from sqlalchemy import update

from bot.domain.person import CommunityView, Role
from bot.services import community
from bot.storage.models import Community, OneTimeCode
from bot.storage.session import UnitOfWork

# No letter or digit that is mistaken for another; 8 of 31 give 39 bits, and a code is used once.
_ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
_LENGTH = 8
CODE_DAYS = 7


def issue_code(session: UnitOfWork, community_id: int, role: Role, now: datetime) -> str:
    """A new code, shown once: only its hash is kept. It can be used for CODE_DAYS days."""
    code = new_code()
    session.add(
        OneTimeCode(
            community_id=community_id,
            role=role,
            code_hash=hash_of(code),
            created_at=now,
            expires_at=now + timedelta(days=CODE_DAYS),
            used_at=None,
        )
    )
    session.flush()
    return code


def new_code() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))


def use_code(session: UnitOfWork, code: str, now: datetime) -> tuple[CommunityView, Role] | None:
    """Spend a code: the community and the role. None when it is wrong, old or spent."""
    row = session.execute(
        update(OneTimeCode)
        .where(
            OneTimeCode.code_hash == hash_of(code),
            OneTimeCode.used_at.is_(None),
            OneTimeCode.expires_at > now,
        )
        .values(used_at=now)
        .returning(OneTimeCode.community_id, OneTimeCode.role),
        execution_options={"synchronize_session": False},
    ).first()
    if row is None:
        return None
    return community.view(session.get_one(Community, row.community_id)), Role(row.role)


def hash_of(code: str) -> str:
    """SHA-256 of a code as people type it: small letters and spaces around it do not matter."""
    return hashlib.sha256(code.strip().upper().encode()).hexdigest()
