"""What a word that only one of two texts has says about whether they ask the same.

Two ways to ask one thing differ in words such as 会, 一般 or 怎么; questions that are near and ask
for something else differ in 副作用 or 价格. How often each word stands in both of two texts, or in
only one of them, is counted over pairs of both kinds: those of an entry's own variants, and those
of an entry and the one nearest to it. A word's evidence is the logarithm of the two shares, one
over the other. Words that were seen seldom lean on their class (what kind of word, how rare in
general), which was counted over our own packs and comes with the program.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import log
from typing import Any

from content.matcher.asking import ASKING
from content.matcher.normalise import Plain
from content.segment import Segmenter

# As many pairs as this must speak before a word's own count weighs as much as its class.
_PRIOR = 4.0
# How rare a word is, in steps: minus the logarithm of its frequency.
_STEPS = (8.0, 10.5, 13.0)
# Counts: only in one of two texts that ask the same, in either, and so for different ones.
Count = list[float]


def _nothing() -> Count:
    return [0.0, 0.0, 0.0, 0.0]


@dataclass(frozen=True, slots=True)
class Habits:
    """`words` and `classes` each with four counts; see the module."""

    words: Mapping[str, Count] = field(default_factory=dict)
    classes: Mapping[str, Count] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {
            name: {key: [round(n, 2) for n in counts] for key, counts in sorted(part.items())}
            for name, part in (("words", self.words), ("classes", self.classes))
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Habits":
        return cls(dict(value["words"]), dict(value["classes"]))


class Counting:
    """Counts pairs. Each `see` is one voice, however many texts an entry has."""

    def __init__(self) -> None:
        self.words: dict[str, Count] = {}

    def see(self, pairs: Iterable[tuple[Plain, Plain]], *, same: bool) -> None:
        for word, counts in counted(pairs, same=same).items():
            total = self.words.setdefault(word, _nothing())
            for at, count in enumerate(counts):
                total[at] += count


def counted(pairs: Iterable[tuple[Plain, Plain]], *, same: bool) -> dict[str, Count]:
    """What these pairs together say of each word: shares between 0 and 1."""
    at = 0 if same else 2
    found: dict[str, Count] = {}
    for one, other in pairs:
        first, second = set(one.words), set(other.words)
        for word in first | second:
            counts = found.setdefault(word, _nothing())
            counts[at] += (word in first) != (word in second)
            counts[at + 1] += 1
    for counts in found.values():
        counts[at] /= counts[at + 1]
        counts[at + 1] = 1.0
    return found


def class_of(word: str, segmenter: Segmenter) -> str:
    if word in ASKING:
        return word
    rarity = segmenter.rarity(word)
    return f"{segmenter.kind(word)}{sum(rarity > step for step in _STEPS)}"


def by_class(words: Mapping[str, Count], segmenter: Segmenter) -> dict[str, Count]:
    """The words' counts summed by class, and under "" those of all."""
    found: dict[str, Count] = {"": _nothing()}
    for word, counts in words.items():
        for name in ("", class_of(word, segmenter)):
            total = found.setdefault(name, _nothing())
            for at, count in enumerate(counts):
                total[at] += count
    return found


class Evidence:
    """What each word says, from the shipped habits and the knowledge base's own counts."""

    def __init__(self, shipped: Habits, own: Mapping[str, Count], segmenter: Segmenter) -> None:
        self._shipped, self._own, self._segmenter = shipped, own, segmenter
        self._own_classes = by_class(own, segmenter)
        self._known: dict[str, tuple[float, float]] = {}

    def of(self, word: str) -> tuple[float, float]:
        """The evidence that two texts ask the same: where one has the word, where both have."""
        found = self._known.get(word)
        if found is None:
            found = self._known[word] = self.without(word, None)
        return found

    def without(self, word: str, hidden: Count | None) -> tuple[float, float]:
        """The same, as if `hidden` had not been counted among the own."""
        shares = self._rates(self._shipped.classes.get(""), (0.5, 0.5), None)
        name = class_of(word, self._segmenter)
        shares = self._rates(self._shipped.classes.get(name), shares, None)
        shares = self._rates(self._shipped.words.get(word), shares, None)
        shares = self._rates(self._own_classes.get(name), shares, None)
        same, different = self._rates(self._own.get(word), shares, hidden)
        return (log(same / different), log((1 - same) / (1 - different)))

    @staticmethod
    def _rates(
        counts: Count | None, prior: tuple[float, float], hidden: Count | None
    ) -> tuple[float, float]:
        """How often only one of two texts has it: of two that ask the same, of different ones."""
        if counts is None:
            return prior
        if hidden is not None:
            counts = [max(0.0, count - less) for count, less in zip(counts, hidden, strict=True)]
        return (
            (counts[0] + _PRIOR * prior[0]) / (counts[1] + _PRIOR),
            (counts[2] + _PRIOR * prior[1]) / (counts[3] + _PRIOR),
        )
