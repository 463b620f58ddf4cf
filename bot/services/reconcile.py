"""What should not be is looked for, put right and logged: nothing due is lost in silence."""

from datetime import datetime, timedelta

import structlog
from sqlalchemy import exists, select, text, update

from bot.domain.schedule import Rule
from bot.domain.schedule_text import parse_rule
from bot.services import schedule
from bot.services.firing import Kinds
from bot.storage.models import Delivery, Firing, Schedule
from bot.storage.models.delivery import DUE_STATES
from bot.storage.session import UnitOfWork

log = structlog.get_logger(__name__)

_BARE = {"synchronize_session": False}
# Firings that were done since are looked at again.
_RECENT = timedelta(hours=1)


def reconcile(session: UnitOfWork, kinds: Kinds, now: datetime) -> int:
    """How many rows were put right."""
    found = {
        "deliveries_without_a_time": _deliveries(session, now),
        "firings_without_deliveries": _firings(session, now),
        "schedules_without_a_slot": _schedules(session, kinds, now),
    }
    for what, count in found.items():
        if count:
            log.error("reconciled", what=what, count=count)
    return sum(found.values())


def _deliveries(session: UnitOfWork, now: datetime) -> int:
    """Due, but no worker would ever see them."""
    done = session.execute(
        update(Delivery)
        .where(text(DUE_STATES), Delivery.visible_at.is_(None))
        .values(state="queued", visible_at=now, token=""),
        execution_options=_BARE,
    )
    return done.rowcount  # type: ignore[attr-defined, no-any-return]


def _firings(session: UnitOfWork, now: datetime) -> int:
    """Told, as it says, but there is no delivery: its audience is gone through again."""
    done = session.execute(
        update(Firing)
        .where(
            Firing.state == "done",
            Firing.count > 0,
            Firing.done_at > now - _RECENT,
            # By what it is about, which has an index.
            ~exists().where(Delivery.about == Firing.about, Delivery.firing_id == Firing.id),
        )
        .values(state="open", cursor=0, count=0, done_at=None),
        execution_options=_BARE,
    )
    return done.rowcount  # type: ignore[attr-defined, no-any-return]


def _schedules(session: UnitOfWork, kinds: Kinds, now: datetime) -> int:
    """Active, but never due again: the next slot is worked out anew, or it is parked."""
    rows = session.scalars(
        select(Schedule).where(text("state = 'active'"), Schedule.next_slot.is_(None))
    ).all()
    for row in rows:
        rule, kind = parse_rule(row.rule), kinds.get(row.kind)
        hours = schedule.hours_of(session, row.community_id)
        if isinstance(rule, Rule) and kind is not None:
            row.next_slot = schedule.following(rule, kind.timing, hours, now, row.anchor_at)
        if row.next_slot is None:
            row.state, row.reason = "parked", "never due again"
    session.flush()
    return len(rows)
