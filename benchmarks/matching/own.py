"""Our own questions to learn from: questions.txt and the packs' entries, as knowledge bases."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from content import loader

_FILE = Path(__file__).parent / "questions.txt"


@dataclass(frozen=True, slots=True)
class Base:
    """`texts` by entry; `near` are questions that are near and have no entry, by the nearest."""

    texts: dict[str, tuple[str, ...]]
    near: tuple[tuple[str, str], ...]


def written() -> Base:
    """What was written for this purpose."""
    texts, near = {}, []
    lines = [line for line in _FILE.read_text("utf-8").splitlines() if not line.startswith("#")]
    for number, line in enumerate(filter(None, lines)):
        same, _, others = line.partition("||")
        name = f"Q{number:03}"
        texts[name] = tuple(_parts(same))
        near += [(name, text) for text in _parts(others)]
    known = {text for every in texts.values() for text in every}
    return Base(texts, tuple((name, text) for name, text in near if text not in known))


def pack(name: str) -> Base:
    """An installed pack's entries."""
    entries = loader.load().packs[name].knowledge.entries.values()
    return Base({entry.id: (entry.question, *entry.variants) for entry in entries}, ())


def _parts(text: str) -> Iterator[str]:
    yield from (part.strip() for part in text.split("|") if part.strip())
