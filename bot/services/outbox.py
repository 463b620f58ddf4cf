"""What is due is claimed, planned, and its outcome written down.

A delivery is due when its one `visible_at` has come, whether it waits for its time, for another
try, or lies with a worker that is gone: all three are found by one partial index. Whoever claims
it writes a token; only who holds that token says what came of it (a fencing token).
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import Row, bindparam, func, select, text, update

from bot.domain.delivery import DIRECT, Push, Urgency, Way, merged
from bot.domain.messages import TEXT_LIMITS, Channel, Notice
from bot.domain.paging import as_text
from bot.domain.quiet import Hours, spread
from bot.domain.reach import Contact, Due, Hold, Later, Plan, Send, choose, given_up, rank
from bot.services import contacts, deliveries, outlet
from bot.storage.among import among
from bot.storage.models import Community, Delivery
from bot.storage.models.delivery import DUE_STATES, OPEN_STATES
from bot.storage.session import UnitOfWork

# Longer than two calls to the platform with a new token between them.
LEASE = timedelta(seconds=60)
_SOON = timedelta(seconds=1)
_URGENCIES = {urgency.value: urgency for urgency in Urgency}
# What several notices in one message may fill, in bytes.
_ROOM = 1900
_table = Delivery.__table__.c
# What another process has to send.
_ELSEWHERE = bindparam("elsewhere", type_=_table.way.type)
_NOTHING = "-"
# Where one conversation takes only so many messages.
_PACED = (Channel.WECOM_BOT, Channel.GROUP_ROBOT)
_COLUMNS = (
    _table.id, _table.dedupe_key, _table.person_id, _table.ticket_id, _table.group_id,
    _table.community_id, _table.topic, _table.about, _table.urgency, _table.notice, _table.ask,
    _table.visible_at,
    _table.expires_at,
    _table.attempts, _table.tried_at, _table.charged_day, _table.state,
)  # fmt: skip
# The partial index's own words, not parameters: only then the planner can use it.
_DUE = (
    select(*_COLUMNS)
    .where(text(DUE_STATES), _table.visible_at <= bindparam("now"), _table.way != _ELSEWHERE)
    .order_by(_table.visible_at)
    .limit(bindparam("limit"))
    .with_for_update(skip_locked=True)
)
_ALSO_DUE = (
    select(*_COLUMNS)
    .where(
        # The words of the other partial index, which leads to a person's.
        text(OPEN_STATES),
        text(DUE_STATES),
        among(_table.person_id, "people"),
        _table.visible_at <= bindparam("now"),
        _table.way != _ELSEWHERE,
        ~among(_table.id, "known"),
    )
    .with_for_update(skip_locked=True)
)
_NEXT = (
    select(_table.visible_at)
    .where(text(DUE_STATES), _table.way != _ELSEWHERE)
    .order_by(_table.visible_at)
    .limit(1)
)
_IDS = among(_table.id, "ids")
_CLAIM = (
    update(Delivery.__table__)  # type: ignore[arg-type]
    .where(_IDS)
    .values(
        state="sending", token=bindparam("new_token"), visible_at=bindparam("until"),
        attempts=_table.attempts + 1, charged_day=bindparam("day"),
        tried_at=func.coalesce(_table.tried_at, bindparam("now", type_=_table.tried_at.type)),
    )
)  # fmt: skip
_PUT_BACK = (
    update(Delivery.__table__)  # type: ignore[arg-type]
    .where(_IDS)
    .values(
        state=bindparam("to"), visible_at=bindparam("at"), reason=bindparam("why"), token="",
        way=bindparam("by"),
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rules:
    """What the planner goes by that is not in the database: the ids of templates by topic and
    way, and the title of several notices in one message, with the field {count}.

    `absent` tells the way that only another process can use now, or this one later; `busy_until`
    until when a
    conversation takes no more. `feet` are the last lines of what is said in
    groups, by channel.
    """

    title: str
    templates: Mapping[tuple[str, Way], str] = field(default_factory=dict)
    lease: timedelta = LEASE
    absent: Callable[[], Way | None] = lambda: None
    busy_until: Callable[[Way, str, datetime], datetime | None] = lambda *_: None
    feet: Mapping[Channel, str] = field(default_factory=dict)


class Parcel(NamedTuple):
    """What one person gets as one message; the lease on its rows ends at `until`.

    `cut` says that it is too long to be pushed whole; the mailbox keeps it. `charged_day` is the
    day on which this try was counted.
    """

    ids: tuple[int, ...]
    token: str
    until: datetime
    push: Push
    send: Send
    contact: Contact
    person_id: int | None
    attempts: int
    first_tried: datetime
    template: str = ""
    ask: str = ""
    cut: bool = False
    charged_day: date | None = None


@dataclass(slots=True)
class Claimed:
    """How many rows were taken up, and what is to be sent of them now."""

    rows: int = 0
    parcels: list[Parcel] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Place:
    hours: Hours
    budget: int


def next_due(session: UnitOfWork, absent: Way | None = None) -> datetime | None:
    """When the next delivery becomes due that is not for the `absent` way; None when none waits."""
    return session.core.scalar(_NEXT, {"elsewhere": absent or _NOTHING})


def claim(session: UnitOfWork, rules: Rules, limit: int, now: datetime, token: str) -> Claimed:
    """Take up to `limit` due rows (and what else is due for their people): each is claimed to be
    sent, held for the mailbox, planned for later, or closed.
    """
    absent = rules.absent()
    rows = _due_rows(session, limit, now, absent)
    if not rows:
        return Claimed()
    open_ways = replace(outlet.ways_of(session, now), templates=rules.templates)
    here = replace(open_ways, ways=open_ways.ways - {absent}) if absent else open_ways
    places = _places(session, {row.community_id for row in rows})
    known = contacts.of(session, rows, templates=bool(rules.templates))
    spared = contacts.spared(session, rows)
    held: Held = defaultdict(list)
    wanted: list[Wanted] = []
    for group in _by_person(rows, spared, held, now).values():
        reachable = _reachable(group, known, rules, now)
        place = places[group[0].row.community_id]
        fitting = _fitting(group, place.hours, held, now)
        dues = [item.due for item in fitting]
        decision, contact = choose(dues, reachable, here, place.hours, place.budget, now)
        if absent and not isinstance(decision, Send):
            decision, contact = choose(dues, reachable, open_ways, place.hours, place.budget, now)
        if isinstance(decision, Send) and decision.way is absent:
            held["queued", now, "elsewhere", absent] += [item.row.id for item in fitting]
        elif isinstance(decision, Send):
            wanted.append((fitting, decision, contact))
        else:
            _put_off(held, decision, fitting)
    parcels = _charge(session, rules, wanted, places, held, now, token)
    _put_back(session, held)
    return Claimed(len(rows), parcels)


def _reachable(
    group: Sequence["_Item"], known: Mapping[contacts.Key, list[Contact]], rules: Rules,
    now: datetime,
) -> list[Contact]:  # fmt: skip
    """Where to: not at the address that it is about (it is for their others), and with the time
    until when a conversation takes no more.
    """
    found = known.get(_whose(group[0].row), _NOWHERE)
    own = {item.row.about for item in group if deliveries.is_about_address(item.row.about)}
    if not own and all(contact.channel not in _PACED for contact in found):
        return found
    return [
        contact
        if contact.channel not in _PACED
        else contact._replace(
            busy_until=rules.busy_until(DIRECT[contact.channel], contact.address, now)
        )
        for contact in found
        if deliveries.about_address(contact.channel, contact.account, contact.address) not in own
    ]


def _due_rows(session: UnitOfWork, limit: int, now: datetime, absent: Way | None) -> list[Row[Any]]:
    rows: list[Any] = []
    elsewhere = {"elsewhere": absent or _NOTHING}
    rows += session.core.execute(_DUE, {"now": now, "limit": limit, **elsewhere}).all()
    if len(rows) == limit:
        # The last moment's people may have more that did not come within the limit.
        last = rows[-1].visible_at
        people = [row.person_id for row in rows if row.visible_at == last and row.person_id]
        known = [row.id for row in rows]
        also = {"now": now, "people": people, "known": known, **elsewhere}
        rows += session.core.execute(_ALSO_DUE, also).all()
    return rows


class _Item(NamedTuple):
    """A row that can be said, read."""

    row: Row[Any]
    due: Due
    notice: Notice
    size: int


# State, when, why, and the way that it is left to.
Held = dict[tuple[str, datetime | None, str, str], list[int]]
Wanted = tuple[list[_Item], Send, Contact]
_NOWHERE: list[Contact] = []


def _by_person(
    rows: Iterable[Row[Any]], spared: set[tuple[int, str]], held: Held, now: datetime
) -> dict[Any, list[_Item]]:
    """The rows that can be said, by person, alerts by themselves; the others are put aside."""
    groups: dict[Any, list[_Item]] = defaultdict(list)
    for row in rows:
        notice, size = _notice(row.notice)
        urgency = _URGENCIES.get(row.urgency)
        if row.expires_at <= now:
            held["cancelled", None, "expired", ""].append(row.id)
        elif (row.person_id, row.topic) in spared:
            held["cancelled", None, "opted out", ""].append(row.id)
        elif notice is None or urgency is None:
            held["failed", None, "unreadable", ""].append(row.id)
        elif given_up(due := _due(row, urgency), now):
            held["held", None, "not reached", ""].append(row.id)
        else:
            item = _Item(row, due, notice, size)
            groups[_whose(row), urgency is Urgency.ALERT].append(item)
    return groups


def _whose(row: Row[Any]) -> tuple[str, int]:
    """A person, a group, or the ticket of somebody whom nobody knows."""
    if row.person_id is not None:
        return ("person", row.person_id)
    return ("group", row.group_id) if row.group_id is not None else ("ticket", row.ticket_id)


def _due(row: Row[Any], urgency: Urgency) -> Due:
    return Due(
        row.topic, urgency, row.expires_at, row.attempts, row.tried_at, row.charged_day,
        row.person_id is None, row.state == "sending",
    )  # fmt: skip


def _fitting(group: list[_Item], hours: Hours, held: Held, now: datetime) -> list[_Item]:
    """As many as fit one message, the most urgent first; what is left over is a message of its
    own, or waits for the next digest.
    """
    if len(group) == 1:
        return group
    group.sort(key=lambda item: (rank(item.due), item.row.id))
    room, fitting = _ROOM - group[0].size, group[:1]
    for item in group[1:]:
        room -= item.size
        if room >= 0:
            fitting.append(item)
        elif item.due.urgency is Urgency.DIGEST:
            _put_off(held, Later(hours.next_digest(now), "no room"), [item])
        else:
            _put_off(held, Later(now + _SOON, "no room"), [item])
    return fitting


def _put_off(held: Held, decision: Plan, items: list[_Item]) -> None:
    """Later, or for the mailbox what would have lost its point by then."""
    for row, *_ in items:
        if isinstance(decision, Later):
            at = spread(decision.at, row.person_id or 0)
            key = ("queued", at, decision.reason, "")
            kept = ("held", None, decision.reason, "")
            held[key if at < row.expires_at else kept].append(row.id)
        elif isinstance(decision, Hold):
            held["held", None, decision.reason, ""].append(row.id)


def _charge(
    session: UnitOfWork,
    rules: Rules,
    wanted: list[Wanted],
    places: Mapping[int, _Place],
    held: Held,
    now: datetime,
    token: str,
) -> list[Parcel]:
    """Take the messages from the budgets and windows; who was outrun there waits a second."""
    days: dict[int, date | None] = {}
    days |= {community_id: place.hours.day(now) for community_id, place in places.items()}
    budgets: dict[tuple[date | None, int], list[tuple[int, bool]]] = defaultdict(list)
    seen: set[int] = set()
    once: list[Wanted] = []
    for items, send, contact in wanted:
        # Two messages for one address at a time: each takes from the same counts.
        if contact.address_id in seen and contact.address_id:
            held["queued", now + _SOON, "outrun", ""] += [item.row.id for item in items]
            continue
        seen.add(contact.address_id)
        once.append((items, send, contact))
        if send.charge:
            row = items[0].row
            budgets[days[row.community_id], places[row.community_id].budget].append(
                (row.person_id, send.digest)
            )
    counted = contacts.charge(session, budgets)
    windows = [
        (contact.address_id, send.window)
        for _, send, contact in once
        if send.window and not send.granted
    ]
    allowed = contacts.take_windows(session, windows, now)
    parcels: list[Parcel] = []
    until = now + rules.lease
    claims: dict[date | None, list[int]] = defaultdict(list)
    for items, send, contact in once:
        first = items[0].row
        outrun = send.charge and first.person_id not in counted
        if send.window and not send.granted:
            outrun = outrun or contact.address_id not in allowed
        if outrun:
            held["queued", now + _SOON, "outrun", ""] += [item.row.id for item in items]
            continue
        today = days[first.community_id] if send.charge else first.charged_day
        parcel = _parcel(items, rules, send, contact, token, until, now, today)
        claims[today] += parcel.ids
        parcels.append(parcel)
    for day, ids in claims.items():
        values = {"ids": ids, "new_token": token, "until": until, "day": day, "now": now}
        session.core.execute(_CLAIM, values)
    return parcels


def _parcel(
    items: list[_Item], rules: Rules, send: Send, contact: Contact, token: str, until: datetime,
    now: datetime, today: date | None,
) -> Parcel:  # fmt: skip
    first = items[0].row
    asks = [item.row.ask for item in items if item.row.ask]
    notice = merged([item.notice for item in items], rules.title)
    if contact.group:
        # Numbers would be answered by nobody, or by everybody.
        foot = rules.feet.get(contact.channel, "")
        notice = replace(notice, lines=(*notice.lines, *([foot] if foot else [])), options=())
    key = "" if send.way is Way.CUSTOMER else _key(items)
    return Parcel(
        ids=tuple([item.row.id for item in items]),
        token=token,
        until=until,
        push=Push(send.way, contact.address, first.topic, notice, key, contact.group),
        send=send,
        contact=contact,
        person_id=first.person_id,
        attempts=first.attempts + 1,
        first_tried=min([item.row.tried_at or now for item in items]),
        template=rules.templates.get((first.topic, send.way), ""),
        ask=asks[0] if len(asks) == 1 else "",
        cut=len(items) == 1 and items[0].size > TEXT_LIMITS[contact.channel],
        charged_day=today if send.charge else None,
    )


def _key(items: Sequence[_Item]) -> str:
    """The same for every try, so that the platform knows a repeat as one; a customer message
    has none.
    """
    keys = "\n".join(sorted(item.row.dedupe_key for item in items))
    return hashlib.sha256(keys.encode()).hexdigest()[:32]


def _put_back(session: UnitOfWork, held: Held) -> None:
    for (state, at, reason, way), ids in held.items():
        values = {"ids": ids, "to": state, "at": at, "why": reason, "by": way}
        session.core.execute(_PUT_BACK, values)


@lru_cache(maxsize=512)
def _notice(stored: str) -> tuple[Notice | None, int]:
    """A notice and its size in bytes; None for what no version of this program has written."""
    try:
        notice = Notice.from_json(stored)
    except (ValueError, KeyError, TypeError):
        return None, 0
    return notice, len(as_text(notice).encode()) + len(notice.source.encode()) + 3


def _places(session: UnitOfWork, community_ids: set[int]) -> dict[int, _Place]:
    rows = session.core.execute(
        select(
            Community.id, Community.timezone, Community.quiet_hours, Community.daily_message_budget
        ).where(Community.id.in_(community_ids))
    )
    return {row.id: _Place(Hours(row.timezone, row.quiet_hours), row[3]) for row in rows}
