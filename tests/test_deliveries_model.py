"""Any order of messages, ticks, downtime, refusals and changes of mind, against a simple model."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select, text, update

from bot.bootstrap import Application, build, build_worker, prepare_database, tick_once
from bot.config import Settings
from bot.domain.delivery import Urgency, policy_of
from bot.domain.messages import Notice
from bot.domain.schedule import Rule, slots_between
from bot.domain.schedule_text import parse_rule
from bot.services import deliveries, opt_out, schedule
from bot.services.deliveries import Saying
from bot.services.schedule import Wanted
from bot.simulator.api import Api, serving_api
from bot.storage.models import Base, Delivery, Firing, Schedule
from tests.conftest import START, HandClock
from tests.members import ACCOUNT, Member
from tests.platform import AES_KEY, APP_ID, TOKEN, enrol
from tests.sending import CUSTOM, SECRET

PEOPLE = (1, 2, 3)
TOPICS = ("alert", "answer", "meeting", "announcement")
BUDGET = 3
DAILY = "每天 19:00"


def openid(person: int) -> str:
    return f"o{person:027}"


@dataclass
class Told:
    """What the model knows of one thing that somebody is to be told."""

    person: int
    topic: str
    until: datetime
    stopped: bool = False


@dataclass
class World:
    """The bot, its platform and the clock, one for all examples."""

    application: Application
    api: Api
    clock: HandClock
    told: dict[str, Told] = field(default_factory=dict)
    rode: set[str] = field(default_factory=set)
    numbers: int = 0

    def begin(self) -> None:
        """As on the first day."""
        self.told.clear()
        self.rode.clear()
        self.api.sent.clear()
        self.api.refuse.clear()
        self.clock.time = START + timedelta(days=400 * self.numbers)
        self.numbers += 1
        with self.application.database.begin() as session:
            for table in reversed(Base.metadata.sorted_tables):
                if table.name not in ("community", "outlet", "platform_token"):
                    session.execute(table.delete())
            if session.core.dialect.name == "postgresql":
                session.execute(text("ALTER SEQUENCE person_id_seq RESTART WITH 1"))
        enrol(self.application, *map(openid, PEOPLE), account=ACCOUNT)
        tick_once(self.application)
        with self.application.database.begin() as session:
            session.execute(update(Schedule).values(state="stopped", next_slot=None))

    def arrived(self) -> list[tuple[str, int, datetime]]:
        """Which thing reached whom when."""
        found = []
        for sent in self.api.sent:
            for key, what in self.told.items():
                if f"【{key}】" in str(sent.body):
                    assert sent.touser == openid(what.person)
                    found.append((key, what.person, sent.at))
        return found


@contextmanager
def world(settings_of_test: Settings) -> Iterator[World]:
    clock = HandClock()
    api = Api(APP_ID, SECRET, clock)
    with serving_api(api) as base:
        account = settings_of_test.official_account
        assert account is not None
        pushing = {"secret": SECRET, "kind": "service", "verified": True, "api_base": base}
        changed = settings_of_test.model_copy(
            update={
                "official_account": type(account).model_validate(account.model_dump() | pushing)
            }
        )
        built = replace(build(changed, "worker"), clock=clock)
        prepare_database(built)
        build_worker(built)
        try:
            yield World(built, api, clock)
        finally:
            built.database.dispose()


class Machine(RuleBasedStateMachine):
    world: World

    @initialize()
    def begin(self) -> None:
        self.world.begin()
        self.count = 0
        self.spared: set[tuple[int, str]] = set()
        self.declared: datetime | None = None
        self.ticked = self.world.clock.now()

    @property
    def now(self) -> datetime:
        return self.world.clock.now()

    @rule(
        person=st.sampled_from(PEOPLE),
        topic=st.sampled_from(TOPICS),
        hours=st.sampled_from([3, 40, 200]),
    )
    def tell(self, person: int, topic: str, hours: int) -> None:
        self.count += 1
        key = f"{topic}-{self.count}"
        until = self.now + timedelta(hours=hours)
        saying = Saying(topic, key, Notice(topic, lines=(f"【{key}】",)), expires_at=until)
        if (person, topic) in self.spared:
            return
        with self.world.application.database.begin() as session:
            assert deliveries.tell(session, [person], 1, saying, self.now) == 1
            assert deliveries.tell(session, [person], 1, saying, self.now) == 0
        self.world.told[key] = Told(person, topic, until)

    @rule(person=st.sampled_from(PEOPLE))
    def writes(self, person: int) -> None:
        self.world.api.heard(openid(person), "message")
        said = Member(self.world.application, openid(person)).say("帮助")
        riding = {key for key in self.world.told if f"【{key}】" in said}
        before = {key for key, _, _ in self.world.arrived()}
        assert not riding & before, "it was pushed before and rides now"
        self.world.rode |= riding

    @rule(minutes=st.sampled_from([1, 7, 60, 300, 660, 1440, 2880]))
    def time_passes(self, minutes: int) -> None:
        self.world.clock.forward(timedelta(minutes=minutes))

    @rule()
    def works(self) -> None:
        tick_once(self.world.application)
        self.ticked = max(self.ticked, self.now)
        build_worker(self.world.application).drain()

    @rule(
        codes=st.lists(
            st.sampled_from([-1, 45009, 45011, 45015, 45047, 40001, 48001]), min_size=1, max_size=3
        )
    )
    def is_refused(self, codes: list[int]) -> None:
        self.world.api.refuse[CUSTOM] = codes

    @precondition(lambda self: self.world.told)
    @rule(data=st.data())
    def is_called_off(self, data: Any) -> None:
        key = data.draw(st.sampled_from(sorted(self.world.told)))
        with self.world.application.database.begin() as session:
            deliveries.cancel(session, key, "called off")
        self.world.told[key].stopped = True

    @rule(person=st.sampled_from(PEOPLE), topic=st.sampled_from(["meeting", "announcement"]))
    def opts_out(self, person: int, topic: str) -> None:
        with self.world.application.database.begin() as session:
            opt_out.stop(session, person, [topic], self.now)
        self.spared.add((person, topic))
        for what in self.world.told.values():
            if (what.person, what.topic) == (person, topic):
                what.stopped = True

    @precondition(lambda self: self.declared is None)
    @rule()
    def declares(self) -> None:
        parsed = parse_rule(DAILY)
        assert isinstance(parsed, Rule)
        with self.world.application.database.begin() as session:
            schedule.declare(session, 1, Wanted("daily", "study_card", parsed), self.now)
        self.declared = self.now

    @invariant()
    def each_arrives_at_most_once(self) -> None:
        counts = Counter((key, person) for key, person, _ in self.world.arrived())
        assert not counts or max(counts.values()) == 1

    @invariant()
    def what_rode_is_not_pushed(self) -> None:
        assert not self.world.rode & {key for key, _, _ in self.world.arrived()}

    @invariant()
    def the_night_and_the_budget_hold(self) -> None:
        days: Counter[tuple[str, str]] = Counter()
        digests: Counter[tuple[str, str]] = Counter()
        for sent in self.world.api.sent:
            local = sent.at + timedelta(hours=8)
            keys = [key for key in self.world.told if f"【{key}】" in str(sent.body)]
            urgencies = {policy_of(self.world.told[key].topic).urgency for key in keys}
            if Urgency.ALERT in urgencies:
                continue
            assert 8 <= local.hour < 22
            days[sent.touser, f"{local:%F}"] += 1
            if urgencies <= {Urgency.DIGEST}:
                digests[sent.touser, f"{local:%F}"] += 1
        assert not days or max(days.values()) <= BUDGET
        assert not digests or max(digests.values()) <= 1

    @invariant()
    def what_was_called_off_in_time_stays_off(self) -> None:
        """What is stopped in the database is stopped for good: later sends do not bring it back."""
        with self.world.application.database.read() as session:
            rows = session.execute(select(Delivery.about, Delivery.state))
            stopped = {row.about for row in rows if row.state == "cancelled"}
        assert not stopped & {key for key, _, _ in self.world.arrived()}

    @invariant()
    def every_slot_has_one_firing(self) -> None:
        if self.declared is None:
            return
        parsed = parse_rule(DAILY)
        assert isinstance(parsed, Rule)
        due = [
            slot.at for slot in slots_between(parsed, self.declared, self.ticked, "Asia/Shanghai")
        ]
        with self.world.application.database.read() as session:
            fired = list(session.scalars(select(Firing.slot).order_by(Firing.slot)))
        assert fired == due[-50:] or fired[-len(due) :] == due

    def teardown(self) -> None:
        """In peace, and with everybody writing every day, nobody misses what still has a point."""
        self.world.api.refuse.clear()
        for _ in range(4):
            self.world.clock.forward(timedelta(hours=24))
            for person in PEOPLE:
                self.writes(person)
            self.works()
            self.world.clock.forward(timedelta(minutes=1))
            self.works()
        reached = self.world.rode | {key for key, _, _ in self.world.arrived()}
        with self.world.application.database.read() as session:
            rows = session.execute(select(Delivery.about, Delivery.state, Delivery.reason))
            state = {row.about: (row.state, row.reason) for row in rows}
        for key, what in self.world.told.items():
            if key in reached or what.stopped:
                continue
            assert state[key][0] in ("held", "shown", "queued", "cancelled"), state[key]
            assert state[key] == ("cancelled", "expired") or what.until > self.now


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_any_history(settings_of_test: Settings, dialect: str) -> None:
    with world(settings_of_test) as everything:

        class Here(Machine):
            world = everything

        run_state_machine_as_test(
            Here,
            settings=settings(
                max_examples=12 if dialect == "sqlite" else 6,
                stateful_step_count=25,
                deadline=None,
                suppress_health_check=list(HealthCheck),
                database=None,
            ),
        )


@pytest.fixture
def settings_of_test(database_url: str, tmp_path: Path) -> Settings:
    return Settings.model_validate(
        {
            "storage": {"url": database_url, "data_dir": tmp_path, "synchronous": "NORMAL"},
            "official_account": {"app_id": APP_ID, "token": TOKEN, "encoding_aes_key": AES_KEY},
        }
    )
