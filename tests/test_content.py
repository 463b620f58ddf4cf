"""Packs load; a broken one is described file by file."""

from pathlib import Path

import pytest

from bot.errors import ContentError
from content import loader
from content.messages import fields_of
from handlers import ROUTERS

PACKS = loader.load()


def pack(folder: Path, name: str, text: str, file: str = "messages.toml") -> None:
    path = folder / name / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def problems(folder: Path) -> str:
    with pytest.raises(ContentError) as caught:
        loader.load(folder)
    return "\n".join(caught.value.problems)


def test_the_shipped_packs_load() -> None:
    assert PACKS.names == ("party-branch",)
    assert len(PACKS.packs["party-branch"].dialogues) >= 1


def test_every_command_has_its_line_of_help_in_every_pack() -> None:
    for name in PACKS.names:
        for router in ROUTERS:
            for word, (command, _) in router.commands.items():
                if not command.help:
                    continue
                assert PACKS.packs[name].messages.say(command.help).startswith(word)


def test_a_pack_says_it_in_its_own_words(tmp_path: Path) -> None:
    pack(tmp_path, "base", '[a]\nb = "你好 {name}"\nc = "再见"')
    pack(tmp_path, "club", '[a]\nb = "{name}，来啦"')
    messages = loader.load(tmp_path).packs["club"].messages

    assert messages.say("a.b", name="甲") == "甲，来啦"
    assert messages.say("a.c") == "再见"
    with pytest.raises(KeyError):
        messages.say("a.d")


def test_every_problem_of_a_pack_is_listed(tmp_path: Path) -> None:
    pack(tmp_path, "base", '[a]\nb = "{name}"\nc = "{"\nd = 5')
    pack(tmp_path, "club", '[a]\nb = "{nme}"\nx = "new"')
    pack(tmp_path, "class", "[a")
    pack(tmp_path, "class", 'title = "t"\nturns = []\ncolour = 1', "dialogues/1.toml")
    found = problems(tmp_path)

    for part in ("a.c:", "a.d: must be a text", "unknown fields nme", "no such message",
                 "class/messages.toml", "turns", "colour"):  # fmt: skip
        assert part in found


def test_text_that_is_not_utf8_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "messages.toml").write_bytes(b'a = "\xff"')
    assert "messages.toml" in problems(tmp_path)


def test_fields_of_a_template() -> None:
    assert fields_of("{a} 和 {b}，{{不是}}") == {"a", "b"}
