"""Questions whose right answer is known, made of a knowledge base's own texts.

A text that is hidden for a moment is a question whose entry is there; with its whole entry hidden
it is one that nothing answers, and what comes nearest is wrong. Both lie: people's near misses
are nearer than another entry mostly is. So near misses are made as well (see noise).
"""

from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass
from random import Random

from rapidfuzz import fuzz

from content.matcher import noise
from content.matcher.habits import Count, Counting, Evidence, Habits, counted
from content.matcher.match import Compared, Matcher
from content.matcher.normalise import Plain

# How much the kinds weigh: more near misses than questions, and some from the same field. Who asks
# often writes nearly what is known ("known": with noise, and the text itself is there).
SHARES = {"own": 1.0, "noisy": 0.6, "known": 0.8, "made": 1.5, "foreign": 0.8}
_HALF = 0.5
# Not all that is made is wrong: some words mean the same.
_NOISES: tuple[Callable[[str, Random], str], ...] = (noise.polite, noise.clipped, noise.misheard)


@dataclass(frozen=True, slots=True)
class Case:
    """What was asked, the right entry if there is one, and what is found for it."""

    kind: str
    asked: Plain
    right: str | None
    found: list[Compared]


@dataclass(frozen=True, slots=True)
class Neighbours:
    """For an entry its texts and, for each, the nearest text of another entry."""

    entry: str
    texts: list[Plain]
    nearest: list[Plain | None]

    def same(self) -> list[tuple[Plain, Plain]]:
        """Each text with the one of its own entry that is nearest: the one that would be found."""
        return [
            (text, max(others, key=lambda other: fuzz.ratio(text.text, other.text)))
            for text in self.texts
            if (others := [other for other in self.texts if other is not text])
        ]

    def different(self) -> list[tuple[Plain, Plain]]:
        both = zip(self.texts, self.nearest, strict=True)
        return [(text, other) for text, other in both if other is not None]


def neighbours(matcher: Matcher, entries: list[str], most_texts: int) -> list[Neighbours]:
    """Of these entries with at most so many texts each."""
    found = []
    for entry in entries:
        texts = list(dict.fromkeys(matcher.plain_texts(entry)))[:most_texts]
        found.append(Neighbours(entry, texts, [matcher.nearest_other(t, entry) for t in texts]))
    return found


def count(found: list[Neighbours]) -> dict[str, Count]:
    """What these entries say of words."""
    counting = Counting()
    for one in found:
        counting.see(one.same(), same=True)
        counting.see(one.different(), same=False)
    return counting.words


class Unseen:
    """The evidence as if one entry had not been counted."""

    def __init__(self, evidence: Evidence, own: Neighbours) -> None:
        self._evidence = evidence
        self._hidden = counted(own.same(), same=True)
        for word, counts in counted(own.different(), same=False).items():
            mine = self._hidden.setdefault(word, [0.0] * 4)
            mine[2:] = counts[2:]

    def of(self, word: str) -> tuple[float, float]:
        if word in self._hidden:
            return self._evidence.without(word, self._hidden[word])
        return self._evidence.of(word)


def cases(
    matcher: Matcher, found: list[Neighbours], evidence: Evidence, chance: Random
) -> Iterator[Case]:
    """Questions of every kind about each of these entries."""
    segmenter = matcher.normaliser.segmenter
    for one in found:
        unseen = Unseen(evidence, one)
        alone = len(one.texts) < 2

        def ask(
            kind: str,
            asked: Plain,
            right: str | None,
            hidden: Set[Plain],
            without: Set[str] = frozenset(),
            unseen: Unseen = unseen,
        ) -> Case:
            found = matcher.compared(asked, without=without, hidden=hidden, evidence=unseen)
            return Case(kind, asked, right, found)

        for text, other in zip(one.texts, one.nearest, strict=True):
            hidden: Set[Plain] = frozenset() if alone else frozenset({text})
            if not alone:
                yield ask("own", text, one.entry, hidden)
            said = matcher.normaliser.plain(chance.choice(_NOISES)(text.text, chance))
            if chance.random() < _HALF and not alone:
                yield ask("known", said, one.entry, frozenset())
            else:
                yield ask("noisy", said, one.entry, hidden)
            if chance.random() < _HALF:
                yield ask("foreign", text, None, frozenset(), frozenset({one.entry}))
            made = noise.near_misses(text, other, segmenter, chance) if other else []
            if made:
                plain = matcher.normaliser.plain(chance.choice(made))
                if not matcher.knows(plain):
                    yield ask("made", plain, None, hidden)


def evidence_of(matcher: Matcher, habits: Habits, own: dict[str, Count]) -> Evidence:
    return Evidence(habits, own, matcher.normaliser.segmenter)
