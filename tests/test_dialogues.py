"""Every dialogue of every pack through signed HTTP, on both databases."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.bootstrap import Application, build, default_community, prepare_database
from bot.cli.play import play, prepare
from bot.cli.play_wecom import BOT, WecomChats, callback_section
from bot.config import Settings
from bot.simulator.server import Request, Response
from bot.simulator.server import serving as serving_files
from bot.simulator.wecom.callback import Callback
from bot.simulator.wecom.enterprise import Enterprise
from content import loader
from content.schema_play import Dialogue
from tests.conftest import HandClock
from tests.platform import platform_of, serving

DIALOGUES = {
    f"{pack.name}/{name}": dialogue
    for pack in loader.load().packs.values()
    for name, dialogue in pack.dialogues.items()
}
ACCOUNT = {name: one for name, one in DIALOGUES.items() if not one.in_wecom}
WECOM = {name: one for name, one in DIALOGUES.items() if one.in_wecom}


@pytest.mark.parametrize("dialogue", ACCOUNT.values(), ids=ACCOUNT.keys())
def test_dialogue(dialogue: Dialogue, application: Application, clock: HandClock) -> None:
    clock.time = datetime.fromisoformat(dialogue.starts_at).astimezone(UTC)
    with serving(application) as callback:
        lines = played(dialogue, application, callback, clock)
    assert len(lines) >= len(dialogue.turns)


@pytest.mark.parametrize("dialogue", WECOM.values(), ids=WECOM.keys())
def test_dialogue_in_wecom(dialogue: Dialogue, settings: Settings, clock: HandClock) -> None:
    """By the bot's callback, which is where silence is an answer."""
    clock.time = datetime.fromisoformat(dialogue.starts_at).astimezone(UTC)
    with with_callback(settings, clock) as (application, callback, wecom):
        lines = played(dialogue, application, callback, clock, wecom)
    assert len(lines) >= len(dialogue.turns)


def played(
    dialogue: Dialogue, application: Application, callback: str, clock: HandClock,
    wecom: WecomChats | None = None,
) -> list[str]:  # fmt: skip
    defaults = default_community(application.settings)
    names = prepare(application.database, dialogue, defaults, clock.now())
    platform = platform_of(application, callback)
    return list(play(platform, dialogue, clock.forward, names, wecom))


@contextmanager
def with_callback(
    settings: Settings, clock: HandClock
) -> Iterator[tuple[Application, str, WecomChats]]:
    """The application with both channels, its official account's callback, and WeCom's people."""
    lines: list[Callback] = []

    def answer(request: Request) -> Response:
        return lines[0].answer(request)

    with serving_files(answer) as base:
        values = settings.model_dump() | {"wecom_bot": callback_section(base)}
        application = replace(build(Settings.model_validate(values), "web"), clock=clock)
        prepare_database(application)
        try:
            with serving(application) as callback:
                url = callback.replace("official-account", "wecom-bot")
                line = Callback(Enterprise(BOT, clock), url, attempts=1)
                line.files.base = line.responses.base = base
                lines.append(line)
                yield application, callback, WecomChats(line.enterprise, line)
        finally:
            application.database.dispose()
