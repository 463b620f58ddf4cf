"""Whether, how and when somebody can be told what is due for them now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import NamedTuple

from bot.domain.delivery import DIRECT, MOST_TRIES, RESERVE, Urgency, Way, policy_of
from bot.domain.messages import Channel
from bot.domain.quiet import Hours

MUTED = "muted"


class Contact(NamedTuple):
    """What is known of the way to somebody on a channel. Without an `address` there is none (any
    more); `wanted` are topics that they asked to be told, `agreed` templates of which the platform
    lets us send one more subscription message. A `group` is always open, but for its pace:
    `busy_until` the conversation takes no more.
    """

    address_id: int = 0
    account: str = ""
    address: str = ""
    message_left: int = 0
    message_until: datetime | None = None
    event_left: int = 0
    event_until: datetime | None = None
    pushed_day: date | None = None
    pushed: int = 0
    digest_day: date | None = None
    muted_until: datetime | None = None
    wanted: frozenset[str] = frozenset()
    agreed: frozenset[str] = frozenset()
    channel: Channel = Channel.OFFICIAL_ACCOUNT
    group: bool = False
    busy_until: datetime | None = None


NOBODY = Contact()


@dataclass(frozen=True, slots=True)
class Outlet:
    """The ways that can be used now, those that rest until a time, and the ids of the
    templates by topic and way.
    """

    ways: frozenset[Way] = frozenset()
    rests: Mapping[Way, datetime] = field(default_factory=dict)
    templates: Mapping[tuple[str, Way], str] = field(default_factory=dict)


class Due(NamedTuple):
    """One delivery that is due; it was tried `attempts` times, first at `tried_at`. `nameless` is
    for nobody that we know: no budget counts it. `granted` has taken its place in the window
    already, when the worker that is gone claimed it.
    """

    topic: str
    urgency: Urgency
    expires_at: datetime
    attempts: int = 0
    tried_at: datetime | None = None
    charged_day: date | None = None
    nameless: bool = False
    granted: bool = False


@dataclass(frozen=True, slots=True)
class Send:
    """`charge` counts it as one of the day's messages, `digest` as the day's digest. `window`
    says which allowance it takes from: "message", "event" or "" (the way has none), unless that
    was `granted` before.
    """

    way: Way
    window: str
    charge: bool
    digest: bool
    granted: bool = False


@dataclass(frozen=True, slots=True)
class Later:
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Hold:
    reason: str


Plan = Send | Later | Hold


def choose(
    parcel: Sequence[Due], contacts: Sequence[Contact], outlet: Outlet, hours: Hours, budget: int,
    now: datetime,
) -> tuple[Plan, Contact]:  # fmt: skip
    """The plan for what is due for one person, and where: the first channel with a plain message
    that can go now, else a template, else what is soonest.
    """
    if len(contacts) <= 1:
        contact = contacts[0] if contacts else NOBODY
        return plan(parcel, contact, outlet, hours, budget, now), contact
    best: tuple[Plan, Contact] = Hold("no address"), NOBODY
    for view in (replace(outlet, templates={}), outlet):
        for contact in contacts:
            found = plan(parcel, contact, view, hours, budget, now)
            if isinstance(found, Send):
                return found, contact
            best = min((found, contact), best, key=_soonest)
    return best


def _soonest(decision: tuple[Plan, Contact]) -> datetime:
    found = decision[0]
    return found.at if isinstance(found, Later) else datetime.max.replace(tzinfo=UTC)


def plan(
    parcel: Sequence[Due], contact: Contact, outlet: Outlet, hours: Hours, budget: int,
    now: datetime,
) -> Plan:  # fmt: skip
    """What to do now with what is due for one person, as one message; an alert is one of its own.

    What is not sent is held for the mailbox, or planned for later: by the caller, who holds
    instead what would have lost its point by then.
    """
    if not contact.address:
        return Hold("no address")
    first = min(parcel, key=rank)
    alert = first.urgency is Urgency.ALERT
    if not alert and contact.muted_until and contact.muted_until > now:
        return Later(contact.muted_until, MUTED)
    if not alert and (morning := hours.after_quiet(now)) > now:
        return Later(morning, "quiet hours")
    usable = {way for way in outlet.ways if outlet.rests.get(way, now) <= now}
    way, window = _way(parcel, first.urgency, contact, outlet, usable, now)
    if way and contact.busy_until and contact.busy_until > now:
        return Later(contact.busy_until, "the platform rests")
    if way is None:
        resting, _ = _way(parcel, first.urgency, contact, outlet, set(outlet.ways), now)
        return Later(outlet.rests[resting], "the platform rests") if resting else Hold("no way")
    digest = all(due.urgency is Urgency.DIGEST for due in parcel)
    today = hours.day(now)
    free = alert or first.nameless or all(due.charged_day == today for due in parcel)
    if not free:
        pushed = contact.pushed if contact.pushed_day == today else 0
        if pushed >= budget or (digest and contact.digest_day == today):
            tomorrow = hours.next_digest(now) if digest else hours.next_morning(now)
            return Later(tomorrow, "enough for today")
    granted = any(due.granted for due in parcel)
    return _send(way, window, not free, digest and not free, granted)


# There are few of them, and one is needed for each message.
@lru_cache
def _send(way: Way, window: str, charge: bool, digest: bool, granted: bool) -> Send:
    return Send(way, window, charge, digest, granted)


def _way(
    parcel: Sequence[Due], urgency: Urgency, contact: Contact, outlet: Outlet, usable: set[Way],
    now: datetime,
) -> tuple[Way | None, str]:  # fmt: skip
    """The first of the usable ways that is open, and the allowance it takes from."""
    direct = DIRECT[contact.channel]
    if direct in usable:
        if contact.group:
            return direct, ""
        granted = any(due.granted for due in parcel)
        if contact.event_until and contact.event_until > now and contact.event_left + granted > 0:
            return direct, "event"
        kept = (0 if urgency in (Urgency.ALERT, Urgency.DIRECT) else RESERVE) - granted
        if contact.message_until and contact.message_until > now and contact.message_left > kept:
            return direct, "message"
    # A template speaks of one thing, and only of what somebody has asked for.
    if contact.channel is Channel.OFFICIAL_ACCOUNT and len({due.topic for due in parcel}) == 1:
        topic = parcel[0].topic
        for way in sorted(usable & set(policy_of(topic).ways)):
            template = outlet.templates.get((topic, way))
            asked = topic in contact.wanted if way is Way.TEMPLATE else template in contact.agreed
            if template and asked:
                return way, ""
    return None, ""


def given_up(due: Due, now: datetime) -> bool:
    """Whether it was tried often or long enough."""
    too_long = due.tried_at is not None and now - due.tried_at > policy_of(due.topic).most
    return due.attempts >= MOST_TRIES or too_long


_RANKS = {urgency: rank for rank, urgency in enumerate(Urgency)}


def rank(due: Due) -> int:
    """What goes first has the lowest."""
    return _RANKS[due.urgency]
