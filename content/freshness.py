"""Whether what an entry rests on still holds: versions, dates and what a person found.

Dates are passed in: `today` is a day in the community's time zone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from content.knowledge import Knowledge
from content.schema import Document, Entry

# A document that nobody has compared for longer is said to be so under every answer.
MONTHS = 12


@dataclass(frozen=True, slots=True)
class Superseded:
    """The newest version that is in force has taken the document's place."""

    document: Document
    by: Document


@dataclass(frozen=True, slots=True)
class Stale:
    """The document was last compared so many whole months ago, 12 or more."""

    document: Document
    months: int


@dataclass(frozen=True, slots=True)
class Differs:
    """Somebody has found that the entries do not say what the document says."""

    document: Document


Flag = Superseded | Stale | Differs


@dataclass(frozen=True, slots=True)
class Review:
    """What a person has found of a document; `differs` is what is wrong, "" where nothing is."""

    checked_on: date
    checked_against: Literal["official", "reprint"]
    differs: str = ""


def reviewed(knowledge: Knowledge, reviews: Mapping[str, Review]) -> Knowledge:
    """The knowledge with the reviews, by document, over what its files say of the documents.

    A document that its files say was checked later goes by its files.
    """
    documents = dict(knowledge.documents)
    differing = set()
    for key, review in reviews.items():
        document = documents.get(key)
        if document is None or review.checked_on < document.checked_on:
            continue
        if review.differs:
            differing.add(key)
        else:
            found = {"checked_on": review.checked_on, "checked_against": review.checked_against}
            documents[key] = document.model_copy(update=found)
    if documents == knowledge.documents and not differing:
        return knowledge
    return knowledge.over(documents, frozenset(differing))


def newest(knowledge: Knowledge, document: Document, today: date) -> Document:
    """The version of it that is in force: itself, or the last of those that follow it."""
    found = document
    # No chain is longer than that; the loader refuses one without an end.
    for _ in knowledge.documents:
        versions = knowledge.followers.get(found.id, ())
        later = [one for one in versions if one.in_force_from <= today]
        if not later:
            break
        found = max(later, key=lambda one: one.in_force_from)
    return found


def flags_of(knowledge: Knowledge, entry: Entry, today: date) -> tuple[Flag, ...]:
    """What is to be said of the documents that the entry cites, in their order.

    An old version beside the one in force is not flagged: such an entry is about the change.
    """
    cited = {document.id: document for document, _ in knowledge.sources(entry)}
    flags: list[Flag] = []
    for document in cited.values():
        by = newest(knowledge, document, today)
        if by.id not in cited:
            flags.append(Superseded(document, by))
        if document.id in knowledge.differing:
            flags.append(Differs(document))
        if is_stale(document, today):
            flags.append(Stale(document, months(document.checked_on, today)))
    return tuple(flags)


def withheld(knowledge: Knowledge, entry: Entry, today: date) -> tuple[Flag, ...]:
    """Why the entry is found and not given as an answer; () for one that is given.

    One document that differs is enough; superseded must be all of them. A draft has its own
    reason.
    """
    flags = flags_of(knowledge, entry, today)
    if differing := tuple(flag for flag in flags if isinstance(flag, Differs)):
        return differing
    old = tuple(flag for flag in flags if isinstance(flag, Superseded))
    documents = {source.document for source in entry.sources}
    return old if old and len(old) == len(documents) else ()


def is_stale(document: Document, today: date) -> bool:
    """Whether it was checked more than 12 months ago, not counting the anniversary.

    A community's by-law is its own text: there is nothing to compare it with.
    """
    if document.kind == "by_law":
        return False
    return months(document.checked_on, today - timedelta(days=1)) >= MONTHS


def is_due(knowledge: Knowledge, document: Document, today: date) -> bool:
    """Whether somebody should compare it: read in a reprint, stale, or found to differ."""
    return (
        document.checked_against == "reprint"
        or document.id in knowledge.differing
        or is_stale(document, today)
    )


def due(knowledge: Knowledge, today: date) -> list[Document]:
    """The documents that somebody should compare, in the order of the files."""
    return [one for one in knowledge.documents.values() if is_due(knowledge, one, today)]


def months(start: date, end: date) -> int:
    """Whole months between two days."""
    count = (end.year - start.year) * 12 + end.month - start.month
    return count - (end.day < start.day)
