"""Every dialogue of every pack through signed HTTP, on both databases."""

from datetime import UTC, datetime

import pytest

from bot.bootstrap import Application, default_community
from bot.cli.play import play, prepare
from content import loader
from content.schema_play import Dialogue
from tests.conftest import HandClock
from tests.platform import platform_of, serving

DIALOGUES = {
    f"{pack.name}/{name}": dialogue
    for pack in loader.load().packs.values()
    for name, dialogue in pack.dialogues.items()
}


@pytest.mark.parametrize("dialogue", DIALOGUES.values(), ids=DIALOGUES.keys())
def test_dialogue(dialogue: Dialogue, application: Application, clock: HandClock) -> None:
    clock.time = datetime.fromisoformat(dialogue.starts_at).astimezone(UTC)
    with serving(application) as callback:
        names = prepare(
            application.database, dialogue, default_community(application.settings), clock.now()
        )
        lines = list(play(platform_of(application, callback), dialogue, clock.forward, names))
    assert len(lines) >= len(dialogue.turns)
