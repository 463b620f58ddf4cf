"""docs/packs.md: the pack that it writes step by step is whole, and does what the page says."""

import re
import shutil
from datetime import UTC, datetime
from importlib.resources import as_file, files
from pathlib import Path

import pytest

from bot.bootstrap import COMMANDS, ROUTINES, Application
from bot.config import Settings
from content import loader
from content.check import check
from tests.conftest import HandClock
from tests.platform import serving
from tests.test_dialogues import played

PAGE = Path(__file__).parents[1] / "docs" / "packs.md"
FILE = re.compile(r"^```toml\n# (\S+\.toml)\n(.*?)^```$", re.M | re.S)


@pytest.fixture
def dialect() -> str:
    return "sqlite"


@pytest.fixture
def packs(tmp_path: Path) -> Path:
    """The base pack, and beside it the page's."""
    folder = tmp_path / "packs"
    with as_file(files("content") / "packs" / "base") as base:
        shutil.copytree(base, folder / "base")
    for name, text in FILE.findall(PAGE.read_text(encoding="utf-8")):
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def settings(settings: Settings, packs: Path) -> Settings:
    values = settings.model_dump()
    values["content"]["dir"] = packs
    values["defaults"]["pack"] = "badminton"
    return Settings.model_validate(values)


def test_the_page_writes_a_whole_pack(packs: Path) -> None:
    library = loader.load(packs)
    assert library.names == ("badminton",)
    assert check(library, COMMANDS, ROUTINES) == []
    pack = library.packs["badminton"]
    assert pack.questions.decide("入社交多少钱").entry == "fee"
    assert pack.routines.rules["study_card"] == "每周一三五 12:30"
    assert [len(pack.study.cards), len(pack.study.quiz), len(pack.dialogues)] == [1, 1, 1]
    assert "badminton: " in (page := PAGE.read_text(encoding="utf-8"))
    assert f"{len(pack.knowledge.entries)} entries, {len(pack.knowledge.documents)} docu" in page


def test_its_dialogue_can_be_played(application: Application, clock: HandClock) -> None:
    (dialogue,) = application.library.packs["badminton"].dialogues.values()
    clock.time = datetime.fromisoformat(dialogue.starts_at).astimezone(UTC)
    with serving(application) as callback:
        assert len(played(dialogue, application, callback, clock)) >= len(dialogue.turns)
