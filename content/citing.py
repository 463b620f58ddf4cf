"""How the source of what is known is put into words, and what is to be said of it."""

from collections.abc import Sequence
from datetime import date
from typing import Protocol

from content.freshness import Differs, Flag, Stale, Superseded, flags_of, withheld
from content.knowledge import Knowledge
from content.schema import Document, Entry


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


def flag_lines(say: Say, knowledge: Knowledge, entry: Entry, today: date) -> tuple[str, ...]:
    """What somebody must know who gets this answer: newer versions, and what was checked long
    ago. None where all is well.
    """
    flags = flags_of(knowledge, entry, today)
    lines = []
    if newer := _newer(say, flags):
        lines.append(say("question.superseded", documents=newer))
    if old := [
        say("question.stale_one", title=flag.document.title, day=flag.document.checked_on)
        for flag in flags
        if isinstance(flag, Stale)
    ]:
        lines.append(say("question.stale", documents="；".join(old)))
    return tuple(lines)


def withheld_lines(say: Say, knowledge: Knowledge, entry: Entry, today: date) -> tuple[str, ...]:
    """What is said in place of an entry that is found and not given as an answer: a draft, or
    one whose documents are out of date or say something else. () for one that is given.
    """
    if entry.draft:
        reason = say("question.draft")
    elif not (flags := withheld(knowledge, entry, today)):
        return ()
    elif isinstance(flags[0], Differs):
        reason = say("question.differs")
    else:
        reason = say("question.out_of_date", documents=_newer(say, flags))
    return (say("question.asked", question=entry.question), reason)


def _newer(say: Say, flags: Sequence[Flag]) -> str:
    """The versions that have taken a place, each once."""
    versions = {flag.by.id: flag.by for flag in flags if isinstance(flag, Superseded)}
    return "、".join(
        say("question.newer", title=one.title, version=one.version) for one in versions.values()
    )
