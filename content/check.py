"""A pack's own examples and questions as its regression suite: what is not told apart any more."""

from collections.abc import Iterator

from content.classifier import LOOK_UP
from content.loader import Library, Pack


def check(library: Library) -> list[str]:
    """Every problem as pack: what: reason. Reading the files has found the others already."""
    return [
        f"{name}: {problem}"
        for name in library.names
        for problem in (*_examples(library.packs[name]), *_entries(library.packs[name]))
    ]


def _examples(pack: Pack) -> Iterator[str]:
    """Each example is what it is an example of."""
    entries = pack.knowledge.entries.values()
    asked = {text for entry in entries for text in (entry.question, *entry.variants)}
    for name, texts in pack.questions.examples.items():
        for text in texts:
            if text in asked:
                continue
            decision = pack.questions.decide(text)
            found = decision.name or LOOK_UP
            if found != name:
                yield f"examples: {name}: {text}: is taken for {found}"


def _entries(pack: Pack) -> Iterator[str]:
    """Each entry is found by its own question and variants."""
    for entry in pack.knowledge.entries.values():
        for text in (entry.question, *entry.variants):
            decision = pack.questions.decide(text)
            if decision.entry != entry.id:
                found = decision.entry or decision.name or decision.kind
                yield f"entry {entry.id}: {text}: is taken for {found}"
