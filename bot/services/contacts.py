"""The way to somebody: their address, what the platform still allows there, what they had today."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Date,
    Row,
    Update,
    and_,
    bindparam,
    case,
    or_,
    select,
    update,
)

from bot.domain.delivery import AFTER_EVENT, AFTER_MESSAGE, DIRECT, OPENING_EVENTS, RESERVE, Way
from bot.domain.messages import Channel, InboundMessage
from bot.domain.reach import Contact, Outlet
from bot.storage.among import among
from bot.storage.models import (
    Address,
    AnonymousAsker,
    GroupChat,
    OptIn,
    OptOut,
    Person,
    PlatformConsent,
)
from bot.storage.session import UnitOfWork, count_up

Key = tuple[str, int]

_NOTHING: frozenset[str] = frozenset()
_NEVER = datetime(2000, 1, 1, tzinfo=UTC)

_address, _person = Address.__table__.c, Person.__table__.c
_asker = AnonymousAsker.__table__.c
_group = GroupChat.__table__.c
_COLUMNS = (
    _address.id, _address.account, _address.value, _address.message_left, _address.message_until,
    _address.event_left, _address.event_until,
)  # fmt: skip
_PEOPLE = (
    select(
        _address.channel,
        _person.id,
        *_COLUMNS,
        _person.pushed_day,
        _person.pushed,
        _person.digest_day,
        _person.muted_until,
    )
    .join(Address.__table__, _address.person_id == _person.id)
    .where(among(_address.person_id, "ids"), _person.hidden_at.is_(None))
)
_ASKERS = (
    select(
        _asker.ticket_id.label("key"),
        *_COLUMNS,
        _asker.value.label("asker"),
        _asker.channel.label("where"),
    )
    .outerjoin(
        Address.__table__,
        and_(
            _address.channel == _asker.channel,
            _address.account == _asker.account,
            _address.value == _asker.value,
        ),
    )
    .where(among(_asker.ticket_id, "ids"))
)
_GROUPS = select(_group.id, _group.channel, _group.account, _group.value).where(
    among(_group.id, "ids")
)
_WANTED = select(OptIn.person_id, OptIn.topic).where(among(OptIn.__table__.c.person_id, "ids"))
_SPARED = select(OptOut.person_id, OptOut.topic).where(among(OptOut.__table__.c.person_id, "ids"))
_HERE = (
    _address.channel == bindparam("channel_"),
    _address.account == bindparam("account_"),
    _address.value == bindparam("value_"),
)
_HEARD = update(Address.__table__).where(*_HERE)  # type: ignore[arg-type]
_HEARD_MESSAGE = _HEARD.values(message_left=bindparam("left"), message_until=bindparam("until"))
_HEARD_EVENT = _HEARD.values(event_left=AFTER_EVENT[0], event_until=bindparam("until"))


def heard(session: UnitOfWork, message: InboundMessage) -> None:
    """Somebody has written or tapped: the platform lets us send them messages for a while.

    A tap on an option of a menu in a message comes as a text, and counts as a tap.
    """
    here = {"channel_": message.channel, "account_": message.account, "value_": message.sender}
    tapped = message.event in OPENING_EVENTS or "bizmsgmenuid" in message.details
    official = message.channel is Channel.OFFICIAL_ACCOUNT
    if (not message.event and not tapped) or (tapped and not official):
        left, span = AFTER_MESSAGE[message.channel]
        session.core.execute(
            _HEARD_MESSAGE, {**here, "left": left, "until": message.sent_at + span}
        )
    elif tapped:
        session.core.execute(_HEARD_EVENT, {**here, "until": message.sent_at + AFTER_EVENT[1]})


def of(
    session: UnitOfWork, rows: Sequence[Row[Any]], *, templates: bool
) -> dict[Key, list[Contact]]:
    """How those whom these deliveries are for can be reached, one contact for each channel; who
    cannot be is left out.

    What they have agreed to is looked up where there are `templates`.
    """
    people = sorted({row.person_id for row in rows if row.person_id is not None})
    tickets = sorted({row.ticket_id for row in rows if row.person_id is None and row.ticket_id})
    groups = sorted({row.group_id for row in rows if row.group_id is not None})
    found: dict[Key, list[Contact]] = {}
    if people:
        found |= _people(session, people, templates=templates)
    if tickets:
        for asker in session.core.execute(_ASKERS, {"ids": tickets}):
            contact = Contact(
                asker.id or 0, asker.account or "", asker.asker, asker.message_left or 0,
                asker.message_until, asker.event_left or 0, asker.event_until,
                channel=Channel(asker.where),
            )  # fmt: skip
            found["ticket", asker.key] = [contact]
    if groups:
        for group in session.core.execute(_GROUPS, {"ids": groups}):
            channel = Channel(group.channel)
            contact = Contact(0, group.account, group.value, channel=channel, group=True)
            found["group", group.id] = [contact]
    return found


def _people(session: UnitOfWork, people: list[int], *, templates: bool) -> dict[Key, list[Contact]]:
    wanted = _wanted(session, people) if templates else {}
    agreed = _agreed(session, people) if templates else {}
    newest: dict[Key, dict[str, Contact]] = {}
    for row in session.core.execute(_PEOPLE, {"ids": people}).all():
        where, key, *values = row
        channels = newest.setdefault(("person", key), {})
        older = channels.get(where)
        # Where they last wrote is open; else the newest address is the one that is used.
        contact = Contact(*values)
        if older is not None and _heard(contact) <= _heard(older):
            continue
        if where != Channel.OFFICIAL_ACCOUNT:
            contact = contact._replace(channel=Channel(where))
        elif templates:
            contact = contact._replace(
                wanted=wanted.get(key, _NOTHING), agreed=agreed.get(key, _NOTHING)
            )
        channels[where] = contact
    return {
        key: list(channels.values()) if len(channels) == 1 else
        [channels[channel] for channel in DIRECT if channel in channels]
        for key, channels in newest.items()
    }  # fmt: skip


def _heard(contact: Contact) -> tuple[datetime, int]:
    return contact.message_until or _NEVER, contact.address_id


def spared(session: UnitOfWork, rows: Sequence[Row[Any]]) -> set[tuple[int, str]]:
    """Who does not want to hear of which topic, among those whom these deliveries are for."""
    people = sorted({row.person_id for row in rows if row.person_id is not None})
    return {(row[0], row[1]) for row in session.core.execute(_SPARED, {"ids": people})}


def charge(
    session: UnitOfWork, budgets: Mapping[tuple[date | None, int], Iterable[tuple[int, bool]]]
) -> set[int]:
    """Count a message to each person unless their day's budget is used up (or they have had the
    day's digest, where it is one): who was counted. Keys are the day and the budget.
    """
    charged: set[int] = set()
    for (day, budget), people in budgets.items():
        listed = list(people)
        for digest in (False, True):
            ids = [person_id for person_id, is_digest in listed if is_digest is digest]
            if ids:
                values = {"ids": ids, "day": day, "budget": budget}
                statement = _CHARGE_DIGEST if digest else _CHARGE
                charged.update(session.core.scalars(statement, values).all())
    return charged


_DAY: BindParameter[date] = bindparam("day", type_=Date())
_SAME_DAY = _person.pushed_day == _DAY
_CHARGE = (
    update(Person.__table__)  # type: ignore[arg-type]
    .where(
        among(_person.id, "ids"),
        or_(
            _person.pushed_day.is_(None),
            _person.pushed_day != _DAY,
            _person.pushed < bindparam("budget"),
        ),
    )
    .values(pushed=case((_SAME_DAY, _person.pushed + 1), else_=1), pushed_day=_DAY)
    .returning(_person.id)
)  # fmt: skip
_CHARGE_DIGEST = _CHARGE.where(
    or_(_person.digest_day.is_(None), _person.digest_day != _DAY)
).values(digest_day=_DAY)


def refund(session: UnitOfWork, people: Iterable[tuple[int, date, bool]]) -> None:
    """A message that was counted on this day has certainly not gone out; True for a digest."""
    for person_id, day, digest in people:
        values: dict[str, Any] = {"pushed": Person.pushed - 1}
        if digest:
            values["digest_day"] = None
        session.execute(
            update(Person)
            .where(Person.id == person_id, Person.pushed_day == day, Person.pushed > 0)
            .values(values),
            execution_options={"synchronize_session": False},
        )


def take_windows(session: UnitOfWork, wanted: Iterable[tuple[int, str]], now: datetime) -> set[int]:
    """Take one from each address' allowance ("message" or "event") where there is one left."""
    listed = list(wanted)
    taken: set[int] = set()
    for window, statement in (("message", _TAKE_MESSAGE), ("event", _TAKE_EVENT)):
        ids = [address_id for address_id, which in listed if which == window]
        if ids:
            taken.update(session.core.scalars(statement, {"ids": ids, "now": now}).all())
    return taken


def _take(left: ColumnElement[int], until: ColumnElement[datetime]) -> Update:
    return (
        update(Address.__table__)  # type: ignore[arg-type]
        .where(among(_address.id, "ids"), left > 0, until > bindparam("now"))
        .values({left: left - 1})
        .returning(_address.id)
    )


_TAKE_MESSAGE = _take(_address.message_left, _address.message_until)
_TAKE_EVENT = _take(_address.event_left, _address.event_until)


def give_back(session: UnitOfWork, address_id: int, window: str) -> None:
    """The call has certainly had no effect: the platform has not counted it."""
    column = Address.message_left if window == "message" else Address.event_left
    session.execute(
        update(Address).where(Address.id == address_id).values({column: column + 1}),
        execution_options={"synchronize_session": False},
    )


def close_window(session: UnitOfWork, address_id: int) -> None:
    """The platform says that it allows nothing more until they write again."""
    session.execute(
        update(Address).where(Address.id == address_id).values(message_left=0, event_left=0),
        execution_options={"synchronize_session": False},
    )


def _wanted(session: UnitOfWork, people: list[int]) -> dict[int, frozenset[str]]:
    found: dict[int, set[str]] = {}
    for row in session.core.execute(_WANTED, {"ids": people}):
        found.setdefault(row.person_id, set()).add(row.topic)
    return {person_id: frozenset(topics) for person_id, topics in found.items()}


_AGREED = (
    select(_address.person_id, PlatformConsent.template)
    .join(Address.__table__, _address.id == PlatformConsent.address_id)
    .where(among(_address.person_id, "ids"), PlatformConsent.count > 0)
)


def _agreed(session: UnitOfWork, people: list[int]) -> dict[int, frozenset[str]]:
    found: dict[int, set[str]] = {}
    for row in session.core.execute(_AGREED, {"ids": people}):
        found.setdefault(row.person_id, set()).add(row.template)
    return {person_id: frozenset(templates) for person_id, templates in found.items()}


def agree(session: UnitOfWork, message: InboundMessage, template: str, *, agreed: bool) -> None:
    """Somebody lets us send them one more message of this template, or none any more."""
    address_id = session.scalar(
        select(Address.id).where(
            Address.channel == message.channel,
            Address.account == message.account,
            Address.value == message.sender,
        )
    )
    if address_id is None or not template:
        return
    if agreed:
        unique = ("address_id", "template")
        count_up(session, PlatformConsent, unique, address_id=address_id, template=template)
        return
    session.execute(
        update(PlatformConsent)
        .where(PlatformConsent.address_id == address_id, PlatformConsent.template == template)
        .values(count=0),
        execution_options={"synchronize_session": False},
    )


def reachable(
    session: UnitOfWork, people: Sequence[int], outlet: Outlet, topic: str, at: datetime
) -> dict[str, int]:
    """How many of the people each way would reach then, as things stand now; "mailbox" is what
    waits until they write.
    """
    found: dict[str, int] = {}
    windows = select(Address.person_id, Address.channel).where(
        Address.person_id.in_(people), Address.message_left > RESERVE, Address.message_until > at
    )
    open_ways: dict[int, set[Way]] = {}
    for person_id, channel in session.execute(windows):
        open_ways.setdefault(person_id, set()).add(DIRECT[Channel(channel)])
    wanted = _wanted(session, list(people))
    for person_id in people:
        direct = open_ways.get(person_id, set()) & outlet.ways
        way = "mailbox"
        if direct:
            way = next(way for way in DIRECT.values() if way in direct)
        elif (topic, Way.TEMPLATE) in outlet.templates and topic in wanted.get(person_id, ()):
            way = Way.TEMPLATE
        found[way] = found.get(way, 0) + 1
    return found
