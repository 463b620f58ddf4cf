"""A table of a community's own rules: what importing it would change, what is wrong, doing it."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bot.domain.own_table import NAMES, OwnRow
from bot.domain.person import CommunityView
from bot.errors import KnowledgeProblems
from bot.services import knowledge
from bot.services.knowledge import LIVE, WITHDRAWN, OwnText, problems_of
from bot.services.shelf import Shelf, rule_of
from bot.storage.models import KnowledgeEntry
from bot.storage.session import UnitOfWork
from content.loader import Pack
from content.overlay import OwnRule, overlaid

Problem = tuple[int, str]
_FIELDS = ("question", "variants", "answer", "topic", "title", "clause")


@dataclass(frozen=True, slots=True)
class Change:
    """What importing a row does. `before` is what each field that changes was, by its name;
    `again`: the entry is withdrawn, and would not be any more.
    """

    line: int
    what: Literal["new", "changed", "unchanged"]
    text: OwnText
    before: Mapping[str, str]
    again: bool = False


def text_of(row: KnowledgeEntry) -> OwnText:
    """An entry as it was written."""
    return OwnText(
        row.key, row.question, tuple(json.loads(row.variants)), row.answer, row.topic, row.title,
        row.clause,
    )  # fmt: skip


def shown(text: OwnText, field: str) -> str:
    """A field as a table's cell holds it."""
    value = getattr(text, field)
    return value if isinstance(value, str) else "；".join(value)


def compare(session: UnitOfWork, home: CommunityView, rows: Sequence[OwnRow]) -> list[Change]:
    """Each row beside the community's entry with its key; without one, with its question."""
    entries = {row.key: row for row in knowledge.listed(session, home.id)}
    # Of two that ask the same the one that is given stands last.
    given = sorted(entries.values(), key=lambda row: row.state != WITHDRAWN)
    asked = {row.question: row for row in given}
    changes = []
    for row in rows:
        entry = entries.get(row.key) if row.key else asked.get(row.question)
        text = OwnText(
            entry.key if entry else row.key or None, row.question, row.variants, row.answer,
            row.topic, row.title, row.clause,
        )  # fmt: skip
        changes.append(_change(row.line, entry, text))
    return changes


def _change(line: int, entry: KnowledgeEntry | None, text: OwnText) -> Change:
    if entry is None:
        return Change(line, "new", text, {})
    old = text_of(entry)
    before = {
        field: shown(old, field) for field in _FIELDS if shown(old, field) != shown(text, field)
    }
    again = entry.state == WITHDRAWN
    return Change(line, "changed" if before or again else "unchanged", text, before, again)


def problems(
    session: UnitOfWork, home: CommunityView, pack: Pack, changes: Sequence[Change], now: datetime
) -> list[Problem]:
    """Every reason why the rows cannot be kept, as line and field: reason.

    `pack` is the community's as its files have it. Every way to ask is tried, some 10 ms each.
    """
    over = Shelf({pack.name: pack}).pack(session, home, pack, now)
    mine = {row.key: row for row in knowledge.listed(session, home.id)}
    found = [*_twice(changes), *_unknown(changes, pack, {*mine, *over.knowledge.own})]
    for change in changes:
        for problem in problems_of(change.text):
            field, reason = problem.split(": ", 1)
            found.append((change.line, f"{NAMES[field]}: {reason}"))
    wrong = {line for line, _ in found}
    waiting = {row.key: rule_of(row, home.name) for row in mine.values() if row.state != WITHDRAWN}
    rules = {**over.knowledge.own, **waiting}
    good = {_key(change): change for change in changes if change.line not in wrong}
    rules |= {key: _rule(key, change, home, now) for key, change in good.items()}
    found += _confused(overlaid(pack, rules, None, ()), good)
    return sorted(found, key=lambda problem: problem[0])


def apply(
    session: UnitOfWork, home: CommunityView, changes: Sequence[Change], by: int | None,
    now: datetime,
) -> tuple[int, int]:  # fmt: skip
    """Keep what is new or changed: how many are given as answers now, and how many wait.

    Raises KnowledgeProblems where somebody has changed one of these since they were compared.
    """
    entries = {row.key: row for row in knowledge.listed(session, home.id)}
    states = []
    for change in changes:
        if _change(change.line, entries.get(change.text.key or ""), change.text) != change:
            raise KnowledgeProblems(
                [f"row {change.line}: somebody has just changed this entry; import once more"]
            )
        if change.what != "unchanged":
            states.append(knowledge.save(session, home, change.text, by, now).state)
    return states.count(LIVE), len(states) - states.count(LIVE)


def _key(change: Change) -> str:
    """Of a new entry, which has none yet, one that no other has."""
    return change.text.key or f"own-row-{change.line}"


def _rule(key: str, change: Change, home: CommunityView, now: datetime) -> OwnRule:
    text = change.text
    return OwnRule(
        key, home.id, home.name, text.question, text.variants, text.answer, text.topic, text.title,
        text.clause, now.date(), reviewed=False,
    )  # fmt: skip


def _twice(changes: Sequence[Change]) -> Iterator[Problem]:
    for field in ("key", "question"):
        values = [(getattr(change.text, field), change.line) for change in changes]
        many = Counter(value for value, _ in values if value)
        first: dict[str, int] = {}
        for value, line in values:
            if many[value] > 1 and first.setdefault(value, line) != line:
                yield line, f"{NAMES[field]}: {value} stands in row {first[value]} as well"


def _unknown(changes: Sequence[Change], pack: Pack, own: set[str]) -> Iterator[Problem]:
    for change in changes:
        key = change.text.key
        if key in pack.knowledge.drafts:
            yield change.line, f"编号: the pack's {key} is a draft, which is no answer yet"
        elif key and key not in pack.knowledge.entries and key not in own:
            yield change.line, f"编号: there is no entry {key}; leave it empty for a new one"


def _confused(pack: Pack, changes: Mapping[str, Change]) -> Iterator[Problem]:
    """What a row has must be answered with it, and nothing else may be answered to it."""
    matcher = pack.knowledge.matcher
    for key, change in changes.items():
        for field, texts in (
            ("question", (change.text.question,)),
            ("variants", change.text.variants),
        ):
            for text in texts:
                place = f"{NAMES[field]}: {text}"
                if rivals := matcher.rivals(key, text):
                    named = ", ".join(_named(rival, pack, changes) for rival in rivals)
                    yield change.line, f"{place}: would be answered with {named} as well"
                    continue
                decision = pack.questions.decide(text)
                if decision.entry != key:
                    found = decision.entry or decision.name or decision.kind
                    yield change.line, f"{place}: would be taken for {found}; say it otherwise"


def _named(key: str, pack: Pack, changes: Mapping[str, Change]) -> str:
    """An entry as whoever wrote the table knows it."""
    if key in changes:
        return f"row {changes[key].line}"
    entry = pack.knowledge.find(key)
    return f"{key} ({entry.question})" if entry else key
