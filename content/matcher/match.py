"""Candidates by rare pieces, each put side by side with the question, and what is made of them.

The steps, and where their reasons stand: normalise (one spelling), index (which texts share rare
pieces), compare (what differs), model (how probable), calibration (from where on it is answered).
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from threading import RLock
from typing import Literal

from rapidfuzz import fuzz

from content.matcher.calibration import DEFAULT, Calibration
from content.matcher.compare import COSINE, Comparer, Comparison, Speaking
from content.matcher.habits import Evidence
from content.matcher.hearing import Hearing
from content.matcher.index import Index
from content.matcher.model import Weights, likely, probability, shipped
from content.matcher.normalise import Normaliser, Plain, bare
from content.matcher.sound import repaired

NEAREST = 4
# A longer question than this is no question from the list; comparing it would only take time.
_LONGEST = 200
# So many texts are fetched, and so many of them compared word by word.
_FETCHED = 40
_COMPARED = 10
# Of these those that come to at least this part of the best one by likeness alone.
_WORTH = 0.45
_NAMED = 3
# With so many of the best entries a question is compared by sound, and so many characters of it
# may be slips.
_HEARD, _SLIPS = 2, 2
# Entries that share less than this with the question, as a cosine, are only named from this
# logarithm of the odds on.
_LEAST_SHARED, _LIKELY = 0.2, -1.0
# Texts changed since the index was built are kept beside it up to this many, or this share.
_BESIDE, _BESIDE_SHARE = 200, 0.05

Decided = Literal["answer", "clarify", "escalate"]
Rule = Literal[
    "nothing known",
    "too long",
    "same words",
    "two entries",
    "sure",
    "not sure",
    "near",
    "far",
    "follow-up",
    "sounds the same",
]


@dataclass(frozen=True, slots=True)
class Candidate:
    """An entry and how probable it is that it is asked for, 0 to 1; 1 for the very same words."""

    entry: str
    score: float


@dataclass(frozen=True, slots=True)
class Match:
    """`candidates` are the entries worth naming, best first; of an answer the first is it."""

    decision: Decided
    candidates: tuple[Candidate, ...] = ()
    rule: Rule = "far"


@dataclass(frozen=True, slots=True)
class Compared:
    """The best text of an entry beside the question; `odds` as a logarithm."""

    entry: str
    known: str
    odds: float
    comparison: Comparison


class Matcher:
    """Over the texts of each entry, its question and variants.

    `put` and `remove` change one entry at once, `calibration` may be set at any time, and threads
    may ask meanwhile: each waits for the other.
    """

    def __init__(
        self,
        texts: Mapping[str, Sequence[str]],
        normaliser: Normaliser,
        calibration: Calibration = DEFAULT,
        weights: Weights | None = None,
    ) -> None:
        self.normaliser = normaliser
        self.weights = weights or shipped()
        self._said = {entry: tuple(all_of) for entry, all_of in texts.items()}
        self._lock = RLock()
        self.calibration = calibration
        self._build()

    @property
    def calibration(self) -> Calibration:
        return self._calibration

    @calibration.setter
    def calibration(self, value: Calibration) -> None:
        with self._lock:
            self._calibration = value
            self._weights = value.weights or self.weights
            habits, segmenter = self._weights.habits, self.normaliser.segmenter
            self._compare = Comparer(self.normaliser, Evidence(habits, value.habits, segmenter))

    @property
    def texts(self) -> Mapping[str, Sequence[str]]:
        """What is known, as it was given."""
        return self._said

    def plain_texts(self, entry: str) -> list[Plain]:
        return [self._plain[at] for at in self._numbers.get(entry, ())]

    def copy(self) -> "Matcher":
        """Another one that knows the same, to be changed apart."""
        return Matcher(self._said, self.normaliser, self._calibration, self.weights)

    def put(self, entry: str, texts: Sequence[str]) -> None:
        """Add the entry, or give it other texts; the rest stays as it is."""
        with self._lock:
            self._put(entry, texts)

    def _put(self, entry: str, texts: Sequence[str]) -> None:
        self._forget(entry)
        self._said[entry] = tuple(texts)
        plain = self.normaliser.many(texts)
        self._add([(entry, text) for text in plain])
        self._hearing.learn(word for text in plain for word in text.words)
        self._recent += self._numbers.get(entry, ())
        if len(self._recent) > max(_BESIDE, _BESIDE_SHARE * self._main.size):
            self._build()
        else:
            self._beside = Index([self._plain[at] for at in self._recent])

    def remove(self, entry: str) -> None:
        """Forget the entry; nothing happens where it is not known."""
        with self._lock:
            if self._forget(entry):
                self._beside = Index([self._plain[at] for at in self._recent])

    def _forget(self, entry: str) -> bool:
        """Without bringing the index of recent texts up to date; whether that is needed."""
        self._said.pop(entry, None)
        gone = self._numbers.pop(entry, [])
        for number in gone:
            self._holders[self._plain[number].text].remove(number)
        first = self._main.size
        self._main.leave_out([number for number in gone if number < first])
        recent = len(self._recent)
        self._recent[:] = [number for number in self._recent if number not in gone]
        return len(self._recent) < recent

    def decide(self, question: str) -> Match:
        """What to do with the question; a text of any length or kind gets a decision."""
        with self._lock:
            return self._decide(question)

    def _decide(self, question: str) -> Match:
        if not self._said:
            return Match("escalate", (), "nothing known")
        plain = self.normaliser.plain(question[:_LONGEST])
        if len(question) <= _LONGEST and not self._same(plain):
            question = self.normaliser.asked(question)
            plain = self.normaliser.plain(question)
        if same := self._same(plain):
            named = tuple(Candidate(entry, 1.0) for entry in same[:NEAREST])
            if len(same) == 1 and len(question) <= _LONGEST:
                return Match("answer", named, "same words")
            return Match("clarify" if len(same) > 1 else "escalate", named, "two entries")
        ranked = self.compared(plain)
        if not ranked or len(question) > _LONGEST:
            return Match("escalate", candidates(ranked), "too long" if ranked else "far")
        found = self._judged(ranked)
        if found.decision != "answer" and (heard := self._heard(question, ranked)):
            return heard
        return found

    def _heard(self, question: str, ranked: Sequence[Compared]) -> Match | None:
        """The answer to what the question sounds like, where it sounds like a known text.

        A character taken for another breaks words and asking phrases apart, which only what was
        written shows: normalised texts no longer have the same places.
        """
        asked = self._hearing.mended(written := bare(question))
        if asked != written and sum(a != b for a, b in zip(asked, written, strict=True)) <= _SLIPS:
            plain = self.normaliser.plain(asked)
            if len(same := self._same(plain)) == 1:
                return Match("answer", (Candidate(same[0], 0.999),), "sounds the same")
            ranked = self.compared(plain) or ranked
            match = self._judged(ranked)
            if match.decision == "answer":
                return match
        for item in ranked[:_HEARD]:
            known = max(
                (bare(text) for text in self._said[item.entry]),
                key=lambda text: fuzz.ratio(asked, text),
            )
            again = repaired(asked, known)
            if again is None or sum(a != b for a, b in zip(written, again, strict=True)) > _SLIPS:
                continue
            plain = self.normaliser.plain(again)
            if self._same(plain) == [item.entry]:
                return Match("answer", (Candidate(item.entry, 0.999),), "sounds the same")
            match = self._judged(self.compared(plain) or ranked)
            if match.decision == "answer":
                return match
        return None

    def rank(self, question: str, limit: int) -> Sequence[Candidate]:
        """The entries nearest to the question, best first; more than are compared if asked for."""
        plain = self.normaliser.plain(question[:_LONGEST])
        named = [Candidate(entry, 1.0) for entry in self._same(plain)]
        named += candidates(self.compared(plain), limit)
        return list({item.entry: item for item in reversed(named)}.values())[::-1][:limit]

    def likely(self, ranked: Sequence[Compared]) -> float:
        """The calibrated probability that the best of them is right."""
        second = ranked[1].odds if len(ranked) > 1 else None
        return likely(ranked[0].odds, second, self._weights.choice)

    def compared(
        self,
        asked: Plain,
        without: Set[str] = frozenset(),
        hidden: Set[Plain] = frozenset(),
        evidence: Speaking | None = None,
    ) -> list[Compared]:
        """Each near entry by its best text, best first; as if neither the entries `without` nor
        the texts `hidden` were known, and words said what `evidence` says.
        """
        compare = Comparer(self.normaliser, evidence) if evidence else self._compare
        best: dict[str, Compared] = {}
        for number, cosine in self._near(asked, without, hidden):
            entry, known = self._owners[number], self._plain[number]
            siblings = [self._plain[at] for at in self._numbers[entry]]
            if hidden:
                siblings = [text for text in siblings if text not in hidden]
            comparison = compare(asked, known, cosine, siblings)
            odds = self._weights.score(comparison.values)
            if entry not in best or odds > best[entry].odds:
                best[entry] = Compared(entry, known.text, odds, comparison)
        return sorted(best.values(), key=lambda item: (-item.odds, item.entry))

    def knows(self, text: Plain) -> bool:
        """Whether an entry has the very same words."""
        return bool(self._holders.get(text.text))

    def rivals(self, entry: str, text: str) -> list[str]:
        """The other entries that would be answered, or have the very same words, if the text were
        asked and the entry did not have it.
        """
        plain = self.normaliser.plain(text)
        if same := [other for other in self._same(plain) if other != entry]:
            return same
        ranked = self.compared(plain, hidden=frozenset({plain}))
        if not ranked or ranked[0].entry == entry:
            return []
        return [ranked[0].entry] if self.likely(ranked) >= self.calibration.answer else []

    def nearest_other(self, text: Plain, entry: str) -> Plain | None:
        """The nearest text of another entry."""
        near = self._near(text, frozenset({entry}), frozenset())
        return next((self._plain[number] for number, _ in near), None)

    def _judged(self, ranked: Sequence[Compared]) -> Match:
        sure = self.likely(ranked)
        named = candidates(ranked)
        named = (Candidate(named[0].entry, round(min(sure, 0.999), 3)), *named[1:])
        if sure >= self.calibration.answer:
            return Match("answer", named, "sure")
        near = [item for item in ranked if self._worth_naming(item)][:NEAREST]
        if len(near) > 1:
            return Match("clarify", candidates(near), "near")
        if near and len(named) > 1 and sure >= self.calibration.lone:
            beside = next(item for item in ranked if item is not near[0])
            return Match("clarify", candidates([near[0], beside]), "not sure")
        return Match("escalate", named, "far")

    def _worth_naming(self, item: Compared) -> bool:
        """Whether it shares enough with the question for somebody to choose it."""
        if item.comparison.values[COSINE] < _LEAST_SHARED:
            return item.odds >= _LIKELY
        return item.odds >= self.calibration.near

    def _near(
        self, asked: Plain, without: Set[str], hidden: Set[Plain]
    ) -> Iterable[tuple[int, float]]:
        """The texts to compare, by both the cosine and the likeness of their characters."""
        spare = sum(len(self._numbers.get(entry, ())) for entry in without) + len(hidden)
        found = self._main.nearest(asked, _FETCHED + spare)
        if self._recent:
            beside = self._beside.nearest(asked, _FETCHED)
            found += [(self._recent[at], cosine) for at, cosine in beside]
        rough = [
            (cosine + fuzz.ratio(asked.text, self._plain[number].text) / 100, number, cosine)
            for number, cosine in found
            if self._owners[number] not in without and self._plain[number] not in hidden
        ]
        rough.sort(reverse=True)
        least = _WORTH * rough[0][0] if rough else 0.0
        entries: set[str] = set()
        kept = []
        for score, number, cosine in rough[:_COMPARED]:
            # A near question is never named alone: a second and third entry is always compared.
            if score >= least or (len(entries) < _NAMED and self._owners[number] not in entries):
                kept.append((number, cosine))
                entries.add(self._owners[number])
        return kept

    def _same(self, plain: Plain) -> list[str]:
        """The entries that have the very same text; of none where nothing is said."""
        if not plain.text:
            return []
        return list(dict.fromkeys(self._owners[at] for at in self._holders.get(plain.text, ())))

    def _build(self) -> None:
        self._plain: list[Plain] = []
        self._owners: list[str] = []
        self._numbers: dict[str, list[int]] = {}
        self._holders: dict[str, list[int]] = {}
        self._recent: list[int] = []
        pairs = [(entry, text) for entry, texts in self._said.items() for text in texts]
        plain = self.normaliser.many([text for _, text in pairs])
        self._add([(entry, text) for (entry, _), text in zip(pairs, plain, strict=True)])
        self._main = Index(self._plain)
        words = {word for text in self._plain for word in text.words}
        self._hearing = Hearing(sorted(words), self.normaliser.segmenter)
        self._beside = Index([])

    def _add(self, texts: Iterable[tuple[str, Plain]]) -> None:
        for entry, plain in texts:
            number = len(self._plain)
            self._plain.append(plain)
            self._owners.append(entry)
            self._numbers.setdefault(entry, []).append(number)
            self._holders.setdefault(plain.text, []).append(number)


def candidates(ranked: Sequence[Compared], most: int = NEAREST) -> tuple[Candidate, ...]:
    """The first of them by name, each with how probable it is that it asks the same."""
    return tuple(
        Candidate(item.entry, round(min(probability(item.odds), 0.999), 3))
        for item in ranked[:most]
    )
