"""Every dialogue of every pack through signed HTTP, on both databases."""

from datetime import UTC, datetime

import pytest

from bot.bootstrap import Application, default_community
from bot.cli.play import play, prepare
from bot.cli.play_wecom import WecomChats
from bot.config import Settings
from content import loader
from content.schema_play import Dialogue
from tests.called_line import with_callback
from tests.conftest import HandClock
from tests.platform import platform_of, serving

DIALOGUES = {
    f"{pack.name}/{name}": (pack.name, dialogue)
    for pack in loader.load().packs.values()
    for name, dialogue in pack.dialogues.items()
}
ACCOUNT = {name: one for name, one in DIALOGUES.items() if not one[1].in_wecom}
WECOM = {name: one for name, one in DIALOGUES.items() if one[1].in_wecom}


@pytest.fixture
def public_url() -> str:
    return ""


@pytest.fixture
def settings(settings: Settings, pack: str) -> Settings:
    """The first community has the pack whose dialogue it is."""
    values = settings.model_dump()
    values["defaults"]["pack"] = pack
    return Settings.model_validate(values)


@pytest.mark.parametrize(("pack", "dialogue"), ACCOUNT.values(), ids=ACCOUNT.keys())
def test_dialogue(
    pack: str, dialogue: Dialogue, application: Application, clock: HandClock
) -> None:
    assert application.settings.defaults.pack == pack
    clock.time = datetime.fromisoformat(dialogue.starts_at).astimezone(UTC)
    with serving(application) as callback:
        lines = played(dialogue, application, callback, clock)
    assert len(lines) >= len(dialogue.turns)


@pytest.mark.parametrize(("pack", "dialogue"), WECOM.values(), ids=WECOM.keys())
def test_dialogue_in_wecom(
    pack: str, dialogue: Dialogue, settings: Settings, clock: HandClock
) -> None:
    """By the bot's callback, which is where silence is an answer."""
    assert settings.defaults.pack == pack
    clock.time = datetime.fromisoformat(dialogue.starts_at).astimezone(UTC)
    with with_callback(settings, clock) as (application, callback, line):
        wecom = WecomChats(line.enterprise, line)
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
