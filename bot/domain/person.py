"""Who is writing, as far as the bot knows."""

import hashlib
from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a person is in a community (成员, 导师, 组织者); one person may be several."""

    MEMBER = "member"
    MENTOR = "mentor"
    ORGANISER = "organiser"


@dataclass(frozen=True, slots=True)
class CommunityView:
    """What handlers need to know of a community."""

    id: int
    name: str
    timezone: str
    pack: str


@dataclass(frozen=True, slots=True)
class Member:
    """A person with the community that this conversation is about, and the roles there."""

    person_id: int
    name: str | None
    community: CommunityView
    roles: frozenset[Role]


def address_hash(channel: str, account: str, value: str) -> str:
    """SHA-256 of an address: enough to find it again, not to read it."""
    return hashlib.sha256("\0".join((channel, account, value)).encode()).hexdigest()
