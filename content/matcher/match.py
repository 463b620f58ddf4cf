"""Words by how rare they are, and characters by how alike; the better of an entry's texts counts.

Both alone give wrong answers: rare words alone take 副作用 for 作用, characters alone take
"预备期几个月" for "预备期几个人". Numbers and negations that differ forbid an answer.
"""

import heapq
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from rapidfuzz import fuzz

from content import segment
from content.matcher.normalise import Normaliser

# An answer is given from this score on, this far before the next entry, and when this share of
# what the question speaks of stands in the entry's texts. Chosen on 240 paraphrases, 90 near
# misses and 60 foreign questions for the pack party-branch: 128 answered rightly, 1 wrongly.
ANSWER = 0.45
LEAD = 0.02
COVERED = 0.85
# From this score on entries are near enough to be named; one alone must be nearer than that.
NEAR = 0.36
NEAR_SHARE = 0.7
NEAREST = 4
# Texts that are compared in full: the others share too little with the question.
_COMPARED = 60
_WORD_SHARE = 0.6
# What a word is worth whose characters stand in the texts, but not in this order.
_SCATTERED = 0.5
# A longer question than this is no question from the list; comparing it would only take time.
_LONGEST = 200
# One word, such as 时间 or 处分, says what it is about and not what is asked.
_SHORTEST = 4
# Words that speak of nothing: that they are missing says nothing either.
_SPEAKS_OF_NOTHING = frozenset(
    "的了吗呢么是在有要就都也还和与及或对到把被让给会谁啊呀吧一个请问我你他她们"
) | {
    *"这那上下里中几",
    *("怎么", "何时", "什么", "多少", "多久", "多长", "可以", "一般", "哪些", "是不是", "需要"),
    *("时候", "时间", "多长时间"),
}
_NUMBER = re.compile(r"\d+")
_NEGATION = re.compile(r"不(?!是|同|少于|超过|足|到|满|过|久)|没|未|无|非|别|免")


@dataclass(frozen=True, slots=True)
class Candidate:
    """An entry and how well the question fits it, 0 to 1."""

    entry: str
    score: float


@dataclass(frozen=True, slots=True)
class Match:
    """`candidates` are the entries worth naming, best first; of an answer the first is it."""

    decision: Literal["answer", "clarify", "escalate"]
    candidates: tuple[Candidate, ...] = ()


@dataclass(frozen=True, slots=True)
class _Text:
    """One way to ask for an entry, ready to be compared; `weight` is the sum of its words'."""

    entry: str
    plain: str
    words: frozenset[str]
    weight: float


class Matcher:
    """Over the texts of each entry: its question and variants."""

    def __init__(self, texts: Mapping[str, Sequence[str]], normaliser: Normaliser) -> None:
        self._normalise = normaliser
        if texts:
            segment.teach(normaliser.terms)
        plain = [(entry, normaliser(text)) for entry, all_of in texts.items() for text in all_of]
        split = [(entry, text, _words(text)) for entry, text in plain]
        counts = Counter(word for _, _, words in split for word in words)
        self._rarity = {word: math.log(1 + len(split) / count) for word, count in counts.items()}
        self._unknown = math.log(1 + len(split))
        self._texts = [
            _Text(entry, text, words, self._weight(words)) for entry, text, words in split
        ]
        self._holding: dict[str, list[int]] = {}
        self._spoken_of: dict[str, set[str]] = {entry: set() for entry in texts}
        for index, text in enumerate(self._texts):
            self._spoken_of[text.entry] |= text.words | set(text.plain)
            for word in text.words:
                self._holding.setdefault(word, []).append(index)

    def decide(self, question: str) -> Match:
        """What to do with the question; a text of any length or kind gets a decision."""
        if not self._texts:
            return Match("escalate", ())
        plain = self._normalise(question[:_LONGEST])
        ranked = self._ranked(plain)
        nearest = tuple(ranked[:NEAREST])
        if not ranked or len(question) > _LONGEST:
            return Match("escalate", nearest)
        best = ranked[0]
        lead = best.score - (ranked[1].score if len(ranked) > 1 else 0.0)
        if best.score == 1.0 or (
            len(plain) >= _SHORTEST
            and best.score >= ANSWER
            and lead >= LEAD
            and self._covered(plain, best.entry) >= COVERED
            and not self._contradicted(plain, best.entry)
        ):
            return Match("answer", nearest)
        near = tuple(item for item in nearest if item.score >= NEAR_SHARE * best.score)
        if best.score < (NEAR if len(near) > 1 else ANSWER):
            return Match("escalate", nearest)
        return Match("clarify", near if len(near) > 1 else nearest[:2])

    def _ranked(self, plain: str) -> list[Candidate]:
        """Each entry with the score of its best text, best first."""
        words = _words(plain)
        weight = self._weight(words)
        shared: dict[int, float] = {}
        for word in words:
            for index in self._holding.get(word, ()):
                shared[index] = shared.get(index, 0.0) + self._rarity[word]
        best: dict[str, float] = {}
        for index in heapq.nlargest(_COMPARED, shared, key=shared.__getitem__):
            text = self._texts[index]
            score = _score(plain, weight, text, shared[index])
            best[text.entry] = max(best.get(text.entry, 0.0), score)
        ranked = [Candidate(entry, round(score, 3)) for entry, score in best.items()]
        return sorted(ranked, key=lambda item: (-item.score, item.entry))

    def _covered(self, plain: str, entry: str) -> float:
        """Which share of what the question speaks of, by weight, stands in the entry's texts.

        One foreign word makes another question of it: 团员大会 is no 党员大会.
        """
        spoken_of = self._spoken_of[entry]
        asked = [word for word in segment.words_of(plain) if word not in _SPEAKS_OF_NOTHING]
        whole = found = 0.0
        for word in asked:
            weight = self._rarity.get(word, self._unknown)
            whole += weight
            known = sum(character in spoken_of for character in word) / len(word)
            found += weight if word in spoken_of else weight * known * _SCATTERED
        return found / whole if whole else 1.0

    def _contradicted(self, plain: str, entry: str) -> bool:
        """Whether none of the entry's texts names the question's numbers, or denies as it does."""
        texts = [text.plain for text in self._texts if text.entry == entry]
        return all(_contradict(plain, text) for text in texts)

    def _weight(self, words: Iterable[str]) -> float:
        return sum(self._rarity.get(word, self._unknown) for word in words)


def _score(plain: str, weight: float, text: _Text, common: float) -> float:
    if plain == text.plain:
        return 1.0
    by_words = 2 * common / (weight + text.weight)
    by_characters = fuzz.ratio(plain, text.plain) / 100
    return min(0.999, _WORD_SHARE * by_words + (1 - _WORD_SHARE) * by_characters)


def _words(text: str) -> frozenset[str]:
    """jieba's words, and pairs of neighbours, which are right where jieba cuts otherwise."""
    pairs = (text[start : start + 2] for start in range(len(text) - 1))
    return frozenset([*segment.words_of(text), *pairs])


def _contradict(one: str, other: str) -> bool:
    """Whether one names another number than the other, or denies what the other does not."""
    numbers, others = set(_NUMBER.findall(one)), set(_NUMBER.findall(other))
    if numbers and others and numbers != others:
        return True
    return bool(_NEGATION.search(one)) != bool(_NEGATION.search(other))
