"""The mailbox: what could not be pushed rides on the next private reply, or is read on request.

What is queued, but was put off (a `reason` says why), rides as well if they write before it is
pushed; the mailbox shows everything that has not gone out. Nothing rides and is pushed.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import (
    Boolean,
    Select,
    and_,
    bindparam,
    case,
    literal_column,
    or_,
    select,
    text,
    union_all,
    update,
)

from bot.domain.delivery import DIRECT, POLICIES, Urgency
from bot.domain.messages import Channel, InboundMessage, Notice, Reply
from bot.domain.paging import page
from bot.domain.quiet import Hours
from bot.services import deliveries, outlet
from bot.storage.models import AnonymousAsker, Community, Delivery, Person
from bot.storage.models.delivery import OPEN_STATES
from bot.storage.session import UnitOfWork

log = structlog.get_logger(__name__)

RIDES = 2
LINES = 3
_LINE_LIMIT = 40
# The reply to what they have just written comes first.
_AFTER_REPLY = timedelta(seconds=2)
_NUMBERS = "①②③"
# Under these nothing rides: the mailbox itself, and what somebody in danger reads.
_ALONE = ("mailbox", "care")
_SHOWABLE = ("queued", "held", "shown")

_table = Delivery.__table__.c
_asker = AnonymousAsker.__table__.c

# What waits for the next digest only because there was one today can go on waiting.
_PUT_OFF = case(
    (_table.state != "queued", True),
    (and_(_table.urgency == "digest", _table.reason == "enough for today"), False),
    else_=_table.reason != "",
)
# What was tried may have arrived: it is not shown before that is known.
_UNTRIED = text("(state <> 'queued' OR tried_at IS NULL)")
_URGENT = case((_table.topic == literal_column("'alert'"), 0), else_=1).label("rank")


def _open() -> Select[Any]:
    """What can be shown: held, put off or shown before, and not too old."""
    return select(
        _table.id, _table.notice, _table.rides, _table.created_at, _table.person_id,
        _PUT_OFF.label("put_off"), _URGENT,
    ).where(
        # The partial index's own words, not parameters: only then the planner can use it.
        text(OPEN_STATES),
        text("state IN ('queued', 'held', 'shown')"),
        _UNTRIED,
        _table.expires_at > bindparam("now"),
        # That an address was added is said at the others.
        _table.about != bindparam("own"),
    )  # fmt: skip


# A person's own, and the answers to what was asked anonymously from this address.
_MINE = union_all(
    _open().where(_table.person_id == bindparam("person_id")),
    _open()
    .join(AnonymousAsker.__table__, _asker.ticket_id == _table.ticket_id)
    .where(
        _table.person_id.is_(None),
        _asker.value == bindparam("value"),
        _asker.account == bindparam("account"),
        _asker.channel == bindparam("channel"),
    ),
).subquery()
_mine = _MINE.c
_WAITING = (
    select(_mine.id, _mine.notice, _mine.rides, _mine.person_id)
    .where(_mine.rides < literal_column(str(RIDES)), _mine.put_off)
    .order_by(_mine.rank, _mine.created_at, _mine.id)
)
_ALL = select(_mine.id, _mine.notice, _mine.created_at, _mine.person_id).order_by(
    _mine.rank, _mine.created_at.desc(), _mine.id.desc()
)

_TODAYS = [topic for topic, policy in POLICIES.items() if policy.todays]

_HOLDING = (
    select(
        Community.timezone,
        Community.quiet_hours,
        Community.daily_message_budget,
        Person.pushed_day,
        Person.pushed,
        Person.digest_day,
        Person.muted_until,
    )
    .select_from(Delivery)
    .join(Community, Community.id == _table.community_id)
    .join(Person, Person.id == _table.person_id)
    .where(
        text(OPEN_STATES),
        _table.person_id == bindparam("person_id"),
        _table.state == "held",
        _table.expires_at > bindparam("now"),
    )
    .limit(1)
)
_RELEASE = (
    update(Delivery.__table__)  # type: ignore[arg-type]
    .where(
        text(OPEN_STATES),
        _table.person_id == bindparam("person"),
        _table.state == "held",
        _table.expires_at > bindparam("now"),
        or_(_table.urgency != Urgency.DIGEST, bindparam("digests", type_=Boolean())),
        or_(_table.topic.not_in(_TODAYS), _table.created_at >= bindparam("today")),
    )
    .values(
        state="queued", visible_at=bindparam("at"), tried_at=None, attempts=0, reason="", way=""
    )
)


@dataclass(frozen=True, slots=True)
class Words:
    """What stands around the riding lines; `head` has the field {count}."""

    head: str
    foot: str
    more: str


@dataclass(frozen=True, slots=True)
class Held:
    """One open delivery as the mailbox shows it; `nameless` is for nobody that we know."""

    id: int
    notice: Notice
    created_at: datetime
    nameless: bool


def release(session: UnitOfWork, channel: Channel, person_id: int, now: datetime) -> None:
    """A way has opened: what is held for this person and was not shown is pushed after all.

    Nothing is, and it rides, in quiet hours, when the day's budget is used up, for who does not
    want to be disturbed, or while the channel's plain messages rest; no second digest is.
    """
    place = session.core.execute(_HOLDING, {"person_id": person_id, "now": now}).first()
    if place is None:
        return
    hours = Hours(place.timezone, place.quiet_hours)
    today = hours.day(now)
    spent = place.pushed_day == today and place.pushed >= place.daily_message_budget
    ways, way = outlet.ways_of(session, now), DIRECT[channel]
    closed = way not in ways.ways or ways.rests.get(way, now) > now
    muted = place.muted_until is not None and place.muted_until > now
    if muted or spent or closed or hours.after_quiet(now) > now:
        return
    values = {
        "person": person_id, "now": now, "at": now + _AFTER_REPLY, "today": hours.midnight(now),
    }  # fmt: skip
    session.core.execute(_RELEASE, {**values, "digests": place.digest_day != today})


def ride(
    session: UnitOfWork, message: InboundMessage, person_id: int, reply: Reply, limit: int,
    words: Words, now: datetime, *, pushes: bool = False,
) -> Reply:  # fmt: skip
    """The reply with at most three waiting lines under it, within `limit` bytes in all.

    Where the account `pushes`, what waits is pushed after the reply instead, if that can be.
    """
    if reply.notice is None or reply.notice.media or reply.notice.kind in _ALONE:
        return reply
    if pushes:
        release(session, message.channel, person_id, now)
    rows = session.core.execute(_WAITING, _of(message, person_id, now)).all()
    if not rows:
        return reply
    room = limit - len(page(reply.notice, reply.page, limit, words.more).encode())
    head = words.head.format(count=len(rows))
    room -= len(f"\n\n{head}\n{words.foot}".encode())
    lines: list[str] = []
    readable = [(row, notice) for row in rows if (notice := _read(session, row))]
    for mark, (row, notice) in zip(_NUMBERS, readable, strict=False):
        # What rides is kept with the reply; of an answer without a name no more than its title.
        line = f"{mark} {notice.title if row.person_id is None else headline(notice)}"
        room -= len(line.encode()) + 1
        if room < 0:
            break
        if _rode(session, row.id):
            lines.append(line)
    return replace(reply, riders=("", head, *lines, words.foot)) if lines else reply


def headline(notice: Notice) -> str:
    """The one line of it that rides: its title and how it begins."""
    parts = [part.splitlines()[0] for part in (notice.title, *notice.lines[:1]) if part]
    line = "：".join(parts) or notice.kind
    return line if len(line) <= _LINE_LIMIT else f"{line[: _LINE_LIMIT - 1]}…"


def open_for(
    session: UnitOfWork, message: InboundMessage, person_id: int, now: datetime
) -> list[Held]:
    """What the mailbox holds, newest first; all of it counts as shown from now on."""
    rows = session.core.execute(_ALL, _of(message, person_id, now)).all()
    shown = set(
        session.scalars(
            update(Delivery)
            .where(Delivery.id.in_([row.id for row in rows]), Delivery.state.in_(_SHOWABLE))
            .values(state="shown", rides=RIDES)
            .returning(Delivery.id),
            execution_options={"synchronize_session": False},
        )
    )
    return [
        Held(row.id, notice, row.created_at, row.person_id is None)
        for row in rows
        if row.id in shown and (notice := _read(session, row))
    ]


def _read(session: UnitOfWork, row: Any) -> Notice | None:
    """What a delivery says; one that cannot be read fails, and nothing else does."""
    try:
        return Notice.from_json(row.notice)
    except (ValueError, KeyError, TypeError):
        log.error("notice_unreadable", delivery=row.id)
        session.execute(
            update(Delivery)
            .where(Delivery.id == row.id)
            .values(state="failed", reason="unreadable"),
            execution_options={"synchronize_session": False},
        )
        return None


def _rode(session: UnitOfWork, row_id: int) -> bool:
    """False when it was cancelled in between."""
    done = session.execute(
        update(Delivery)
        .where(Delivery.id == row_id, Delivery.state.in_(_SHOWABLE))
        .values(state="shown", rides=Delivery.rides + 1),
        execution_options={"synchronize_session": False},
    )
    return bool(done.rowcount)  # type: ignore[attr-defined]


def _of(message: InboundMessage, person_id: int, now: datetime) -> dict[str, object]:
    return {
        "person_id": person_id,
        "value": message.sender,
        "account": message.account,
        "channel": message.channel,
        "own": deliveries.about_address(message.channel, message.account, message.sender),
        "now": now,
    }
