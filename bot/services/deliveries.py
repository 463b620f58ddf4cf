"""What somebody is to be told: it is queued to be pushed where that can be, else it is held for
the mailbox and rides on their next private reply. Nothing does both.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import case, select, text, update

from bot.domain.delivery import DIRECT, Urgency, Way, channel_of, policy_of
from bot.domain.messages import Channel, Notice
from bot.domain.person import address_hash
from bot.domain.quiet import LATEST_SPREAD, Hours, spread
from bot.services import outlet
from bot.storage.among import among
from bot.storage.models import Address, Community, Delivery, GroupChat
from bot.storage.models.delivery import OPEN_STATES
from bot.storage.session import UnitOfWork, insert_all_new

KEPT = timedelta(days=14)
_ADDRESS = "address:"
_OPEN = ("queued", "sending", "held", "shown")
_GONE_OUT = ("sent", "unknown")
_SEEN = ("sending", "shown", *_GONE_OUT)


@dataclass(frozen=True, slots=True)
class Saying:
    """What is said: `topic` decides how it is treated, `about` names what it speaks of.

    `ask` is the menu that its numbers answer once it was pushed (conversation.stored_menu).
    `due_at` is when it is to be said, None for now; `expires_at` None keeps it KEPT. `key` makes
    it one where several things are said about the same.
    """

    topic: str
    about: str
    notice: Notice
    ask: str = ""
    due_at: datetime | None = None
    expires_at: datetime | None = None
    ticket_id: int | None = None
    firing_id: int | None = None
    key: str = ""


def tell(
    session: UnitOfWork,
    person_ids: Iterable[int | None],
    community_id: int,
    saying: Saying,
    now: datetime,
) -> int:
    """Have everybody told once, however often it is asked for; how many deliveries are new.

    None among the people is the anonymous asker of the ticket. It is queued for its time where
    the account can push at all (outlet), spread over some minutes, else held for the mailbox; so
    is what would have lost its point when it may be pushed.
    """
    place = session.get_one(Community, community_id)
    hours = Hours(place.timezone, place.quiet_hours)
    urgency = policy_of(saying.topic).urgency
    due = moment(urgency, saying.due_at or now, hours) if can_push(session, now) else None
    values = _values(saying, community_id, urgency, now)
    if due and due + LATEST_SPREAD >= values["expires_at"]:
        due = None
    # What is said because somebody has just done something comes at no slot.
    planned = urgency is not Urgency.ALERT and (saying.due_at is not None or due != now)
    key = saying.key or saying.about
    people = list(person_ids)
    own: dict[str, list[Any]] = {
        "person_id": people,
        "dedupe_key": [key if number is None else f"{key}:{number}" for number in people],
    }
    # Who has no address where anything can be pushed would only wait for the mailbox.
    pushed = pushable(session, people, now) if due else set()
    own["state"] = ["queued" if number in pushed else "held" for number in people]
    own["visible_at"] = [
        None if number not in pushed else spread(due, number or 0) if due and planned else due
        for number in people
    ]
    return insert_all_new(session, Delivery, values, own)


def _values(saying: Saying, community_id: int, urgency: Urgency, now: datetime) -> dict[str, Any]:
    return {
        "ticket_id": saying.ticket_id, "community_id": community_id, "topic": saying.topic,
        "firing_id": saying.firing_id, "urgency": urgency, "about": saying.about,
        "notice": saying.notice.to_json(), "ask": saying.ask, "reason": "", "rides": 0,
        "token": "", "attempts": 0, "way": "", "platform_id": "", "created_at": now,
        "expires_at": saying.expires_at or max(now, saying.due_at or now) + KEPT,
    }  # fmt: skip


def tell_groups(session: UnitOfWork, community_id: int, saying: Saying, now: datetime) -> int:
    """Have every group of the community told once, as tell() does it with people; where no group
    can be sent anything nothing is kept. How many deliveries are new.
    """
    groups = groups_of(session, community_id, now)
    if not groups:
        return 0
    place = session.get_one(Community, community_id)
    urgency = policy_of(saying.topic).urgency
    due = moment(urgency, saying.due_at or now, Hours(place.timezone, place.quiet_hours))
    values = _values(saying, community_id, urgency, now)
    if due >= values["expires_at"]:
        return 0
    key = saying.key or saying.about
    own: dict[str, list[Any]] = {
        "group_id": groups,
        "dedupe_key": [f"{key}:group:{number}" for number in groups],
        "visible_at": [due for _ in groups],
        "state": ["queued" for _ in groups],
    }
    return insert_all_new(session, Delivery, values, own)


def pushable(session: UnitOfWork, people: Sequence[int | None], now: datetime) -> set[int | None]:
    """Those with an address on a channel that pushes; who is nameless may have one."""
    channels = {channel_of(way) for way in outlet.ways_of(session, now).ways}
    if Channel.OFFICIAL_ACCOUNT in channels:
        return set(people)
    known = select(Address.person_id).where(
        Address.channel.in_(channels), among(Address.__table__.c.person_id, "ids")
    )
    ids = [number for number in people if number is not None]
    return {None, *session.scalars(known, {"ids": ids})}


def groups_of(session: UnitOfWork, community_id: int, now: datetime) -> list[int]:
    """The community's group chats that can be sent something of our own accord."""
    ways = outlet.ways_of(session, now).ways
    rows = session.execute(
        select(GroupChat.id, GroupChat.channel)
        .where(GroupChat.community_id == community_id)
        .order_by(GroupChat.id)
    )
    return [row.id for row in rows if DIRECT[Channel(row.channel)] in ways]


def seen_in_groups(session: UnitOfWork, about: str) -> bool:
    """Whether a group was told of it, or may have been."""
    seen = select(Delivery.id).where(
        Delivery.about == about, Delivery.group_id.is_not(None), Delivery.state.in_(_SEEN)
    )
    return session.scalar(seen.limit(1)) is not None


def hurry(session: UnitOfWork, person_id: int, reason: str, now: datetime) -> None:
    """What was put off for this reason is planned anew at once."""
    session.execute(
        update(Delivery)
        .where(
            text(OPEN_STATES),
            Delivery.person_id == person_id,
            Delivery.state == "queued",
            Delivery.reason == reason,
        )
        .values(visible_at=now, reason=""),
        execution_options={"synchronize_session": False},
    )


def moment(urgency: Urgency, due: datetime, hours: Hours) -> datetime:
    """When what is due then may be pushed."""
    if urgency is Urgency.ALERT:
        # Before everything that is due already.
        return due - timedelta(minutes=5)
    return hours.digest(due) if urgency is Urgency.DIGEST else hours.after_quiet(due)


def can_push(session: UnitOfWork, now: datetime) -> bool:
    """Whether anybody can be sent anything of our own accord."""
    return bool(outlet.ways_of(session, now).ways - {Way.GROUP_ROBOT})


def is_about_address(about: str) -> bool:
    return about.startswith(_ADDRESS)


def about_address(channel: str, account: str, value: str) -> str:
    """What is about a new address of somebody is said at their others, never there."""
    return f"{_ADDRESS}{address_hash(channel, account, value)}"


def cancel_unseen(session: UnitOfWork, about: str, reason: str) -> bool:
    """Stop what is about this if nobody has been shown it; False when somebody has."""
    stopped = session.scalars(
        update(Delivery)
        .where(
            Delivery.about == about,
            Delivery.state.in_(["queued", "held"]),
            Delivery.tried_at.is_(None),
        )
        .values(state="cancelled", reason=reason)
        .returning(Delivery.id),
        execution_options={"synchronize_session": False},
    )
    return bool(stopped.all())


def reopen(session: UnitOfWork, about: str, reason: str) -> None:
    """What was stopped for this reason has its point again."""
    session.execute(
        update(Delivery)
        .where(Delivery.about == about, Delivery.state == "cancelled", Delivery.reason == reason)
        .values(state=case((Delivery.rides > 0, "shown"), else_="held"), reason=""),
        execution_options={"synchronize_session": False},
    )


def cancel(session: UnitOfWork, about: str, reason: str) -> tuple[list[int], int]:
    """Stop what has lost its point: who had seen some of it (or may have: it is being sent), and
    how many people had not. Groups are not counted.
    """
    rows = session.execute(
        select(Delivery.person_id, Delivery.group_id, Delivery.state, Delivery.tried_at)
        .where(Delivery.about == about, Delivery.state.in_([*_OPEN, *_GONE_OUT]))
        .order_by(Delivery.id)
        .with_for_update()
    ).all()
    session.execute(
        update(Delivery)
        .where(Delivery.about == about, Delivery.state.in_(_OPEN))
        .values(state="cancelled", reason=reason),
        execution_options={"synchronize_session": False},
    )
    rows = [row for row in rows if row.group_id is None]
    # What was tried with an unclear outcome may have been seen.
    seen = {row.person_id for row in rows if row.state in _SEEN or row.tried_at}
    unseen = {row.person_id for row in rows} - seen
    return sorted(person_id for person_id in seen if person_id is not None), len(unseen)


def cancel_for(
    session: UnitOfWork,
    person_id: int,
    reason: str,
    topic: str | None = None,
    community_id: int | None = None,
    about: str = "",
    *,
    fired: bool = False,
) -> int:
    """Stop everything open for a person: how many. Only of one topic, in one community, about
    what begins so, and, with `fired`, what a schedule has brought about.
    """
    wanted = [Delivery.person_id == person_id]
    if about:
        wanted.append(Delivery.about.startswith(about, autoescape=True))
    if fired:
        wanted.append(Delivery.firing_id.is_not(None))
    if community_id is not None:
        wanted.append(Delivery.community_id == community_id)
    if topic is not None:
        wanted.append(Delivery.topic == topic)
    gone = session.execute(
        update(Delivery).where(*wanted, text(OPEN_STATES)).values(state="cancelled", reason=reason),
        execution_options={"synchronize_session": False},
    )
    return gone.rowcount  # type: ignore[attr-defined, no-any-return]


def expire(session: UnitOfWork, now: datetime, limit: int) -> int:
    """Close at most `limit` of what is no longer kept in any mailbox; how many."""
    old = select(Delivery.id).where(Delivery.expires_at <= now, text(OPEN_STATES)).limit(limit)
    gone = session.execute(
        update(Delivery)
        .where(Delivery.id.in_(old.scalar_subquery()), text(OPEN_STATES))
        .values(state="cancelled", reason="expired"),
        execution_options={"synchronize_session": False},
    )
    return gone.rowcount  # type: ignore[attr-defined, no-any-return]
