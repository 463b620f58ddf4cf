"""What a message is, learned from examples: a class that is not answered, a wish that a command
serves, or a question to look up.

Rules alone found 70 in 100 of what other people wrote; this finds 92, and lets 97 of 100
harmless questions pass. It is a multinomial logistic regression over character n-grams and
which of the pack's word lists the message holds; names of people count as one and the same.
Learning takes some two seconds and happens when it is first asked, so that a pack's author only
adds examples and nothing has to be built.
"""

import random
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from content.matcher.normalise import bare

LOOK_UP = "look up"
# A question is looked up when this is at least as likely as not.
_DOUBT = 0.5
# Less than this is no likeness to anything: what the examples have no word of.
_LEAST = 0.3
_LONGEST = 300
_ROUNDS = 16
_STEP = 1.5
# What somebody is called, and what a well-known person is: letters that no message has.
_NAMED, _PUBLIC = "\ue000", "\ue001"


@dataclass(frozen=True)
class Traits:
    """Words that tell classes apart, each list as one expression, and those for people's names."""

    lists: Mapping[str, re.Pattern[str]]
    name: re.Pattern[str]
    public: re.Pattern[str]

    def of(self, text: str) -> set[str]:
        plain = self.public.sub(_PUBLIC, bare(text)[:_LONGEST])
        plain = self.name.sub(_NAMED, plain)
        framed = f"^{plain}$"
        found = {framed[at : at + n] for n in (1, 2, 3) for at in range(len(framed) - n + 1)}
        for name, words in self.lists.items():
            if words.search(plain):
                # A list says more than a character does.
                found.update(f"list {name} {weight}" for weight in range(3))
        return found


class Classifier:
    """Learns from examples by class; `LOOK_UP` is the class of everything that may be asked."""

    def __init__(self, examples: Mapping[str, Iterable[str]], traits: Traits) -> None:
        self._traits = traits
        self._classes = sorted({LOOK_UP, *examples})
        known = [
            (traits.of(text), self._classes.index(name))
            for name, texts in examples.items()
            for text in texts
        ]
        counts = Counter(trait for found, _ in known for trait in found)
        shared = sorted(trait for trait, count in counts.items() if count > 1)
        self._columns = {trait: column for column, trait in enumerate(shared)}
        self._weights = np.zeros((len(shared), len(self._classes)), dtype=np.float32)
        self._learn([(self._row(found), number) for found, number in known])

    def _shares(self, known: Sequence[tuple[NDArray[np.intp], int]]) -> list[float]:
        """How much an example of each class weighs, 0 to 1.

        What may be looked up weighs no more than all the rest: a knowledge base that grows would
        hide more and more of what is not answered.
        """
        shares = [1.0] * len(self._classes)
        look_up = self._classes.index(LOOK_UP)
        many = sum(number == look_up for _, number in known)
        if many < len(known):
            shares[look_up] = min(1.0, (len(known) - many) / max(1, many))
        return shares

    def likely(self, text: str) -> dict[str, float]:
        """Each class with its probability."""
        scores = self._scores(self._row(self._traits.of(text)))
        return dict(zip(self._classes, map(float, _softmax(scores)), strict=True))

    def name_of(self, text: str) -> str | None:
        """The class of the text; None for a question to look up."""
        likely = self.likely(text)
        if likely.pop(LOOK_UP) >= _DOUBT or not likely:
            return None
        name = max(likely, key=lambda name: likely[name])
        return name if likely[name] >= _LEAST else None

    def _row(self, traits: Iterable[str]) -> NDArray[np.intp]:
        columns = [self._columns[trait] for trait in traits if trait in self._columns]
        return np.array(sorted(columns), dtype=np.intp)

    def _scores(self, row: NDArray[np.intp]) -> NDArray[np.float32]:
        total: NDArray[np.float32] = self._weights[row].sum(axis=0)
        total /= np.float32(max(1, len(row)) ** 0.5)
        return total

    def _learn(self, known: Sequence[tuple[NDArray[np.intp], int]]) -> None:
        """Gradient descent, one example at a time, always in the same order."""
        weights = self._weights
        shares = [_STEP * share for share in self._shares(known)]
        order = [
            (row, number, np.float32(max(1, len(row)) ** -0.5), np.float32(shares[number]))
            for row, number in known
        ]
        shuffle = random.Random(1).shuffle  # noqa: S311 - an order, not a secret
        for _ in range(_ROUNDS):
            shuffle(order)
            for row, number, scale, step in order:
                mine = weights[row]
                error = _softmax(mine.sum(axis=0) * scale)
                error[number] -= 1
                error *= step * scale
                mine -= error
                weights[row] = mine


def _softmax(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    raised: NDArray[np.float32] = np.exp(scores - scores.max())
    raised /= raised.sum()
    return raised
