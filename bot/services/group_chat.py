"""Group chats that belong to a community: linked by an organiser's code, and let go again."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import bindparam, delete, select, update

from bot.domain.messages import Channel, InboundMessage
from bot.domain.person import CommunityView, Role
from bot.services import access, audit, community, person
from bot.services.access import Code, Purpose
from bot.storage.models import Community, GroupChat
from bot.storage.session import UnitOfWork, insert_new

_BARE = {"synchronize_session": False}
_group, _community = GroupChat.__table__.c, Community.__table__.c
_HERE = (
    _group.value == bindparam("value"),
    _group.account == bindparam("account"),
    _group.channel == bindparam("channel"),
)
_COMMUNITY = (
    select(_community.id, _community.name, _community.timezone, _community.pack)
    .join(GroupChat.__table__, _group.community_id == _community.id)
    .where(*_HERE)
)


class Outcome(StrEnum):
    """How an attempt to link ended; the words are in messages.toml under group_chat."""

    LINKED = "linked"
    ALREADY = "already"
    OTHER = "other"
    OLD_CODE = "old_code"


@dataclass(frozen=True, slots=True)
class Linked:
    outcome: Outcome
    home: CommunityView | None = None


@dataclass(frozen=True, slots=True)
class GroupView:
    """Groups have no name that the platform would tell: `number` counts those of a community."""

    id: int
    number: int
    since: datetime


def community_of(session: UnitOfWork, message: InboundMessage) -> CommunityView | None:
    """The community that the group belongs to which the message comes from; None for none."""
    row = session.core.execute(_COMMUNITY, _here(message)).first()
    return CommunityView(*row) if row else None


def link(session: UnitOfWork, message: InboundMessage, code: str, now: datetime) -> Linked | None:
    """Make the group that the message comes from the community's; None for no such code.

    The code is spent whatever comes of it: everybody in the group has seen it. A group of another
    community changes hands only where the code's maker is an organiser there as well.
    """
    found = access.find(session, code, now)
    if found is None or found.purpose is not Purpose.GROUP:
        old = access.was_for(session, code) is Purpose.GROUP
        return Linked(Outcome.OLD_CODE) if old else None
    if not access.spend(session, found, now) or not _organises(session, found, found.community_id):
        return Linked(Outcome.OLD_CODE)
    home = community.view(session.get_one(Community, found.community_id))
    values = {"community_id": home.id, "linked_by": found.person_id, "linked_at": now}
    if insert_new(session, GroupChat, **_here(message), **values) is None:
        before = session.execute(
            select(_group.id, _group.community_id).where(*_HERE).with_for_update(), _here(message)
        ).one()
        if before.community_id == home.id:
            return Linked(Outcome.ALREADY, home)
        if not _organises(session, found, before.community_id):
            return Linked(Outcome.OTHER)
        session.execute(
            update(GroupChat).where(GroupChat.id == before.id).values(**values),
            execution_options=_BARE,
        )
        _note(session, now, "group unlinked", found.person_id, before.community_id)
    _note(session, now, "group linked", found.person_id, home.id)
    return Linked(Outcome.LINKED, home)


def all_of(session: UnitOfWork, community_id: int) -> list[GroupView]:
    """The community's groups that were linked, the oldest first; robots are configured."""
    rows = session.execute(
        select(GroupChat.id, GroupChat.linked_at)
        .where(GroupChat.community_id == community_id, GroupChat.channel != Channel.GROUP_ROBOT)
        .order_by(GroupChat.id)
    )
    return [GroupView(row.id, number, row.linked_at) for number, row in enumerate(rows, start=1)]


def unlink(session: UnitOfWork, community_id: int, group_id: int, by: int, now: datetime) -> bool:
    """Let a group go, with what waits to be said there; False when it is not the community's."""
    gone = session.execute(
        delete(GroupChat)
        .where(GroupChat.id == group_id, GroupChat.community_id == community_id)
        .returning(GroupChat.id),
        execution_options=_BARE,
    ).first()
    if gone is not None:
        _note(session, now, "group unlinked", by, community_id)
    return gone is not None


def _organises(session: UnitOfWork, code: Code, community_id: int) -> bool:
    return code.person_id in person.people_of(session, community_id, Role.ORGANISER)


def _note(
    session: UnitOfWork, now: datetime, action: str, by: int | None, community_id: int
) -> None:
    audit.note(session, now, action, actor=by, community=community_id)


def _here(message: InboundMessage) -> dict[str, str]:
    return {
        "channel": message.channel, "account": message.account, "value": message.conversation,
    }  # fmt: skip


def set_robots(session: UnitOfWork, robots: Mapping[str, int], now: datetime) -> None:
    """The configured group robots by name, with their community; others are gone."""
    channel = Channel.GROUP_ROBOT
    session.execute(
        delete(GroupChat).where(GroupChat.channel == channel, GroupChat.value.not_in(robots)),
        execution_options=_BARE,
    )
    for name, community_id in robots.items():
        key = {"channel": channel, "account": "", "value": name}
        home = {"community_id": community_id}
        if insert_new(session, GroupChat, **key, **home, linked_by=None, linked_at=now) is None:
            here = update(GroupChat).filter_by(**key)
            session.execute(here.values(home), execution_options=_BARE)
