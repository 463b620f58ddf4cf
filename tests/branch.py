"""A branch with an organiser and two members, whose clock a test moves."""

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select

from bot.bootstrap import Application, tick_once
from bot.domain.delivery import Way
from bot.domain.messages import Channel, Notice
from bot.services import firing, outlet
from bot.services.meeting_reminder import KINDS
from bot.storage.models import Delivery, Firing, Schedule
from scheduler import kinds
from tests.conftest import HandClock
from tests.members import ACCOUNT, Member, organiser
from tests.platform import enrol

SHANGHAI = ZoneInfo("Asia/Shanghai")
# The worker's; others' schedules become due as well.
ALL_KINDS = {kind.name: kind for kind in kinds.KINDS}
OURS = Schedule.kind.in_(KINDS)
PLANNED = "开会 12月5日 19:00 302 "


class Branch:
    """An organiser, two members, and the time."""

    def __init__(self, application: Application, clock: HandClock) -> None:
        self.application = application
        self.clock = clock
        self.leader = organiser(application, "oLeader")
        enrol(application, "oA", "oB", account=ACCOUNT)
        self.a, self.b = Member(application, "oA"), Member(application, "oB")

    def plan(self, words: str) -> None:
        self.leader.say(words)
        assert "定好了" in self.leader.say("确认")

    def at(self, when: str) -> None:
        """The clock shows this in Shanghai."""
        self.clock.time = moment(when)

    def fire(self) -> None:
        """What is due now is told to everybody."""
        tick_once(self.application)
        self.expand()

    def expand(self) -> None:
        done: int | None = 0
        while done is not None:
            with self.application.database.begin() as session:
                done = firing.expand(session, ALL_KINDS, self.clock.now())

    def pushing(self) -> None:
        """From now on the account can push."""
        with self.application.database.begin() as session:
            outlet.configure(session, Channel.OFFICIAL_ACCOUNT, [Way.CUSTOMER], self.clock.now())

    def due(self) -> list[tuple[str, str]]:
        """Kind and next slot of what is still to come."""
        with self.application.database.read() as session:
            found = session.scalars(
                select(Schedule)
                .where(Schedule.state == "active", OURS)
                .order_by(Schedule.next_slot)
            )
            return [(row.kind, spoken(row.next_slot)) for row in found]

    def fired(self) -> list[tuple[str, str, str, int]]:
        with self.application.database.read() as session:
            found = session.scalars(
                select(Firing).where(Firing.kind.in_(KINDS)).order_by(Firing.id)
            )
            return [(spoken(row.slot), row.state, row.reason, row.count) for row in found]

    def told(self, kind: str) -> list[tuple[int | None, str]]:
        """Who was told what of this kind."""
        with self.application.database.read() as session:
            found = session.scalars(select(Delivery).order_by(Delivery.person_id, Delivery.id))
            notices = [(row.person_id, Notice.from_json(row.notice)) for row in found]
        return [
            (person, "\n".join([notice.title, *notice.lines]))
            for person, notice in notices
            if notice.kind == kind
        ]


def moment(when: str) -> datetime:
    return datetime.fromisoformat(when).replace(tzinfo=SHANGHAI).astimezone(ZoneInfo("UTC"))


def spoken(at: datetime | None) -> str:
    return f"{at.astimezone(SHANGHAI):%m-%d %H:%M}" if at else ""
