"""Deliveries as organisers and the operator see them: what has become of each, and once more."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, case, exists, func, or_, select, update

from bot.domain.delivery import POLICIES
from bot.domain.messages import Notice
from bot.domain.paging import as_text
from bot.errors import NotFound
from bot.services import deliveries
from bot.services.community import by_name
from bot.storage.models import Community, Delivery, OptOut, Person
from bot.storage.session import UnitOfWork

# What is said about one person's own affairs is nobody else's to read.
_PERSONAL = frozenset({"answer", "alert", "binding", "ticket", "web_access"})
_RETRIED = ("failed", "cancelled")
# What has lost its point, or is not wanted.
_FINAL = (
    "opted out", "deleted", "changed", "cancelled", "withdrawn", "answered", "seen", "excused",
)  # fmt: skip
_NAME = case((Person.hidden_at.is_(None), Person.name), else_="").label("name")


@dataclass(frozen=True, slots=True)
class DeliveryView:
    """`person` is None for somebody whom nobody knows, and "" for one without a name."""

    id: int
    state: str
    reason: str
    topic: str
    way: str
    person: str | None
    community: str
    created_at: datetime
    due_at: datetime | None
    done_at: datetime | None
    attempts: int
    timezone: str


def listed(
    session: UnitOfWork,
    *,
    community: str | None = None,
    states: Sequence[str] = (),
    topic: str | None = None,
    limit: int = 50,
) -> list[DeliveryView]:
    """The newest first. Raises NotFound for an unknown community or topic."""
    wanted = _view().order_by(Delivery.id.desc()).limit(limit)
    wanted = wanted.where(*_filters(session, community, states, topic))
    return [_of(row) for row in session.execute(wanted)]


def counts(
    session: UnitOfWork,
    *,
    community: str | None = None,
    states: Sequence[str] = (),
    topic: str | None = None,
) -> list[tuple[str, str, int]]:
    """How many deliveries of each topic are in which state. Raises NotFound as listed() does."""
    rows = session.execute(
        select(Delivery.topic, Delivery.state, func.count())
        .where(*_filters(session, community, states, topic))
        .group_by(Delivery.topic, Delivery.state)
        .order_by(Delivery.topic, Delivery.state)
    )
    return [(row[0], row[1], row[2]) for row in rows]


def _filters(
    session: UnitOfWork, name: str | None, states: Sequence[str], topic: str | None
) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if name is not None:
        found.append(Delivery.community_id == by_name(session, name).id)
    if states:
        found.append(Delivery.state.in_(states))
    if topic is not None:
        known = {*POLICIES, *session.scalars(select(Delivery.topic).distinct())}
        if topic not in known:
            raise NotFound(f"There is no topic {topic!r}; there are: {', '.join(sorted(known))}")
        found.append(Delivery.topic == topic)
    return found


def find(session: UnitOfWork, delivery_id: int) -> tuple[DeliveryView, str]:
    """One delivery and what it says; "" where that is personal. Raises NotFound."""
    row = session.execute(_view().where(Delivery.id == delivery_id)).first()
    if row is None:
        raise NotFound(f"There is no delivery {delivery_id}; see: xueban deliveries list")
    stored = session.scalar(select(Delivery.notice).where(Delivery.id == delivery_id))
    view = _of(row)
    if view.topic in _PERSONAL or stored is None:
        return view, ""
    try:
        notice = Notice.from_json(stored)
    except (ValueError, KeyError, TypeError):
        return view, ""
    text = as_text(notice)
    return view, f"{text}\n{notice.source}" if notice.source else text


def unknown(session: UnitOfWork, delivery_ids: Sequence[int]) -> list[int]:
    """Those of the numbers that no delivery has."""
    known = session.scalars(select(Delivery.id).where(Delivery.id.in_(delivery_ids)))
    return sorted(set(delivery_ids) - set(known))


def retry(session: UnitOfWork, delivery_ids: Sequence[int], now: datetime) -> int:
    """Plan these anew, where they have failed or were cancelled; how many. They are kept for as
    long as if they were new. What somebody does not want to hear, or had deleted, stays.
    """
    here = select(Person.id).where(Person.hidden_at.is_(None))
    push, in_group = deliveries.can_push(session, now), Delivery.group_id.is_not(None)
    done = session.execute(
        update(Delivery)
        .where(
            Delivery.id.in_(delivery_ids),
            Delivery.state.in_(_RETRIED),
            Delivery.reason.not_in(_FINAL),
            ~exists().where(OptOut.person_id == Delivery.person_id, OptOut.topic == Delivery.topic),
            or_(Delivery.person_id.is_(None), Delivery.person_id.in_(here)),
        )
        .values(
            state=case((in_group, "queued"), else_="queued" if push else "held"), reason="",
            visible_at=case((in_group, now), else_=now if push else None),
            token="", attempts=0, tried_at=None, done_at=None, platform_id="", way="", rides=0,
            expires_at=now + deliveries.KEPT,
        ),
        execution_options={"synchronize_session": False},
    )  # fmt: skip
    return done.rowcount  # type: ignore[attr-defined, no-any-return]


def _view() -> Select[Any]:
    return (
        select(
            Delivery.id, Delivery.state, Delivery.reason, Delivery.topic, Delivery.way,
            Delivery.person_id, _NAME, Community.name.label("community"),
            Delivery.created_at, Delivery.visible_at, Delivery.done_at, Delivery.attempts,
            Community.timezone,
        )
        .outerjoin(Person, Person.id == Delivery.person_id)
        .join(Community, Community.id == Delivery.community_id)
    )  # fmt: skip


def _of(row: Any) -> DeliveryView:
    return DeliveryView(
        id=row.id, state=row.state, reason=row.reason, topic=row.topic, way=row.way,
        person=None if row.person_id is None else row.name or "", community=row.community,
        created_at=row.created_at,
        due_at=row.visible_at if row.state in ("queued", "sending") else None,
        done_at=row.done_at, attempts=row.attempts, timezone=row.timezone,
    )  # fmt: skip
