"""Reads packs: the base pack's messages, then each pack over it."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from pydantic import ValidationError

from bot.errors import ContentError
from content.messages import Messages, fields_of
from content.schema import Dialogue, DialogueFile, Lexicon

BASE = "base"


@dataclass(frozen=True, slots=True)
class Pack:
    """`dialogues` maps file name and number to dialogue, in their order.

    `courtesies` maps a word (simplified, bare, lower case) to its kind.
    """

    name: str
    messages: Messages
    courtesies: Mapping[str, str]
    dialogues: Mapping[str, Dialogue]


@dataclass(frozen=True, slots=True)
class Library:
    packs: Mapping[str, Pack]

    @property
    def names(self) -> tuple[str, ...]:
        """The packs that a community can have: all but the base."""
        return tuple(name for name in self.packs if name != BASE)


def load(root: Traversable | None = None) -> Library:
    """Every pack below `root` (default: those that are installed with the program).

    Raises ContentError that lists every problem as file: key: reason.
    """
    folder = root if root is not None else files("content") / "packs"
    problems: list[str] = []
    base = _messages(folder / BASE, problems)
    courtesies = _courtesies(folder / BASE, problems)
    dialogues = _dialogues(folder / BASE, problems)
    packs = {BASE: Pack(BASE, Messages(base), courtesies, dialogues)}
    for child in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if child.is_dir() and child.name != BASE and not child.name.startswith(("_", ".")):
            own = _messages(child, problems)
            problems += _overrides(child.name, base, own)
            packs[child.name] = Pack(
                child.name,
                Messages({**base, **own}),
                {**courtesies, **_courtesies(child, problems)},
                _dialogues(child, problems),
            )
    if problems:
        raise ContentError(problems)
    return Library(packs)


def _toml(file: Traversable, problems: list[str]) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        problems.append(f"{file}: {error}")
        return {}


def _messages(folder: Traversable, problems: list[str]) -> dict[str, str]:
    file = folder / "messages.toml"
    if not file.is_file():
        return {}
    found: dict[str, str] = {}
    for key, value in _flat(_toml(file, problems)):
        if not isinstance(value, str):
            problems.append(f"{file}: {key}: must be a text")
            continue
        try:
            fields_of(value)
        except ValueError as error:
            problems.append(f"{file}: {key}: {error}")
        found[key] = value.strip()
    return found


def _courtesies(folder: Traversable, problems: list[str]) -> dict[str, str]:
    file = folder / "lexicon.toml"
    if not file.is_file():
        return {}
    try:
        lexicon = Lexicon.model_validate(_toml(file, problems))
    except ValidationError as error:
        problems += _sentences(file, error)
        return {}
    return {word: kind for kind, words in lexicon.courtesies.items() for word in words}


def _overrides(pack: str, base: Mapping[str, str], own: Mapping[str, str]) -> Iterator[str]:
    """A pack may say the base's things in other words; new keys or fields are a mistake."""
    for key, value in own.items():
        if key not in base:
            yield f"{pack}/messages.toml: {key}: the base pack has no such message"
        elif unknown := fields_of(value) - fields_of(base[key]):
            yield f"{pack}/messages.toml: {key}: unknown fields {', '.join(sorted(unknown))}"


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _dialogues(folder: Traversable, problems: list[str]) -> dict[str, Dialogue]:
    found: dict[str, Dialogue] = {}
    home = folder / "dialogues"
    if not home.is_dir():
        return found
    for file in sorted(home.iterdir(), key=lambda entry: entry.name):
        if not file.name.endswith(".toml"):
            continue
        try:
            content = DialogueFile.model_validate(_toml(file, problems))
        except ValidationError as error:
            problems += _sentences(file, error)
            continue
        stem = file.name.removesuffix(".toml")
        for number, dialogue in enumerate(content.dialogue, start=1):
            found[f"{stem}-{number:02}"] = dialogue
    return found


def _sentences(file: Traversable, error: ValidationError) -> list[str]:
    return [
        f"{file}: {'.'.join(str(part) for part in item['loc'])}: {item['msg']}"
        for item in error.errors()
    ]
