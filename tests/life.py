"""A bot that may push, its platform over real HTTP, and members who write to it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from bot.bootstrap import Application, build, build_worker, prepare_database, tick_once
from bot.config import Settings
from bot.domain.messages import Notice
from bot.platforms.official_account.client import Client
from bot.services import deliveries
from bot.services.deliveries import Saying
from bot.simulator.api import Api, serving_api
from bot.storage.models import Delivery, Schedule
from tests.conftest import HandClock
from tests.members import ACCOUNT, Member
from tests.platform import APP_ID, enrol
from tests.sending import SECRET, client_at

OPENID = "oTESTmember00000000000000001"
TEMPLATE_ID = "tm-meeting"


class Life:
    """A bot that may push, its platform, and members who write."""

    def __init__(self, application: Application, api: Api, clock: HandClock) -> None:
        self.application = application
        self.api = api
        self.clock = clock

    def says(self, openid: str, text: str) -> str:
        """Written to the platform, which from then on lets the account answer."""
        self.api.heard(openid, "message")
        return Member(self.application, openid).say(text)

    def tell(self, topic: str, text: str = "有事", *people: int, **more: Any) -> int:
        saying = Saying(topic, f"{topic}:{text}", Notice(topic, lines=(text,)), **more)
        with self.application.database.begin() as session:
            return deliveries.tell(session, people or (1,), 1, saying, self.clock.now())

    def run(self) -> None:
        """Everything that is due now."""
        tick_once(self.application)
        build_worker(self.application).drain()

    def after(self, **span: float) -> None:
        self.clock.forward(timedelta(**span))
        self.run()

    def until(self, hour: int, minute: int = 0) -> None:
        """The next time that it is this hour in Shanghai."""
        local = self.clock.now() + timedelta(hours=8)
        then = local.replace(hour=hour, minute=minute, second=0, microsecond=0)
        self.after(seconds=((then - local) % timedelta(days=1)).total_seconds())

    @property
    def pushed(self) -> list[str]:
        return [str(sent.body.get("text", {}).get("content", "")) for sent in self.api.sent]

    def states(self) -> list[tuple[str, str, str]]:
        with self.application.database.read() as session:
            rows = session.execute(
                select(Delivery.state, Delivery.reason, Delivery.way).order_by(Delivery.id)
            )
            return [(row.state, row.reason, row.way) for row in rows]


@pytest.fixture
def api(clock: HandClock) -> Api:
    return Api(APP_ID, SECRET, clock)


@pytest.fixture
def base(api: Api) -> Iterator[str]:
    """The platform's API over real HTTP: its address."""
    with serving_api(api) as url:
        yield url


@pytest.fixture
def client(base: str, clock: HandClock) -> Client:
    return client_at(base, clock)


@pytest.fixture
def life(settings: Settings, clock: HandClock, api: Api) -> Iterator[Life]:
    with serving_api(api) as base:
        account = settings.official_account
        assert account is not None
        values = account.model_dump() | {
            "secret": SECRET, "kind": "service", "verified": True, "api_base": base,
            "template": [
                {"topic": "meeting", "way": "template", "id": TEMPLATE_ID, "fields": {"thing1": "title", "thing2": "line1"}},
            ],
        }  # fmt: skip
        pushing = settings.model_copy(
            update={"official_account": type(account).model_validate(values)}
        )
        built = replace(build(pushing, "worker"), clock=clock)
        prepare_database(built)
        enrol(built, OPENID, account=ACCOUNT)
        begun = Life(built, api, clock)
        begun.run()
        # What these tests say is all that there is to say.
        with built.database.begin() as session:
            session.execute(update(Schedule).values(state="stopped", next_slot=None))
        yield begun
        built.database.dispose()
