"""Communities: how they are created, listed and changed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.domain.calendar import quiet_hours_problem, timezone_problem
from bot.domain.person import CommunityView
from bot.errors import CommunityProblems, NotFound
from bot.storage.models import Community


@dataclass(frozen=True, slots=True)
class CommunitySettings:
    """What a community is created with; [defaults] of the configuration gives the values."""

    timezone: str
    quiet_hours: str
    daily_message_budget: int
    pack: str
    crisis_line: str = ""
    complaint_line: str = ""


LINE_LIMIT = 100


def problems_of(settings: CommunitySettings, packs: tuple[str, ...]) -> list[str]:
    """Every reason why these settings cannot be used, each naming its key."""
    found = []
    if problem := timezone_problem(settings.timezone):
        found.append(f"timezone: {problem}")
    if problem := quiet_hours_problem(settings.quiet_hours):
        found.append(f"quiet_hours: {problem}")
    if not 1 <= settings.daily_message_budget <= 20:
        found.append(
            f"daily_message_budget: {settings.daily_message_budget} is not between 1 and 20"
        )
    for key in ("crisis_line", "complaint_line"):
        if len(getattr(settings, key)) > LINE_LIMIT:
            found.append(f"{key}: it has more than {LINE_LIMIT} characters")
    if settings.pack not in packs:
        found.append(f"pack: {settings.pack!r} is none of {', '.join(packs)}")
    return found


def since(session: Session, community_id: int) -> datetime:
    """When it was created."""
    return session.get_one(Community, community_id).created_at


def add(
    session: Session,
    name: str,
    settings: CommunitySettings,
    now: datetime,
    *,
    packs: tuple[str, ...],
    parent: str | None = None,
) -> Community:
    """Create a community. Raises CommunityProblems, or NotFound for an unknown parent."""
    found = problems_of(settings, packs)
    if not name.strip():
        found.append("name: it is empty")
    if session.scalar(select(Community).where(Community.name == name.strip())):
        found.append(f"name: there is a community {name.strip()} already")
    if found:
        raise CommunityProblems(found)
    row = Community(
        name=name.strip(),
        parent_id=by_name(session, parent).id if parent else None,
        pack=settings.pack,
        timezone=settings.timezone,
        quiet_hours=settings.quiet_hours,
        daily_message_budget=settings.daily_message_budget,
        crisis_line=settings.crisis_line.strip(),
        complaint_line=settings.complaint_line.strip(),
        created_at=now,
    )
    session.add(row)
    session.flush()
    return row


def change(
    session: Session, name: str, values: dict[str, str | int], packs: tuple[str, ...]
) -> Community:
    """Change settings of a community, keyed as CommunitySettings and `name`.

    Raises CommunityProblems with nothing changed, or NotFound.
    """
    row = by_name(session, name)
    settings = CommunitySettings(
        **{
            key: values.get(key, getattr(row, key))
            for key in CommunitySettings.__dataclass_fields__
        }
    )
    found = problems_of(settings, packs)
    new_name = str(values.get("name", name)).strip()
    taken = session.scalar(select(Community.id).where(Community.name == new_name))
    if taken not in (None, row.id):
        found.append(f"name: there is a community {new_name} already")
    if found:
        raise CommunityProblems(found)
    for key, value in {**values, "name": new_name}.items():
        setattr(row, key, value)
    session.flush()
    return row


def all_of(session: Session) -> list[Community]:
    """Every community, oldest first."""
    return list(session.scalars(select(Community).order_by(Community.created_at, Community.id)))


def oldest(session: Session) -> Community:
    """The community that newcomers join. Raises NotFound when there is none."""
    row = session.scalar(select(Community).order_by(Community.created_at, Community.id).limit(1))
    if row is None:
        raise NotFound("There is no community yet; run: xueban community add NAME")
    return row


def by_name(session: Session, name: str) -> Community:
    """Raises NotFound and lists the names that there are."""
    row = session.scalar(select(Community).where(Community.name == name))
    if row is None:
        names = "、".join(session.scalars(select(Community.name))) or "none yet"
        raise NotFound(f"There is no community {name!r}; there are: {names}")
    return row


def view(row: Community) -> CommunityView:
    return CommunityView(row.id, row.name, row.timezone, row.pack)


def own_line(session: Session, community_id: int, name: Literal["crisis", "complaint"]) -> str:
    """What the community itself says to somebody in need, or with a complaint; "" for nothing."""
    row = session.get_one(Community, community_id)
    return row.crisis_line if name == "crisis" else row.complaint_line
