"""A question and a known text, put side by side: the figures that the probability rests on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from rapidfuzz import fuzz

from content.matcher import differences
from content.matcher.asking import ASKING, PLAINLY
from content.matcher.normalise import Normaliser, Plain
from content.matcher.sound import alike, repaired

# In the order of the weights. Evidence is below 0 where it speaks against the same question.
FEATURES = (
    "mine",  # evidence of the words that only the question has
    "foreign",  # of those among them that no text of the entry has
    "theirs",  # of the words that only the known text has
    "whole",  # of both, where a word counts in full though part of it is on the other side
    "worst",  # of the one word that speaks most against it
    "instead",  # the lesser of mine and theirs: something was put in place of something
    "shared",  # of the words that both have
    "ratio",  # likeness of the characters in their order (rapidfuzz)
    "cosine",  # likeness by rare pieces
    "numbers",  # they name different numbers
    "denied",  # one denies what the other does not
    "excluded",  # each has a word that excludes the other's
    "prefixed",  # a word of one is a word of the other with 副, 非 … before it
    "turned",  # the same words around a direction, the other way round
    "sounded",  # characters had to be taken for others that sound alike
    "brief",  # how little the question says: 1 over its words
    "asks alike",  # both ask for the same: why, how, how much
    "asks other",  # both ask, and for nothing in common
    "asks more",  # one asks for something beside
    "names",  # how many nouns the question has that the text has not, in parts of words
    "acts",  # verbs
    "says",  # other words that carry meaning
    "named",  # the same for the text's words that the question has not
    "acted",
    "said",
)
_LEAST = -12.0
_KINDS = {"n": "n", "i": "n", "l": "n", "x": "n", "?": "n", "#": "n", "v": "v"} | dict.fromkeys(
    "adtfm", "a"
)


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
        """`siblings` are the other texts of the known one's entry."""
        mine, theirs = _apart(asked, known)
        sounded = 0.0
        if mine and theirs and _may_sound_alike(mine, theirs):
            again = repaired(asked.text, known.text)
            if again is not None:
                sounded = sum(a != b for a, b in zip(asked.text, again, strict=True))
                asked = Plain(again, tuple(self._normaliser.segmenter.cut(again)))
                mine, theirs = _apart(asked, known)
        values = self._figures(asked, known, mine, theirs, cosine, siblings)
        brief = 1 / max(1, len(asked.words))
        more = (*_asks(asked, known), *self._kinds(mine, known), *self._kinds(theirs, asked))
        return Comparison((*values, sounded, brief, *more), mine, theirs)

    def _kinds(self, words: Sequence[str], other: Plain) -> tuple[float, float, float]:
        """How many words the other text has not: nouns, verbs, others that carry meaning."""
        counts = {"n": 0.0, "v": 0.0, "a": 0.0}
        for word in words:
            kind = _KINDS.get(self._normaliser.segmenter.kind(word))
            if kind and word not in ASKING:
                counts[kind] += _missing(word, other.text)
        return min(4.0, counts["n"]), min(4.0, counts["v"]), min(4.0, counts["a"])

    def _figures(
        self,
        asked: Plain,
        known: Plain,
        mine: Sequence[str],
        theirs: Sequence[str],
        cosine: float,
        siblings: Iterable[Plain],
    ) -> tuple[float, ...]:
        of = self._evidence.of
        some = [(word, min(0.0, of(word)[0]), _missing(word, known.text)) for word in mine]
        others = [(word, min(0.0, of(word)[0]), _missing(word, asked.text)) for word in theirs]
        against = sum(value * share for _, value, share in some)
        for_it = sum(value * share for _, value, share in others)
        whole = sum(value for _, value, _ in some) + sum(value for _, value, _ in others)
        worst = min((value * share for _, value, share in (*some, *others)), default=0.0)
        foreign = against
        if some:
            said = "".join(text.text for text in siblings)
            foreign = sum(value * share for word, value, share in some if word not in said)
        apart = set(mine)
        shared = sum(of(word)[1] for word in dict.fromkeys(asked.words) if word not in apart)
        first, second = _loose(mine, theirs), _loose(theirs, mine)
        return (
            max(_LEAST, against),
            max(_LEAST, foreign),
            max(_LEAST, for_it),
            max(2 * _LEAST, whole),
            max(_LEAST, worst),
            max(_LEAST, against, for_it),
            min(-_LEAST, shared),
            fuzz.ratio(asked.text, known.text) / 100,
            cosine,
            differences.numbers_differ(asked.text, known.text),
            float(differences.denials_differ(asked.text, known.text)),
            float(min(2, differences.exclusive(first, second))),
            float(_prefixed(mine, theirs) or _prefixed(theirs, mine)),
            float(not mine and not theirs and differences.turned(asked.words, known.words)),
        )


def _asks(one: Plain, other: Plain) -> tuple[float, float, float]:
    first, second = PLAINLY.intersection(one.words), PLAINLY.intersection(other.words)
    both = bool(first & second)
    return (
        float(both),
        float(bool(first and second) and not both),
        float((both and first != second) or bool(first) != bool(second)),
    )


def _apart(one: Plain, other: Plain) -> tuple[tuple[str, ...], tuple[str, ...]]:
    first, second = dict.fromkeys(one.words), dict.fromkeys(other.words)
    return (
        tuple(word for word in first if word not in second),
        tuple(word for word in second if word not in first),
    )


def _missing(word: str, text: str) -> float:
    """Which share of the word's characters the text does not have."""
    if word in text:
        return 0.0
    return sum(character not in text for character in word) / len(word)


def _loose(words: Sequence[str], others: Sequence[str]) -> set[str]:
    """The words, and their characters that the others do not have."""
    known = "".join(others)
    return {*words, *(letter for word in words for letter in word if letter not in known)}


def _prefixed(words: Sequence[str], others: Sequence[str]) -> bool:
    return any(
        word[0] in differences.PREFIXES and len(word) > 1 and word[1:] in others for word in words
    )


def _may_sound_alike(words: Sequence[str], others: Sequence[str]) -> bool:
    known = set("".join(others))
    letters = {letter for word in words for letter in word} - known
    return any(alike(letter, other) for letter in letters for other in known)
