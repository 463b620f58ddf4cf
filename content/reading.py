"""Reads a pack's files; every problem is kept as file: key: reason, and none stops the rest."""

import tomllib
from collections.abc import Iterator, Mapping
from importlib.resources.abc import Traversable
from typing import Any, TypeVar

from pydantic import ValidationError

from content.schema import Strict

Shape = TypeVar("Shape", bound=Strict)
Place = tuple[int | str, ...]
# A pack's largest file has some 70 kB; what is longer than this was put there by mistake.
MOST_BYTES = 1_000_000
# By the first of these an item of a list is called.
_NAMES = ("id", "title", "kind")


class Reader:
    """Collects problems; what cannot be read counts as empty."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def note(self, file: Traversable | str, reason: str) -> None:
        self.problems.append(f"{file}: {reason}")

    def table(self, file: Traversable) -> dict[str, Any]:
        """The file's content; an empty table where there is no such file."""
        if not file.is_file():
            return {}
        try:
            return tomllib.loads(_text_of(file))
        except OSError as error:
            self.note(file, f"cannot be read: {error.strerror}")
        except RecursionError:
            self.note(file, "its lists or tables stand too deep in one another")
        except ValueError as error:
            self.note(file, str(error))
        return {}

    def shaped(self, file: Traversable, shape: type[Shape]) -> Shape | None:
        """The file's content in its shape; None where there is no such file or it is wrong."""
        known = len(self.problems)
        content = self.table(file)
        if not file.is_file() or len(self.problems) > known:
            return None
        try:
            return shape.model_validate(content)
        except ValidationError as error:
            for place, reason in _problems(error):
                self.note(file, f"{_place(content, place)}: {reason}")
            return None

    def each(self, folder: Traversable, shape: type[Shape]) -> Iterator[tuple[str, Shape]]:
        """Every .toml file of the folder in the order of names: its stem and content."""
        if not folder.is_dir():
            return
        for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
            if file.name.endswith(".toml") and (content := self.shaped(file, shape)):
                yield file.name.removesuffix(".toml"), content


def _text_of(file: Traversable) -> str:
    """Raises ValueError for what is too long, of which no more than that is read, or not UTF-8."""
    with file.open("rb") as stream:
        raw = stream.read(MOST_BYTES + 1)
    if len(raw) > MOST_BYTES:
        raise ValueError(f"the file has more than {MOST_BYTES // 1_000_000} MB; it was not read")
    try:
        # Editors of Windows put a mark before the text.
        return raw.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ValueError(f"line {line}: is not UTF-8; save the file in that encoding") from error


def flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Nested tables as dotted keys."""
    for key, value in table.items():
        if isinstance(value, dict):
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _problems(error: ValidationError) -> Iterator[tuple[Place, str]]:
    """Place and reason; that a list is too short is none where its items are what is wrong."""
    found = [(tuple(item["loc"]), item["type"], _said(item["msg"])) for item in error.errors()]
    for place, kind, reason in found:
        inside = (other for other, _, _ in found if other != place and other[: len(place)] == place)
        if kind != "too_short" or not any(inside):
            yield place, reason


def _said(message: str) -> str:
    return message.removeprefix("Value error, ")


def _place(content: Mapping[str, Any], path: Place) -> str:
    """entry: B02: answer rather than entry.7.answer, where the item has a name."""
    found: Any = content
    parts: list[str] = []
    for step in path:
        found = found[step] if _has(found, step) else None
        names = found if isinstance(step, int) and isinstance(found, dict) else {}
        parts.append(str(next((names[key] for key in _NAMES if key in names), step)))
    return ": ".join(parts) or "the file"


def _has(found: Any, step: int | str) -> bool:
    if isinstance(found, dict):
        return step in found
    return isinstance(found, list) and isinstance(step, int) and step < len(found)
