"""One worker, several channels: who is told where, in one call or many, and never twice."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from bot.bootstrap import Application, build, build_worker, prepare_database, tick_once
from bot.config import Settings
from bot.domain.messages import Channel, Notice
from bot.services import deliveries
from bot.services.deliveries import Saying
from bot.simulator.server import serving
from bot.simulator.wecom.app_api import AppApi
from bot.simulator.wecom.robot import RobotApi
from bot.storage.models import Address, Delivery, Membership, Person
from tests.conftest import HandClock
from tests.wecom_app import CORP, SECTION, app_api

KEY = "robot-key-1"


@dataclass
class Branch:
    application: Application
    app: AppApi
    robot: RobotApi
    clock: HandClock

    def add(self, userid: str) -> int:
        """Somebody who has written to the app."""
        now = self.clock.now()
        with self.application.database.begin() as session:
            person = Person(name=None, created_at=now)
            session.add(person)
            session.flush()
            here: dict[str, Any] = {"channel": Channel.WECOM_APP, "account": CORP, "value": userid}
            until = now + timedelta(days=3650)
            session.add(
                Address(
                    **here, person_id=person.id, created_at=now, message_left=9, message_until=until
                )
            )
            session.add(Membership(person_id=person.id, community_id=1, role="member", since=now))
            return person.id

    def tell(self, people: list[int], text: str, *, groups: bool = False) -> None:
        saying = Saying("meeting", f"m:{text}", Notice("meeting", lines=(text,)))
        with self.application.database.begin() as session:
            deliveries.tell(session, people, 1, saying, self.clock.now())
            if groups:
                deliveries.tell_groups(session, 1, saying, self.clock.now())

    def send_due(self) -> None:
        tick_once(self.application)
        build_worker(self.application).drain()

    def states(self) -> dict[str, int]:
        found: dict[str, int] = {}
        with self.application.database.read() as session:
            for state in session.scalars(session.query(Delivery.state).statement):
                found[state] = found.get(state, 0) + 1
        return found


@pytest.fixture
def branch(settings: Settings, clock: HandClock) -> Iterator[Branch]:
    app, robot = app_api(clock), RobotApi({KEY}, clock=clock)
    with serving(app.handle) as app_base, serving(robot.handle) as robot_base:
        url = f"{robot_base}/cgi-bin/webhook/send?key={KEY}"
        values = settings.model_dump() | {
            "wecom_app": {**SECTION, "api_base": app_base},
            "group_robot": [{"name": "一班群", "url": url}],
            "official_account": None,
        }
        built = replace(build(Settings.model_validate(values), "worker"), clock=clock)
        prepare_database(built)
        build_worker(built)
        yield Branch(built, app, robot, clock)
        built.database.dispose()


def test_the_same_goes_out_to_many_in_one_call(branch: Branch) -> None:
    people = [branch.add(f"U{number}") for number in range(400)]
    branch.app.members = {f"u{number}" for number in range(399)}
    branch.tell(people, "周五党课")
    branch.clock.forward(timedelta(minutes=15))
    branch.send_due()
    assert len(branch.app.shown()) == 399
    assert branch.states() == {"sent": 399, "failed": 1}
    calls = {id(sent.body) for sent in branch.app.sent}
    assert len(calls) == 1


def test_a_robot_says_what_is_about_nobody_without_numbers(branch: Branch) -> None:
    branch.tell([], "周五党课", groups=True)
    branch.send_due()
    (said,) = branch.robot.said
    assert "周五党课" in said.text
    assert "私下" in said.text


def test_the_21st_of_a_robot_waits(branch: Branch) -> None:
    for number in range(25):
        branch.tell([], f"第{number}件", groups=True)
        branch.send_due()
    assert len(branch.robot.said) == 20
    assert branch.states() == {"sent": 20, "queued": 5}
    branch.clock.forward(timedelta(seconds=66))
    branch.send_due()
    assert (
        sum(f"第{number}件" in one.text for one in branch.robot.said for number in range(25)) >= 25
    )
    assert branch.states() == {"sent": 25}


def test_a_robot_that_is_configured_no_more_is_told_nothing(branch: Branch) -> None:
    values = branch.application.settings.model_dump() | {"group_robot": []}
    without = replace(branch.application, settings=Settings.model_validate(values))
    build_worker(without)
    branch.tell([], "周五党课", groups=True)
    assert branch.states() == {}


def test_who_has_no_address_that_can_be_pushed_to_reads_it_with_the_next_reply(
    branch: Branch,
) -> None:
    reached = branch.add("U1")
    now = branch.clock.now()
    with branch.application.database.begin() as session:
        other = Person(name=None, created_at=now)
        session.add(other)
        session.flush()
        here = {"channel": Channel.OFFICIAL_ACCOUNT, "account": "gh", "value": "o1"}
        session.add(Address(**here, person_id=other.id, created_at=now))
        saying = Saying("announcement", "a:1", Notice("announcement", lines=("周五交材料",)))
        deliveries.tell(session, [reached, other.id], 1, saying, now)
    assert branch.states() == {"queued": 1, "held": 1}
