"""What becomes of something that somebody is to be told: ways out, allowances, tries, outcomes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Literal, NamedTuple

from bot.domain.messages import BLANK, Channel, Notice

State = Literal["queued", "sending", "held", "shown", "sent", "unknown", "failed", "cancelled"]


class Way(StrEnum):
    """How a push can go out: the first three on an official account, the others on a channel of
    the same name. The value is stored in the database.
    """

    CUSTOMER = "customer"
    SUBSCRIPTION = "subscription"
    TEMPLATE = "template"
    WECOM_BOT = "wecom_bot"
    WECOM_APP = "wecom_app"
    GROUP_ROBOT = "group_robot"


# The way that a channel's plain messages take; in this order one is looked for.
DIRECT: Mapping[Channel, Way] = {
    Channel.OFFICIAL_ACCOUNT: Way.CUSTOMER,
    Channel.WECOM_BOT: Way.WECOM_BOT,
    Channel.WECOM_APP: Way.WECOM_APP,
    Channel.GROUP_ROBOT: Way.GROUP_ROBOT,
}
_CHANNELS = {way: channel for channel, way in DIRECT.items()}


def channel_of(way: Way) -> Channel:
    return _CHANNELS.get(way, Channel.OFFICIAL_ACCOUNT)


class Capability(StrEnum):
    """What an account may ask the platform for."""

    CUSTOMER = "customer"
    SUBSCRIPTION = "subscription"
    TEMPLATE = "template"
    MENU = "menu"
    MEDIA = "media"
    SCENE_CODE = "scene_code"


AccountKind = Literal["subscription", "service"]
_PUSHING = frozenset({Capability.CUSTOMER, Capability.MENU, Capability.MEDIA})
# https://developers.weixin.qq.com/doc/service/en/Getting_Started/Explanation_of_interface_privileges.html
PROFILES: Mapping[tuple[AccountKind, bool], frozenset[Capability]] = {
    ("subscription", False): frozenset(),
    ("subscription", True): _PUSHING,
    ("service", False): frozenset({Capability.MENU}),
    ("service", True): frozenset(Capability),
}


class Remedy(StrEnum):
    """What to do about the outcome of a call.

    TOKEN: a new token, and once again. RETRY: nothing has happened, again after a while.
    DEFER: this way is closed for this recipient until they write or agree again. FREQUENCY and
    QUOTA: nobody can be reached this way for a minute, or before the next day. UNCLEAR: it may
    have worked. The rest is final: it lies with this recipient, this content, what the account
    may do, or how it is configured.
    """

    DONE = "done"
    TOKEN = "token"  # noqa: S105
    RETRY = "retry"
    DEFER = "defer"
    FREQUENCY = "frequency"
    QUOTA = "quota"
    UNCLEAR = "unclear"
    RECIPIENT = "recipient"
    CONTENT = "content"
    CAPABILITY = "capability"
    CONFIGURATION = "configuration"


class Push(NamedTuple):
    """One call to a platform. `key` is the same for every try of the same push, at most 32
    letters and digits; `topic` chooses the template. `in_group`: the address is a group chat's.
    """

    way: Way
    address: str
    topic: str
    notice: Notice
    key: str
    in_group: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a call. `reason` names no token, secret or openid; `platform_id` is the
    platform's number of the message, which a later receipt names.
    """

    remedy: Remedy
    code: int = 0
    reason: str = ""
    platform_id: str = ""


# How many messages an account may send to somebody, and for how long, after they have written, and
# after they have tapped a menu, followed or scanned:
# https://developers.weixin.qq.com/doc/service/guide/product/kf/intro.html
_AFTER_MESSAGE = (5, timedelta(hours=48))
AFTER_EVENT = (3, timedelta(minutes=1))
# To members of an enterprise there is no such end, once they have written:
# https://developer.work.weixin.qq.com/document/path/101463
_FOR_GOOD = (1_000_000, timedelta(days=3650))
AFTER_MESSAGE: Mapping[Channel, tuple[int, timedelta]] = {
    Channel.OFFICIAL_ACCOUNT: _AFTER_MESSAGE,
    Channel.WECOM_BOT: _FOR_GOOD,
    Channel.WECOM_APP: _FOR_GOOD,
}
# Events that open the small window, by their lower-case names.
OPENING_EVENTS = frozenset({"subscribe", "scan", "click", "scancode_push", "scancode_waitmsg"})
# Of the five this many are kept for what somebody has asked for.
RESERVE = 2


class Urgency(StrEnum):
    """ALERT goes at once, whatever the hour and the budget. DIRECT is what somebody waits for,
    TIMELY what has its moment: both spare the night. DIGEST can wait for the day's one digest.
    """

    ALERT = "alert"
    DIRECT = "direct"
    TIMELY = "timely"
    DIGEST = "digest"


@dataclass(frozen=True, slots=True)
class Policy:
    """How a topic's deliveries are treated. `again`: an unclear answer of the platform is tried
    again, at the risk of saying it twice; else it stays unknown. (What a killed worker had in work
    is always tried again.) `most` is how long it is tried. What is only `todays` is not pushed on
    another day because somebody writes then; it rides on the reply.
    """

    urgency: Urgency
    again: bool = False
    todays: bool = False
    most: timedelta = timedelta(hours=4)
    ways: tuple[Way, ...] = (Way.CUSTOMER,)


_ASKED_FOR = (Way.CUSTOMER, Way.SUBSCRIPTION, Way.TEMPLATE)
POLICIES: Mapping[str, Policy] = {
    "alert": Policy(Urgency.ALERT, again=True),
    "answer": Policy(Urgency.DIRECT),
    "binding": Policy(Urgency.DIRECT),
    "web_access": Policy(Urgency.DIRECT),
    "ticket": Policy(Urgency.TIMELY),
    "desk": Policy(Urgency.TIMELY),
    "meeting": Policy(Urgency.TIMELY, again=True, ways=_ASKED_FOR),
    "video": Policy(Urgency.DIGEST, ways=_ASKED_FOR),
    "study_card": Policy(Urgency.DIGEST, todays=True),
    "announcement": Policy(Urgency.DIGEST),
}
_BASE, _CAP = timedelta(seconds=2), timedelta(minutes=10)
# A guard against a message that kills its worker; what ends ordinary trying is `most`.
MOST_TRIES = 100


def policy_of(topic: str) -> Policy:
    """A topic that nobody has written down can wait."""
    return POLICIES.get(topic, Policy(Urgency.DIGEST))


def pause_before(attempt: int, dice: float) -> timedelta:
    """How long to wait after this many tries; `dice` is between 0 and 1 (full jitter)."""
    return max(timedelta(seconds=1), min(_CAP, _BASE * (1 << min(attempt, 16))) * dice)


def merged(notices: list[Notice], title: str) -> Notice:
    """Several notices as one message, each under its own title; `title` has the field {count}.

    Numbers stand under one of them at most: where two have a menu, neither's is shown.
    """
    if len(notices) == 1:
        return notices[0]
    menus = sum(bool(notice.options) for notice in notices)
    lines: list[str] = []
    for notice in notices:
        lines += [BLANK, *([notice.title] if notice.title else []), *notice.lines]
        if menus == 1:
            lines += [f"{option.send} {option.label}" for option in notice.options]
        lines += [notice.source] if notice.source else []
        lines += [f"{notice.link.label}：{notice.link.url}"] if notice.link else []
    return Notice("digest", title=title.format(count=len(notices)), lines=tuple(lines))
