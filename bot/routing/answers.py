"""How what is known, and what is not answered, is put into words."""

from datetime import date
from typing import Literal

from content.citing import Say, flag_lines, source_line, withheld_lines
from content.freshness import newest
from content.knowledge import Knowledge
from content.questions import COMPLAINT, CRISIS, Decision
from content.schema import Entry

# What a group gets of an answer: all but the last line, which says how to take it back.
GROUP_LINES = -1


def answer_lines(say: Say, knowledge: Knowledge, entry: Entry, today: date) -> tuple[str, ...]:
    """The question that is answered, the answer, its source with what is to be said of it, and in
    the last line how to take it back.
    """
    sources = knowledge.sources(entry)
    rules = any(document.kind == "regulation" for document, _ in sources)
    return (
        say("question.asked", question=entry.question),
        _answer(say, entry),
        source_line(say, sources),
        *flag_lines(say, knowledge, entry, today),
        *_own_lines(say, knowledge, entry),
        say("question.foot") if rules else say("question.foot_record"),
    )


def _own_lines(say: Say, knowledge: Knowledge, entry: Entry) -> tuple[str, ...]:
    """After the pack's rule the community's own, where the entry is not that alone."""
    own = knowledge.own.get(entry.id)
    if own is None or entry.scope == "community":
        return ()
    key = "question.parents_rule" if own.inherited else "question.own_rule"
    return (
        say(key, community=own.community, answer=own.answer),
        source_line(say, [(own.document, own.clause)]),
    )


def _answer(say: Say, entry: Entry) -> str:
    """With what was different before, where something was."""
    if entry.changed is None:
        return entry.answer
    return f"{entry.answer}{say('question.changed', changed=entry.changed)}"


def refusal_lines(
    say: Say, knowledge: Knowledge, decision: Decision, own: str, today: date
) -> list[str]:
    """What somebody is told in private whose message is not answered; `own` is the community's
    own line for people in need, or with a complaint.
    """
    if decision.name == CRISIS:
        return [say("care.head"), *danger_lines(say, knowledge, own)]
    lines = [say(f"refusal.{decision.name}")]
    if decision.name == COMPLAINT:
        lines += [*help_lines(say, knowledge, COMPLAINT, own), say("refusal.complaint_foot")]
    if decision.document:
        document = newest(knowledge, knowledge.documents[decision.document], today)
        lines.append(say("refusal.document", title=document.title, version=document.version))
    entry = knowledge.entries[decision.entry] if decision.entry else None
    if entry and not withheld_lines(say, knowledge, entry, today):
        *rule, _ = answer_lines(say, knowledge, entry, today)
        lines += [say("refusal.personal_rule"), *rule]
    return lines


def danger_lines(say: Say, knowledge: Knowledge, own: str) -> list[str]:
    """Numbers for somebody who may be in danger, and who else is near."""
    return [*help_lines(say, knowledge, CRISIS, own), say("care.emergency")]


def help_lines(
    say: Say, knowledge: Knowledge, name: Literal["crisis", "complaint"], own: str
) -> list[str]:
    """The community's own line first, then the pack's numbers."""
    lines = [own] if own else []
    for line in knowledge.help_lines:
        if line.name == name:
            key = "care.line_note" if line.note else "care.line"
            lines.append(say(key, number=line.number, title=line.title, note=line.note))
    return lines
