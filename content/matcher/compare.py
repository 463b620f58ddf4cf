"""A question and a known text, put side by side: the figures that the probability rests on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from rapidfuzz import fuzz

from content.matcher import differences
from content.matcher.asking import PLAINLY
from content.matcher.normalise import Normaliser, Plain
from content.matcher.sound import repaired

# In the order of the weights. "Own" words are those that only the question has, "other" words
# those that only the known text has. Evidence is below 0 where it speaks against the same question.
FEATURES = (
    "own evidence",  # of the own words that no text of the entry has; see habits
    "other evidence",  # of the other words
    "worst",  # the evidence of the one word that speaks most against it
    "shared",  # the evidence of the words that both have
    "own nouns",  # those that no text of the entry has, by how much they say and what is missing
    "own verbs",
    "own rest",
    "other nouns",
    "other verbs",
    "other rest",
    "foreign part",  # which part of what the question says no text of the entry has
    "own part",  # which part of what it says is in the own words
    "other part",  # likewise of the known text
    "same",  # no word that says anything differs
    "all words",  # no word differs at all: they stand in another order, or are written apart
    "ratio",  # likeness of the characters in their order (rapidfuzz)
    "cosine",  # likeness by rare pieces
    "asks other",  # both ask: why, how, how much; and for nothing in common
    "asks more",  # one of them asks for something beside
    "numbers",  # they name different numbers
    "denied",  # one denies what the other does not
    "excluded",  # each has a word that excludes the other's
    "prefixed",  # a word of one is a word of the other with 副, 非 … before it
    "turned",  # the same words around a direction, the other way round
    "sounded",  # a character had to be taken for another that sounds alike
)
COSINE = FEATURES.index("cosine")
_LEAST = -12.0
# Less alike than this two texts differ in more than how a character sounds.
_ALIKE = 0.5
# More words than these do not make it worse.
_MOST = 4.0
# Evidence of the same question from shared words alone, at most.
_MOST_SHARED = 12.0


class Speaking(Protocol):
    """What words say; see habits.Evidence."""

    def of(self, word: str) -> tuple[float, float]: ...


@dataclass(frozen=True, slots=True)
class Comparison:
    """`values` as in FEATURES; `mine` and `theirs` are the words that differ."""

    values: tuple[float, ...]
    mine: tuple[str, ...]
    theirs: tuple[str, ...]


class Comparer:
    def __init__(self, normaliser: Normaliser, evidence: Speaking) -> None:
        self._normaliser, self._evidence = normaliser, evidence

    def __call__(
        self, asked: Plain, known: Plain, cosine: float, siblings: Iterable[Plain]
    ) -> Comparison:
        """`siblings` are the texts of the known one's entry, itself among them."""
        mine, theirs = _apart(asked, known)
        sounded = 0.0
        ratio = fuzz.ratio(asked.text, known.text) / 100
        if mine and theirs and ratio >= _ALIKE:
            again = repaired(asked.text, known.text)
            if again is not None:
                sounded = 1.0
                asked = Plain(again, tuple(self._normaliser.segmenter.cut(again)))
                mine, theirs = _apart(asked, known)
        said = "\n".join([text.text for text in siblings]) if mine else ""
        turned = differences.turned(asked.words, known.words, self._normaliser.segmenter.kind)
        values = (
            *self._evidences(asked, known, mine, theirs, said),
            *self._meanings(asked, known, mine, theirs, said),
            float(not mine and not theirs and not turned),
            ratio,
            cosine,
            *_asks(asked, known),
            differences.numbers_differ(asked.text, known.text),
            float(differences.denials_differ(asked.text, known.text)),
            *_oppositions(mine, theirs),
            float(turned),
            sounded,
        )
        return Comparison(values, mine, theirs)

    def _evidences(
        self,
        asked: Plain,
        known: Plain,
        mine: Sequence[str],
        theirs: Sequence[str],
        said: str,
    ) -> tuple[float, float, float, float]:
        of = self._evidence.of
        own = other = worst = 0.0
        for word in mine:
            against = min(0.0, of(word)[0]) * _missing(word, asked.text, known.text)
            worst = min(worst, against)
            repeats = asked.text.count(word) > known.text.count(word) > 0
            own += against if repeats or word not in said else 0.0
        for word in theirs:
            against = min(0.0, of(word)[0]) * _missing(word, known.text, asked.text)
            worst = min(worst, against)
            other += against
        shared = sum(of(word)[1] for word in asked.words if word not in mine)
        return max(_LEAST, own), max(_LEAST, other), worst, min(_MOST_SHARED, shared)

    def _meanings(
        self, asked: Plain, known: Plain, mine: Sequence[str], theirs: Sequence[str], said: str
    ) -> tuple[float, ...]:
        own, foreign_sum = self._counted(mine, asked.text, said)
        _, own_sum = self._counted(mine, asked.text, known.text)
        other, other_sum = self._counted(theirs, known.text, asked.text)
        meaning = self._normaliser.meaning
        whole = sum(meaning(word)[1] for word in asked.words)
        other_whole = sum(meaning(word)[1] for word in known.words)
        same = own_sum + other_sum < _NOTHING
        whole = max(whole, 1.0)
        parts = (
            foreign_sum / whole,
            own_sum / whole,
            other_sum / max(other_whole, 1.0),
            float(same),
        )
        return *own, *other, *parts

    def _counted(
        self, words: Sequence[str], own: str, text: str
    ) -> tuple[tuple[float, float, float], float]:
        """How much of what the words of `own` say the text has not: nouns, verbs, the rest; and
        in all.
        """
        counts = [0.0, 0.0, 0.0]
        total = 0.0
        for word in words:
            kind, weight = self._normaliser.meaning(word)
            if weight:
                weight *= _missing(word, own, text)
                total += weight
                if kind is not None:
                    counts[kind] += weight
        return (min(_MOST, counts[0]), min(_MOST, counts[1]), min(_MOST, counts[2])), total


# Less than this is nothing that is said: 要, 会.
_NOTHING = 0.3


def _asks(one: Plain, other: Plain) -> tuple[float, float]:
    first, second = PLAINLY.intersection(one.words), PLAINLY.intersection(other.words)
    both = bool(first & second)
    return (
        float(bool(first and second) and not both),
        float((both and first != second) or bool(first) != bool(second)),
    )


def _oppositions(mine: Sequence[str], theirs: Sequence[str]) -> tuple[float, float]:
    if not mine or not theirs:
        return 0.0, 0.0
    excluded = differences.exclusive(_loose(mine, theirs), _loose(theirs, mine))
    prefixed = _prefixed(mine, theirs) or _prefixed(theirs, mine)
    return float(min(2, excluded)), float(prefixed)


def _apart(one: Plain, other: Plain) -> tuple[tuple[str, ...], tuple[str, ...]]:
    first, second = dict.fromkeys(one.words), dict.fromkeys(other.words)
    return (
        tuple([word for word in first if word not in second]),
        tuple([word for word in second if word not in first]),
    )


def _missing(word: str, own: str, text: str) -> float:
    """Which share of the word's characters the text does not have as often as `own`, its own text.

    斑 in 色彩斑斓的斑是什么意思 is one more than 色彩斑斓是什么意思 has.
    """
    if word in text and own.count(word) <= text.count(word):
        return 0.0
    missing = 0
    for character in word:
        missing += character not in text or own.count(character) > text.count(character)
    return missing / len(word)


def _loose(words: Sequence[str], others: Sequence[str]) -> set[str]:
    """The words, and their characters that the others do not have."""
    known = "".join(others)
    return {*words, *[letter for word in words for letter in word if letter not in known]}


def _prefixed(words: Sequence[str], others: Sequence[str]) -> bool:
    return any(
        word[0] in differences.PREFIXES and len(word) > 1 and word[1:] in others for word in words
    )
