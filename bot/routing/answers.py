"""How an entry is put into words: question, answer, source, and what it is worth."""

from collections.abc import Sequence
from typing import Protocol

from content.knowledge import Knowledge
from content.schema import Document, Entry

# What a group gets of an answer: question, answer and source.
GROUP_LINES = 3


class Say(Protocol):
    def __call__(self, key: str, **values: object) -> str: ...


def answer_lines(say: Say, knowledge: Knowledge, entry: Entry) -> tuple[str, ...]:
    """The question that is answered, the answer, its source, and how to take it back."""
    sources = knowledge.sources(entry)
    rules = any(document.kind == "regulation" for document, _ in sources)
    return (
        say("question.asked", question=entry.question),
        entry.answer,
        source_line(say, sources),
        say("question.foot") if rules else say("question.foot_record"),
    )


def rule_lines(say: Say, knowledge: Knowledge, entry: Entry) -> tuple[str, ...]:
    """What the rule says of a case like somebody's own."""
    head, answer, source, _ = answer_lines(say, knowledge, entry)
    return (say("refusal.personal_rule"), head, answer, source)


def source_line(say: Say, sources: Sequence[tuple[Document, str]]) -> str:
    """Document, clause, version and when it was checked against what; each document once."""
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
