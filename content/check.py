"""A pack's own examples and questions as its regression suite: what is not told apart any more."""

from collections.abc import Collection, Iterator
from datetime import date

from content.classifier import LOOK_UP
from content.loader import BASE, Library, Pack
from content.questions import DRAFT
from content.schema import Entry


def check(library: Library, commands: Collection[str], kinds: Collection[str]) -> list[str]:
    """Every problem as file: entry: reason; `commands` are the words that there are, `kinds` the
    routines.

    What reading the files finds has been raised before.
    """
    if not library.names:
        return ["there is no pack beside the base"]
    return [
        problem
        for pack in (library.packs[name] for name in library.names)
        for problem in (
            *unknown_commands(pack, commands),
            *unknown_buttons(pack, commands),
            *unknown_kinds(pack, kinds),
            *_examples(pack),
            *_entries(pack),
            *_confused(pack),
        )
    ]


def still_to_come(library: Library, latest: date) -> list[str]:
    """What was checked on a day after `latest`, which is the last that has come anywhere."""
    found: dict[str, date] = {}
    inherited = library.packs[BASE].knowledge.documents
    for pack in library.packs.values():
        for document in pack.knowledge.documents.values():
            if pack.name == BASE or document.id not in inherited:
                found[f"{pack.name}/sources.toml: {document.id}"] = document.checked_on
        for entry in _known(pack):
            found[f"{pack.knowledge.files[entry.id]}: {entry.id}"] = entry.checked_on
    return [
        f"{place}: checked_on: {day} is still to come"
        for place, day in found.items()
        if day > latest
    ]


def unknown_commands(pack: Pack, commands: Collection[str]) -> Iterator[str]:
    """Wishes can only be for commands that somebody serves."""
    for word in sorted(pack.questions.commands - set(commands)):
        yield f"{pack.name}/examples.toml or wishes.toml: {word}: is no command"


def unknown_buttons(pack: Pack, commands: Collection[str]) -> Iterator[str]:
    """A button of the menu says a command."""
    for button in pack.menu:
        for one in button.buttons or (button,):
            if one.say.split()[0] not in commands:
                yield f"{pack.name}/menu.toml: {one.name}: {one.say}: is no command"


def unknown_kinds(pack: Pack, kinds: Collection[str]) -> Iterator[str]:
    """A routine can only be one that somebody brings about."""
    for kind in sorted(set(pack.routines.rules) - set(kinds)):
        yield f"{pack.name}/routines.toml: routine: {kind}: is none of {', '.join(sorted(kinds))}"


def _examples(pack: Pack) -> Iterator[str]:
    """Each example is what it is an example of."""
    asked = {text for entry in _known(pack) for text in (entry.question, *entry.variants)}
    for name, texts in pack.questions.examples.items():
        for text in texts:
            if text in asked:
                continue
            decision = pack.questions.decide(text)
            found = LOOK_UP if decision.name in ("", DRAFT) else decision.name
            if found != name:
                yield f"{pack.name}/examples.toml: {name}: {text}: is taken for {found}"


def _entries(pack: Pack) -> Iterator[str]:
    """Each entry and draft is found by its own question and variants."""
    for entry in _known(pack):
        for text in (entry.question, *entry.variants):
            decision = pack.questions.decide(text)
            if decision.entry != entry.id:
                found = decision.entry or decision.name or decision.kind
                file = pack.knowledge.files[entry.id]
                yield f"{file}: {entry.id}: {text}: is taken for {found}"


def _confused(pack: Pack) -> Iterator[str]:
    """No two entries may be asked for alike: what one of them has, the other would answer."""
    knowledge = pack.knowledge
    for entry in _known(pack):
        for text in (entry.question, *entry.variants):
            for other in knowledge.matcher.rivals(entry.id, text):
                file = knowledge.files[entry.id]
                yield f"{file}: {entry.id}: {text}: would be answered with {other} as well"


def _known(pack: Pack) -> Iterator[Entry]:
    yield from pack.knowledge.entries.values()
    yield from pack.knowledge.drafts.values()
