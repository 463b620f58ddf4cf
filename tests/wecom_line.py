"""A bot on the sandbox's long connection, with the worker that leads."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from bot.bootstrap import (
    Application,
    build,
    build_line,
    build_worker,
    prepare_database,
    tick_once,
)
from bot.clock import elapsed, pause
from bot.config import Settings
from bot.domain.messages import Notice
from bot.platforms.wecom_bot.connection import Patience
from bot.services import deliveries
from bot.services.deliveries import Saying
from bot.simulator.wecom.connection import LongConnection, serving_connection
from bot.simulator.wecom.enterprise import Bot, Enterprise
from bot.simulator.wecom.exchange import Exchange
from bot.simulator.wecom.people import People
from bot.storage.models import GroupChat
from scheduler.line import Line
from tests.conftest import HandClock

SECRET = "longsecret"
QUICK = Patience(0.05, 0.2, 0.3, 0.6, 5.0, 0.3, 1.0)
BOT = Bot(name="学伴", secret=SECRET)


@dataclass
class Side:
    """Both ends: the sandbox's enterprise with its people, and our application with its line."""

    application: Application
    line: Line
    enterprise: Enterprise
    platform: LongConnection
    people: People
    clock: HandClock

    def says(self, who: str, text: str, chat: str = "") -> Exchange:
        return self.people.say(who, f"@学伴 {text}" if chat else text, chat=chat).wait(10)

    def tap(self, who: str, asked: Exchange, button: int) -> Exchange:
        """A button of the card that was the answer."""
        assert asked.last is not None
        assert asked.card is not None
        return self.people.tap(who, asked.last, asked.card["button_list"][button]["key"]).wait(10)

    def tell_group(self, text: str) -> None:
        """Something for the linked group G1."""
        saying = Saying("meeting", f"m:{text}", Notice("meeting", lines=(text,)))
        with self.application.database.begin() as session:
            deliveries.tell_groups(session, 1, saying, self.clock.now())

    def send_due(self) -> None:
        """Everything that is due now and can be sent from here."""
        tick_once(self.application)
        build_worker(self.application, line=self.line).drain()

    def pushed(self, chat: str) -> list[str]:
        return [one.text for one in self.enterprise.messages(chat) if one.way == "push"]


@contextmanager
def connected(settings: Settings, clock: HandClock, patience: Patience = QUICK) -> Iterator[Side]:
    """Members U1 to U9, a linked group G1 with all of them, and fifty others without the bot's
    knowledge.
    """
    enterprise = Enterprise(BOT, clock)
    for number in range(1, 10):
        enterprise.add_member(f"U{number}")
    enterprise.add_group("G1", "一班", tuple(f"U{number}" for number in range(1, 10)))
    with serving_connection(enterprise) as platform:
        section: dict[str, Any] = {
            "bot_id": BOT.id, "secret": SECRET, "ws_url": platform.url, "name": "学伴",
        }  # fmt: skip
        values = settings.model_dump() | {"wecom_bot": section, "official_account": None}
        built = replace(build(Settings.model_validate(values), "worker"), clock=clock)
        prepare_database(built)
        with built.database.begin() as session:
            chat = {"channel": "wecom_bot", "account": BOT.id, "value": "G1"}
            session.add(GroupChat(**chat, community_id=1, linked_at=clock.now()))
        line = build_line(built, patience)
        assert line is not None
        build_worker(built, line=line)
        line.lead(True)
        assert platform.wait_live(10)
        side = Side(built, line, enterprise, platform, People(enterprise, platform), clock)
        try:
            yield side
        finally:
            line.lead(False)
            built.database.dispose()


def until(condition: Any, seconds: float = 10.0) -> bool:
    """Whether it has come true in time."""
    end = elapsed() + seconds
    while not condition():
        if elapsed() > end:
            return False
        pause(0.01)
    return True
