"""A community's own rules over its pack's knowledge: the pack itself stays as it is."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from content.knowledge import Knowledge
from content.loader import Pack
from content.schema import Citation, Document, Entry


@dataclass(frozen=True, slots=True)
class OwnRule:
    """An entry of a community's own. With the `key` of one of the pack's entries it is said after
    that; else it stands alone. `reviewed`: a second person has approved it; `inherited`: it is a
    community's above.
    """

    key: str
    community_id: int
    community: str
    question: str
    variants: tuple[str, ...]
    answer: str
    topic: str
    title: str
    clause: str
    since: date
    reviewed: bool
    inherited: bool = False

    @property
    def document(self) -> Document:
        """Its by-law, as a source is cited: each typing in, and each review, is one of its own."""
        told_apart = "\n".join((self.title, self.since.isoformat(), str(self.reviewed)))
        return Document(
            id=f"own-{self.community_id}-{hashlib.sha256(told_apart.encode()).hexdigest()[:8]}",
            kind="by_law",
            title=self.title,
            issuer=self.community,
            issued_on=self.since.isoformat(),
            checked_on=self.since,
            checked_against="own" if self.reviewed else "unreviewed",
        )


def texts_of(pack: Pack, rules: Mapping[str, OwnRule], key: str) -> tuple[str, ...]:
    """All that asks for the entry: the pack's texts, then the community's; () where neither is."""
    entry, own = pack.knowledge.find(key), rules.get(key)
    found = (entry.question, *entry.variants) if entry else ()
    return tuple(dict.fromkeys((*found, *((own.question, *own.variants) if own else ()))))


def overlaid(
    pack: Pack, rules: Mapping[str, OwnRule], before: Pack | None, changed: Iterable[str]
) -> Pack:
    """The pack with these rules. `before` is what was made of others: only what is said of the
    `changed` keys is learned anew then.
    """
    questions = pack.questions
    base = questions.knowledge
    added = {key: _entry(rule) for key, rule in rules.items() if base.find(key) is None}
    documents = {rule.document.id: rule.document for rule in rules.values()}
    knowledge = replace(
        base,
        entries={**base.entries, **added},
        documents={**base.documents, **documents},
        own=dict(rules),
    )
    keys: Sequence[str] = list(changed)
    if before is None:
        matcher = base.matcher.copy()
        keys = list(rules)
    else:
        matcher = before.knowledge.matcher
    for key in keys:
        texts = texts_of(pack, rules, key)
        if texts:
            matcher.put(key, texts)
        else:
            matcher.remove(key)
    return replace(pack, questions=questions.over(knowledge.with_matcher(matcher)))


def _entry(rule: OwnRule) -> Entry:
    return Entry(
        id=rule.key,
        question=rule.question,
        variants=rule.variants,
        answer=rule.answer,
        topic=rule.topic,
        scope="community",
        sources=(Citation(document=rule.document.id, clause=rule.clause),),
        checked_on=rule.since,
    )


def digest(knowledge: Knowledge) -> str:
    """Of all that the matcher knows: what was learned of other texts does not fit any more."""
    texts = knowledge.matcher.texts
    lines = "\n".join("\t".join((key, *texts[key])) for key in sorted(texts))
    return hashlib.sha256(lines.encode()).hexdigest()
