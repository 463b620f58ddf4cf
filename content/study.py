"""What a pack has to practise with: its quiz bank and its study cards."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from content.knowledge import Knowledge
from content.reading import Reader
from content.schema_study import Card, QuizQuestion


@dataclass(frozen=True, slots=True)
class Study:
    """Questions and cards by id, in the order of the files."""

    quiz: Mapping[str, QuizQuestion]
    cards: Mapping[str, Card]


def study(
    reader: Reader,
    knowledge: Knowledge,
    quiz: Iterable[tuple[str, QuizQuestion]],
    cards: Iterable[tuple[str, Card]],
) -> Study:
    """Every question and card, each resting on an entry that may be given as an answer."""
    questions: dict[str, QuizQuestion] = {}
    faces: dict[str, Card] = {}
    for file, question in quiz:
        _rests(reader, file, question.id, question.entry, knowledge, questions)
        questions[question.id] = question
    for file, card in cards:
        _rests(reader, file, card.id, card.entry, knowledge, faces)
        faces[card.id] = card
    return Study(questions, faces)


def _rests(
    reader: Reader,
    file: str,
    item: str,
    entry: str,
    knowledge: Knowledge,
    known: Mapping[str, object],
) -> None:
    if item in known:
        reader.note(file, f"{item}: this id is used twice")
    if entry in knowledge.drafts:
        reader.note(file, f"{item}: entry: {entry} is a draft")
    elif entry not in knowledge.entries:
        reader.note(file, f"{item}: entry: there is no entry {entry}")
