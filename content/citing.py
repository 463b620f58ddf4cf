"""How the source of what is known is put into words."""

from collections.abc import Sequence
from typing import Protocol

from content.schema import Document


class Say(Protocol):
    def __call__(self, key: str, **values: object) -> str: ...


def source_line(say: Say, sources: Sequence[tuple[Document, str]]) -> str:
    """Document, clause, version, and when it was checked against what."""
    cited = [
        say(
            "question.cited",
            title=document.title,
            clause=clause,
            version=document.version,
            checked=say(f"question.checked_{document.checked_against}"),
            day=document.checked_on.isoformat(),
        )
        for document, clause in sources
    ]
    return say("question.source", sources="；".join(cited))
