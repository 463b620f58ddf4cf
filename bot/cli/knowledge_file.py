"""A knowledge base and questions from files of one JSON object a line."""

from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel, ValidationError

from bot.errors import ContentError
from content.evaluation import Asked
from content.loader import Pack
from content.matcher import Matcher, calibrate


class KnowledgeLine(BaseModel):
    """One entry; `answer` is what would be said."""

    id: str
    question: str
    variants: tuple[str, ...] = ()
    answer: str = ""


class QueryLine(BaseModel):
    """One question and its right entry, null where there is none."""

    query: str
    id: str | None


def knowledge_lines(file: Path) -> list[KnowledgeLine]:
    """Raises ContentError that names every line with a mistake."""
    found: dict[str, KnowledgeLine] = {}
    problems = []
    for number, line in _lines(file):
        try:
            read = KnowledgeLine.model_validate_json(line)
        except ValidationError as error:
            problems += _problems(file, number, error)
            continue
        if read.id in found:
            problems.append(f"{file}: line {number}: the id {read.id} is used twice")
        found[read.id] = read
    if problems:
        raise ContentError(problems)
    return list(found.values())


def query_lines(file: Path) -> list[Asked]:
    """Raises ContentError that names every line with a mistake."""
    found, problems = [], []
    for number, line in _lines(file):
        try:
            read = QueryLine.model_validate_json(line)
            found.append(Asked(read.query, read.id))
        except ValidationError as error:
            problems += _problems(file, number, error)
    if problems:
        raise ContentError(problems)
    return found


def calibrated_matcher(lines: Iterable[KnowledgeLine], pack: Pack) -> Matcher:
    """Built over these entries with the pack's words, and calibrated on them."""
    texts = {line.id: (line.question, *line.variants) for line in lines}
    matcher = Matcher(texts, pack.knowledge.normaliser)
    matcher.calibration = calibrate(matcher)
    return matcher


def _lines(file: Path) -> Iterable[tuple[int, bytes]]:
    for number, line in enumerate(file.read_bytes().splitlines(), start=1):
        if line.strip():
            yield number, line


def _problems(file: Path, number: int, error: ValidationError) -> list[str]:
    return [f"{file}: line {number}: {item['msg']}" for item in error.errors()]
