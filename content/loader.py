"""Packs from their files: the base pack, then each pack over it."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from bot.errors import ContentError
from content import routines, rules, sources
from content.classifier import LOOK_UP, Traits
from content.knowledge import Knowledge
from content.matcher import Normaliser
from content.messages import Messages, fields_of
from content.questions import Guide, Questions
from content.reading import Reader, flat
from content.routines import Routines
from content.rules import Rules
from content.schema import (
    Document,
    Entry,
    EntryFile,
    ExampleFile,
    HelpLine,
    HelpLineFile,
    Lexicon,
    MenuButton,
    MenuFile,
    Refusal,
    RefusalFile,
    RoutineFile,
    Sources,
    Wish,
    WishFile,
    WordsFile,
)
from content.schema_play import DemoFile, Dialogue, DialogueFile
from content.schema_study import Card, CardFile, QuizFile, QuizQuestion
from content.study import Study, study

BASE = "base"
# What a pack's folder may hold; what is called otherwise would never be read.
_FILES = frozenset(
    f"{name}.toml"
    for name in (
        "messages", "lexicon", "words", "examples", "refusals", "wishes", "help_lines", "routines",
        "sources", "menu", "demo",
    )
)  # fmt: skip
_FOLDERS = frozenset({"knowledge", "dialogues", "quiz", "cards"})


@dataclass(frozen=True, slots=True)
class Pack:
    """`dialogues` maps file name and number to dialogue, in their order.

    `courtesies` maps a word (simplified, bare, lower case) to its kind.
    """

    name: str
    messages: Messages
    courtesies: Mapping[str, str]
    dialogues: Mapping[str, Dialogue]
    questions: Questions
    routines: Routines
    menu: tuple[MenuButton, ...]
    demo: DemoFile | None
    study: Study

    @property
    def knowledge(self) -> Knowledge:
        return self.questions.knowledge


@dataclass(frozen=True, slots=True)
class Library:
    packs: Mapping[str, Pack]

    @property
    def names(self) -> tuple[str, ...]:
        """The packs that a community can have: all but the base."""
        return tuple(name for name in self.packs if name != BASE)


@dataclass(frozen=True, slots=True)
class _Raw:
    """One folder's files, each in its shape and not yet put over the base's."""

    folder: Traversable
    messages: dict[str, str]
    lexicon: Lexicon
    words: WordsFile
    examples: ExampleFile
    refusals: RefusalFile
    wishes: WishFile
    help_lines: HelpLineFile
    routines: RoutineFile
    sources: tuple[Document, ...]
    entries: tuple[tuple[str, Entry], ...]
    dialogues: Mapping[str, Dialogue]
    menu: MenuFile | None
    demo: DemoFile | None
    quiz: tuple[tuple[str, QuizQuestion], ...]
    cards: tuple[tuple[str, Card], ...]


@cache
def _installed() -> Library:
    return load(files("content") / "packs")


def load(folder: Traversable | None = None) -> Library:
    """Every pack below the folder (default: those that are installed, read once a process).

    Raises ContentError that lists every problem as file: key: reason.
    """
    if folder is None:
        return _installed()
    reader = Reader()
    if not (folder / BASE).is_dir():
        raise ContentError(
            [f"{folder / BASE}: there is no base pack, which every pack inherits from"]
        )
    base = _read(reader, folder / BASE)
    packs = {BASE: _pack(reader, BASE, [base])}
    for child in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if child.is_dir() and child.name != BASE and not child.name.startswith(("_", ".")):
            own = _read(reader, child)
            reader.problems += _overrides(child.name, base.messages, own.messages)
            packs[child.name] = _pack(reader, child.name, [base, own])
    if reader.problems:
        raise ContentError(list(dict.fromkeys(reader.problems)))
    return Library(packs)


def _read(reader: Reader, folder: Traversable) -> _Raw:
    for stray in _strays(folder):
        reader.note(stray, "no file of a pack is called so, and nothing reads it")
    documents = reader.shaped(folder / "sources.toml", Sources)
    own = reader.shaped(folder / "routines.toml", RoutineFile) or RoutineFile()
    for problem in routines.problems_of(own):
        reader.note(folder / "routines.toml", problem)
    return _Raw(
        folder=folder,
        messages=_messages(reader, folder / "messages.toml"),
        lexicon=reader.shaped(folder / "lexicon.toml", Lexicon) or Lexicon(),
        words=reader.shaped(folder / "words.toml", WordsFile) or WordsFile(),
        examples=reader.shaped(folder / "examples.toml", ExampleFile) or ExampleFile(),
        refusals=reader.shaped(folder / "refusals.toml", RefusalFile) or RefusalFile(),
        wishes=reader.shaped(folder / "wishes.toml", WishFile) or WishFile(),
        help_lines=reader.shaped(folder / "help_lines.toml", HelpLineFile) or HelpLineFile(),
        routines=own,
        sources=documents.document if documents else (),
        entries=tuple(
            (f"{folder / 'knowledge' / stem}.toml", entry)
            for stem, content in reader.each(folder / "knowledge", EntryFile)
            for entry in content.entry
        ),
        dialogues={
            f"{stem}-{number:02}": dialogue
            for stem, content in reader.each(folder / "dialogues", DialogueFile)
            for number, dialogue in enumerate(content.dialogue, start=1)
        },
        menu=reader.shaped(folder / "menu.toml", MenuFile),
        demo=reader.shaped(folder / "demo.toml", DemoFile),
        quiz=tuple(
            (f"{folder / 'quiz' / stem}.toml", question)
            for stem, content in reader.each(folder / "quiz", QuizFile)
            for question in content.question
        ),
        cards=tuple(
            (f"{folder / 'cards' / stem}.toml", card)
            for stem, content in reader.each(folder / "cards", CardFile)
            for card in content.card
        ),
    )


def _strays(folder: Traversable) -> Iterator[Traversable]:
    """Folders and .toml files with names that nothing asks for."""
    if not folder.is_dir():
        return
    for child in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if child.name.startswith(("_", ".")):
            continue
        known = _FOLDERS if child.is_dir() else _FILES
        if child.name not in known and (child.is_dir() or child.name.endswith(".toml")):
            yield child


def _messages(reader: Reader, file: Traversable) -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in flat(reader.table(file)):
        if not isinstance(value, str):
            reader.note(file, f"{key}: must be a text")
            continue
        try:
            fields_of(value)
        except ValueError as error:
            reader.note(file, f"{key}: {error}")
            continue
        found[key] = value.strip()
    return found


def _overrides(pack: str, base: Mapping[str, str], own: Mapping[str, str]) -> Iterator[str]:
    """A pack may say the base's things in other words; new keys or fields are a mistake."""
    for key, value in own.items():
        if key not in base:
            yield f"{pack}/messages.toml: {key}: the base pack has no such message"
        elif unknown := fields_of(value) - fields_of(base[key]):
            yield f"{pack}/messages.toml: {key}: unknown fields {', '.join(sorted(unknown))}"


def _pack(reader: Reader, name: str, layers: list[_Raw]) -> Pack:
    """The layers put together, the base first; what a later one says of the same wins."""
    own = layers[-1]
    courtesies = {
        word: kind
        for raw in layers
        for kind, words in raw.lexicon.courtesies.items()
        for word in words
    }
    questions = _questions(reader, layers)
    return Pack(
        name,
        Messages({key: text for raw in layers for key, text in raw.messages.items()}),
        courtesies,
        own.dialogues,
        questions,
        routines.merged([raw.routines for raw in layers]),
        next((raw.menu.button for raw in reversed(layers) if raw.menu), ()),
        own.demo,
        study(reader, questions.knowledge, own.quiz, own.cards),
    )


def _questions(reader: Reader, layers: list[_Raw]) -> Questions:
    knowledge = _knowledge(reader, layers)
    own = layers[-1].folder
    names, lists = _words(layers)
    words = {**names, **lists}
    wish_words = dict(words)
    for raw in layers:
        wish_words |= raw.wishes.words
    wishes = [wish for raw in layers for wish in raw.wishes.wish]
    return Questions(
        refusals=_rules(reader, own / "refusals.toml", _refusals(layers), words),
        wishes=_rules(reader, own / "wishes.toml", wishes, wish_words),
        guides=list(_guides(reader, layers, knowledge)),
        knowledge=knowledge,
        examples=_examples(layers),
        traits=_traits(reader, layers),
    )


def _examples(layers: list[_Raw]) -> dict[str, list[str]]:
    """By class; the pack's own questions and their variants are to be looked up."""
    found: dict[str, list[str]] = {LOOK_UP: []}
    for raw in layers:
        found[LOOK_UP] += raw.examples.look_up
        for _, entry in raw.entries:
            found[LOOK_UP] += [entry.question, *entry.variants]
        for name, texts in [*raw.examples.refusal.items(), *raw.examples.wish.items()]:
            found.setdefault(name, []).extend(texts)
    return found


def _words(layers: list[_Raw]) -> tuple[dict[str, str], dict[str, str]]:
    names = {key: value for raw in layers for key, value in raw.words.names.items()}
    lists = {key: value for raw in layers for key, value in raw.words.lists.items()}
    return names, lists


def _traits(reader: Reader, layers: list[_Raw]) -> Traits:
    names, lists = _words(layers)
    file = layers[-1].folder / "words.toml"
    compiled: dict[str, re.Pattern[str]] = {}
    for key, value in {**names, **lists}.items():
        try:
            compiled[key] = rules.pattern(value, {**names, **lists})
        except ValueError as error:
            reader.note(file, f"{key}: {error}")
    nobody = re.compile(r"(?!)")
    return Traits(
        lists={key: compiled[key] for key in lists if key in compiled},
        name=compiled.get("person", nobody),
        public=compiled.get("public", nobody),
    )


def _refusals(layers: list[_Raw]) -> list[Refusal]:
    """A pack's own patterns come to those that the base has for the same class."""
    merged: dict[str, Refusal] = {}
    for refusal in (refusal for raw in layers for refusal in raw.refusals.refusal):
        before = merged.get(refusal.name)
        merged[refusal.name] = (
            Refusal(
                name=refusal.name,
                harmless=before.harmless + refusal.harmless,
                rules=before.rules + refusal.rules,
            )
            if before
            else refusal
        )
    return list(merged.values())


def _rules(
    reader: Reader, file: Traversable, items: Iterable[Refusal | Wish], words: Mapping[str, str]
) -> Rules:
    try:
        return Rules(rules.compiled(items, words))
    except ValueError as error:
        reader.note(file, str(error))
        return Rules()


def _guides(reader: Reader, layers: list[_Raw], knowledge: Knowledge) -> Iterator[Guide]:
    """Those of the pack before those of the base."""
    for raw in reversed(layers):
        file = raw.folder / "refusals.toml"
        for pointer in raw.refusals.pointer:
            if pointer.entry and pointer.entry not in knowledge.entries:
                reader.note(file, f"pointer: {pointer.when}: there is no entry {pointer.entry}")
            if pointer.document and pointer.document not in knowledge.documents:
                reader.note(file, f"pointer: {pointer.when}: no document {pointer.document}")
            try:
                when = rules.pattern(pointer.when, {})
            except ValueError as error:
                reader.note(file, f"pointer: {error}")
                continue
            yield Guide(pointer.name, when, pointer.entry, pointer.document)


def _knowledge(reader: Reader, layers: list[_Raw]) -> Knowledge:
    entries: dict[str, Entry] = {}
    documents: dict[str, Document] = {}
    lines: dict[str, list[HelpLine]] = {}
    synonyms: dict[str, tuple[str, ...]] = {}
    fillers: list[str] = []
    for raw in layers:
        for document in raw.sources:
            if document.id in documents:
                reader.note(raw.folder / "sources.toml", f"{document.id}: id: used twice")
            documents[document.id] = document
        for file, entry in raw.entries:
            if entry.id in entries:
                reader.note(file, f"{entry.id}: this id is used twice")
            entries[entry.id] = entry
        own: dict[str, list[HelpLine]] = {}
        for line in raw.help_lines.help_line:
            own.setdefault(line.name, []).append(line)
        lines |= own
        synonyms |= raw.lexicon.synonyms
        fillers += raw.lexicon.fillers
    _check(reader, layers[-1], entries, documents)
    return Knowledge(
        entries={key: entry for key, entry in entries.items() if not entry.draft},
        drafts={key: entry for key, entry in entries.items() if entry.draft},
        documents=documents,
        help_lines=tuple(line for each in lines.values() for line in each),
        files={entry.id: file for raw in layers for file, entry in raw.entries},
        normaliser=Normaliser(synonyms, fillers),
    )


def _check(
    reader: Reader,
    own: _Raw,
    entries: Mapping[str, Entry],
    documents: Mapping[str, Document],
) -> None:
    """What an entry names must be there, and no two entries may be asked for alike."""
    for problem in sources.problems_of(own.sources, documents):
        reader.note(own.folder / "sources.toml", problem)
    asked: dict[str, str] = {}
    for file, entry in own.entries:
        for citation in entry.sources:
            document = documents.get(citation.document)
            if document is None or (document.checked_against == "title" and not entry.draft):
                reader.note(file, f"{entry.id}: sources: nobody has read {citation.document}")
        for other in entry.see_also:
            if other not in entries:
                reader.note(file, f"{entry.id}: see_also: no entry {other}")
        if entry.changed and not any(
            documents[citation.document].supersedes
            for citation in entry.sources
            if citation.document in documents
        ):
            reader.note(file, f"{entry.id}: changed: no document that it cites supersedes another")
        for text in (entry.question, *entry.variants):
            if (first := asked.setdefault(text, entry.id)) != entry.id:
                reader.note(file, f"{entry.id}: variants: {text}: already asks for {first}")
