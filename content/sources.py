"""What is wrong with a pack's documents: their dates, and which version follows which."""

from collections.abc import Iterable, Iterator, Mapping

from content.schema import Document


def problems_of(own: Iterable[Document], documents: Mapping[str, Document]) -> Iterator[str]:
    """Every problem of a file's `own` documents as id: field: reason; `documents` are all that
    the pack knows.
    """
    for document in own:
        yield from _dates(document)
        yield from _versions(document, documents)


def _dates(document: Document) -> Iterator[str]:
    if document.effective_from and _before(document.effective_from, document.issued_on):
        yield (
            f"{document.id}: effective_from: {document.effective_from} is before issued_on "
            f"({document.issued_on})"
        )
    if _before(document.checked_on.isoformat(), document.issued_on):
        yield (
            f"{document.id}: checked_on: {document.checked_on} is before issued_on "
            f"({document.issued_on})"
        )


def _versions(document: Document, documents: Mapping[str, Document]) -> Iterator[str]:
    if document.supersedes is None:
        return
    older = documents.get(document.supersedes)
    if older is None:
        yield f"{document.id}: supersedes: there is no document {document.supersedes}"
    elif _before(document.issued_on, older.issued_on):
        yield f"{document.id}: supersedes: {older.id} was issued later ({older.issued_on})"
    chain = [document.id]
    while (before := documents.get(chain[-1])) and before.supersedes:
        if before.supersedes in chain:
            if before.supersedes == document.id:
                circle = " -> ".join([*chain, document.id])
                yield f"{document.id}: supersedes: goes round in a circle: {circle}"
            return
        chain.append(before.supersedes)


def _before(one: str, other: str) -> bool:
    """Whether a date is before another, as far as the less exact of them says."""
    known = min(len(one), len(other))
    return one[:known] < other[:known]
