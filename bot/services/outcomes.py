"""What came of a push is written down, by whoever still holds its rows."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import Boolean, and_, bindparam, case, delete, or_, select, text, update

from bot.domain.delivery import Outcome, Remedy, Way, channel_of, pause_before, policy_of
from bot.services import contacts, conversation, outlet
from bot.services.mailbox import RIDES
from bot.services.outbox import Parcel
from bot.storage.among import among
from bot.storage.models import Delivery, EarlyReceipt, PlatformConsent
from bot.storage.models.delivery import DUE_STATES
from bot.storage.session import UnitOfWork, put

log = structlog.get_logger(__name__)

# The platform's day, by which it counts its quotas.
_PLATFORM_ZONE = ZoneInfo("Asia/Shanghai")
_MINUTE = timedelta(seconds=61)
# How long nobody is tried after a refusal that an operator has to see to.
_REPAIR = timedelta(minutes=5)
# How long the platform knows a template message's key (10 minutes), less the time of a call.
_SAME_KEY = timedelta(minutes=9)
_ANSWERED_WITHIN = timedelta(hours=24)

_table = Delivery.__table__.c
_MINE = (among(_table.id, "rows"), _table.token == bindparam("mine"))
# What was cancelled while the call was under way may have gone out all the same; only then it says
# so, else it stays cancelled.
_END = (
    update(Delivery.__table__)  # type: ignore[arg-type]
    .where(
        *_MINE,
        or_(
            text("state = 'sending'"),
            and_(text("state = 'cancelled'"), bindparam("out", type_=Boolean())),
        ),
    )
    .values(
        state=bindparam("to"), reason=bindparam("why"), way=bindparam("by"),
        platform_id=bindparam("number"), done_at=bindparam("now"), token="",
        rides=case((bindparam("to") == "shown", RIDES), else_=_table.rides),
    )
)  # fmt: skip
_AGAIN = (
    update(Delivery.__table__)  # type: ignore[arg-type]
    .where(*_MINE, _table.state == "sending")
    .values(state="queued", reason=bindparam("why"), visible_at=bindparam("at"), token="", way="")
)
# What was refused without having been tried: it counts no more as tried, or as one of the day's.
_ANEW = _AGAIN.values(
    tried_at=None,
    charged_day=None,
    attempts=case((_table.attempts > 0, _table.attempts - 1), else_=0),
)
_UNTRIED = _AGAIN.values(attempts=case((_table.attempts > 0, _table.attempts - 1), else_=0))
_OUT = ("sent", "shown", "unknown")
_TRIED = (Remedy.UNCLEAR, Remedy.RETRY, Remedy.TOKEN)
_STILL_MINE = select(_table.id).where(
    text(DUE_STATES),
    among(_table.id, "ids"),
    _table.token == bindparam("mine"),
)


Result = tuple[Parcel, Outcome]


def settle(
    session: UnitOfWork,
    results: Sequence[Result],
    now: datetime,
    dice: Callable[[], float],
) -> None:
    """Write down what came of these pushes. What another worker has taken over meanwhile, since
    the lease was over, is left to it.

    Outlet, then deliveries, then people and addresses: in the same order as everybody who writes
    to more than one of them, so that nobody waits in a circle.
    """
    for parcel, outcome in results:
        if outcome.remedy is not Remedy.DONE:
            _rest(session, parcel.push.way, outcome, now)
    # Rows that end alike are written at once.
    ends: dict[_End, list[int]] = defaultdict(list)
    again: list[dict[str, Any]] = []
    anew: list[dict[str, Any]] = []
    for parcel, outcome in results:
        at, state, reason = _what_now(parcel, outcome, now, dice)
        if at is None:
            end = _End(parcel.token, state, reason, parcel.push.way, outcome.platform_id)
            ends[end] += parcel.ids
        else:
            tries = again if outcome.remedy in _TRIED else anew
            mine = {"mine": parcel.token, "why": reason, "at": at}
            tries.append({"rows": parcel.ids, **mine})
    finished = [
        {"rows": rows, "now": now, "out": end.to in _OUT, **end._asdict()}
        for end, rows in ends.items()
    ]
    written = 0
    for statement, values in ((_END, finished), (_AGAIN, again), (_ANEW, anew)):
        if values:
            written += session.core.execute(statement, values).rowcount
    _early_receipts(session, [end.number for end in ends if end.number], now)
    for parcel, outcome in results:
        _keep_count(session, parcel, outcome, now)
    if written < sum(len(parcel.ids) for parcel, _ in results):
        log.warning("lease_lost", rows=sum(len(parcel.ids) for parcel, _ in results) - written)


class _End(NamedTuple):
    """How some rows end; the names are those of the statement's parameters."""

    mine: str
    to: str
    why: str
    by: Way
    number: str


def _what_now(
    parcel: Parcel, outcome: Outcome, now: datetime, dice: Callable[[], float]
) -> tuple[datetime | None, str, str]:
    """When to plan it anew; or None with the state that it ends in. The reason in either case."""
    if outcome.remedy is Remedy.DONE:
        return None, "shown" if parcel.cut else "sent", ""
    reason = f"{outcome.remedy} {outcome.code}".removesuffix(" 0")
    match outcome.remedy:
        case Remedy.UNCLEAR if not _safe_again(parcel, now):
            return None, "unknown", reason
        case Remedy.UNCLEAR | Remedy.RETRY | Remedy.TOKEN:
            return now + pause_before(parcel.attempts, dice()), "", reason
        case Remedy.DEFER | Remedy.CONTENT if parcel.contact.group:
            # A group has no mailbox.
            log.error("group_not_told", topic=parcel.push.topic, code=outcome.code)
            return None, "failed", reason
        case Remedy.DEFER if not parcel.send.window and parcel.push.way is not Way.SUBSCRIPTION:
            # Nothing that we keep count of closes this way.
            return None, "held", reason
        case Remedy.DEFER | Remedy.FREQUENCY | Remedy.QUOTA | Remedy.CAPABILITY:
            # Planned at once: another way may be open.
            return now, "", reason
        case Remedy.CONFIGURATION:
            log.error("sending_misconfigured", code=outcome.code, reason=outcome.reason)
            return now, "", reason
        case Remedy.CONTENT:
            # One of several may be at fault, or a template; the mailbox takes any words.
            log.error("content_refused", topic=parcel.push.topic, code=outcome.code)
            return None, "held", reason
    log.warning("push_failed", code=outcome.code, remedy=outcome.remedy)
    return None, "failed", reason


def _rest(session: UnitOfWork, way: Way, outcome: Outcome, now: datetime) -> None:
    """What the answer says of this way, or all ways of its account, for everybody."""
    match outcome.remedy:
        case Remedy.FREQUENCY:
            outlet.rest(session, way, now + _MINUTE, now)
        case Remedy.QUOTA:
            outlet.rest(session, way, _platform_midnight(now), now)
        case Remedy.CONFIGURATION:
            for each in Way:
                if channel_of(each) is channel_of(way):
                    outlet.rest(session, each, now + _REPAIR, now)
        case Remedy.CAPABILITY:
            log.error("not_allowed", way=way, code=outcome.code, reason=outcome.reason)
            outlet.refuse(session, way, now)


def _keep_count(session: UnitOfWork, parcel: Parcel, outcome: Outcome, now: datetime) -> None:
    """Budgets, windows and consents as the platform counts them; the menu that came with it."""
    way, contact = parcel.push.way, parcel.contact
    if outcome.remedy is Remedy.DONE:
        if way is Way.SUBSCRIPTION:
            _use_consent(session, parcel, PlatformConsent.count - 1)
        if parcel.ask:
            _open_menu(session, parcel, now)
        return
    if outcome.remedy is Remedy.UNCLEAR:
        return
    if outcome.remedy not in _TRIED and parcel.charged_day and parcel.person_id is not None:
        charge = (parcel.person_id, parcel.charged_day, parcel.send.digest)
        contacts.refund(session, [charge])
    if outcome.remedy is Remedy.DEFER and parcel.send.window:
        contacts.close_window(session, contact.address_id)
    elif parcel.send.window:
        contacts.give_back(session, contact.address_id, parcel.send.window)
    if outcome.remedy is Remedy.DEFER and way is Way.SUBSCRIPTION:
        _use_consent(session, parcel, 0)


def _open_menu(session: UnitOfWork, parcel: Parcel, now: datetime) -> None:
    """A menu that cannot be read is none: that the message is out is written all the same."""
    contact = parcel.contact
    try:
        conversation.open_menu(
            session, contact.channel, contact.account, contact.address, parcel.ask, now,
            _ANSWERED_WITHIN,
        )  # fmt: skip
    except (ValueError, KeyError, TypeError):
        log.error("menu_unreadable", topic=parcel.push.topic)


def _safe_again(parcel: Parcel, now: datetime) -> bool:
    """Whether to try again what may have worked: the platform would know it as a repeat, or to
    say it twice is better than not at all.
    """
    if parcel.push.way is Way.TEMPLATE and now < parcel.first_tried + _SAME_KEY:
        return True
    return policy_of(parcel.push.topic).again


def _platform_midnight(now: datetime) -> datetime:
    local = now.astimezone(_PLATFORM_ZONE)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    return (midnight + timedelta(days=1, minutes=1)).astimezone(now.tzinfo)


def _use_consent(session: UnitOfWork, parcel: Parcel, count: Any) -> None:
    session.execute(
        update(PlatformConsent)
        .where(
            PlatformConsent.address_id == parcel.contact.address_id,
            PlatformConsent.template == parcel.template,
            PlatformConsent.count > 0,
        )
        .values(count=count),
        execution_options={"synchronize_session": False},
    )


def still_mine(session: UnitOfWork, parcels: Iterable[Parcel]) -> set[int]:
    """Of these parcels' rows those that nobody has cancelled or taken over."""
    listed = list(parcels)
    if not listed:
        return set()
    ids = [row_id for parcel in listed for row_id in parcel.ids]
    return {
        row_id
        for token in {parcel.token for parcel in listed}
        for row_id in session.core.scalars(_STILL_MINE, {"ids": ids, "mine": token})
    }


def release(session: UnitOfWork, parcels: Iterable[Parcel], now: datetime) -> None:
    """These were never begun: any worker may have them at once, and it counts as no try."""
    listed = list(parcels)
    values = [{"rows": parcel.ids, "mine": parcel.token, "why": "", "at": now} for parcel in listed]
    if values:
        session.core.execute(_UNTRIED, values)
    for parcel in listed:
        if parcel.send.window:
            contacts.give_back(session, parcel.contact.address_id, parcel.send.window)


def receipt(session: UnitOfWork, platform_id: str, problem: str, now: datetime) -> None:
    """The platform says later what came of a message: `problem` is "" when it arrived.

    One that comes before it was written that the message is out waits for that.
    """
    if not _apply_receipt(session, platform_id, problem, now):
        put(
            session, EarlyReceipt, ("platform_id",),
            platform_id=platform_id, problem=problem, received_at=now,
        )  # fmt: skip


def _apply_receipt(session: UnitOfWork, platform_id: str, problem: str, now: datetime) -> bool:
    done = session.execute(
        update(Delivery)
        .where(
            text("platform_id <> ''"),
            Delivery.platform_id == platform_id,
            Delivery.state.in_(["sent", "unknown"]),
        )
        .values(
            state="failed" if problem else "sent",
            reason=f"receipt: {problem}"[:100] if problem else "delivered",
            done_at=now,
        ),
        execution_options={"synchronize_session": False},
    )
    return bool(done.rowcount)  # type: ignore[attr-defined]


def overtaken(session: UnitOfWork, now: datetime) -> None:
    """Receipts that came while it was being written that their message is out."""
    _early_receipts(session, list(session.scalars(select(EarlyReceipt.platform_id))), now)


def _early_receipts(session: UnitOfWork, numbers: Sequence[str], now: datetime) -> None:
    """Receipts that came before these rows were written."""
    if not numbers:
        return
    found = session.execute(
        select(EarlyReceipt.platform_id, EarlyReceipt.problem).where(
            EarlyReceipt.platform_id.in_(numbers)
        )
    ).all()
    for row in found:
        if _apply_receipt(session, row.platform_id, row.problem, now):
            session.execute(
                delete(EarlyReceipt).where(EarlyReceipt.platform_id == row.platform_id),
                execution_options={"synchronize_session": False},
            )
