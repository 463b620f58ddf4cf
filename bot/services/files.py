"""Uploaded files: whose they are, and the token that a link to one holds."""

import re
import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from bot.files import Kept
from bot.storage.models import StoredFile
from bot.storage.session import UnitOfWork

_TOKEN_BYTES = 24
_TOKEN = re.compile(r"[A-Za-z0-9_-]{32}")


@dataclass(frozen=True, slots=True)
class FileView:
    """`name` is what the file was called where it came from; `size` is bytes."""

    id: int
    token: str
    name: str
    content_type: str
    size: int
    sha256: str


def add(
    session: UnitOfWork, community_id: int, name: str, kept: Kept, by: int | None, now: datetime
) -> FileView:
    """Write down bytes that bot.files keeps; whoever gets a link with the token can open them."""
    row = StoredFile(
        community_id=community_id, token=secrets.token_urlsafe(_TOKEN_BYTES), name=name,
        content_type=kept.content_type, size=kept.size, sha256=kept.sha256, uploaded_by=by,
        created_at=now,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return _view(row)


def by_token(session: UnitOfWork, token: str) -> FileView | None:
    """None for what is no token of ours, which may be any text from outside."""
    if not _TOKEN.fullmatch(token):
        return None
    row = session.scalar(select(StoredFile).where(StoredFile.token == token))
    return _view(row) if row else None


def _view(row: StoredFile) -> FileView:
    return FileView(row.id, row.token, row.name, row.content_type, row.size, row.sha256)
