"""Words written with a character that only sounds like the right one: 源因 is 原因."""

from collections.abc import Iterable
from functools import cache

from content.matcher.sound import alike, mostly
from content.segment import Segmenter, frequent_words

# Words used so often are expected in any knowledge base.
_EXPECTED = 8_000
_LONGEST = 4


class Hearing:
    """Knows the words of a knowledge base, and the most frequent ones, by how they sound."""

    def __init__(self, words: Iterable[str], segmenter: Segmenter) -> None:
        self._segmenter = segmenter
        self._own: dict[str, str] = {}
        self.learn(words)

    def learn(self, words: Iterable[str]) -> None:
        """Expect these words as well."""
        for word in words:
            if 1 < len(word) <= _LONGEST and (heard := _heard(word)):
                self._own.setdefault(heard, word)

    def mended(self, text: str) -> str:
        """The bare text with each slip in a word put right; the same text where there is none.

        Only what fell apart into single characters is looked at: who writes a word that there is
        means it.
        """
        words = self._segmenter.cut(text)
        at = 0
        while at < len(words):
            for size in range(_LONGEST, 1, -1):
                piece = words[at : at + size]
                if any(len(word) == 1 for word in piece) and (right := self._meant("".join(piece))):
                    words[at : at + size] = [right]
                    break
            at += 1
        return "".join(words)

    def _meant(self, piece: str) -> str | None:
        """The word that differs in one character, which sounds alike."""
        if len(piece) > _LONGEST or not (heard := _heard(piece)):
            return None
        word = self._own.get(heard) or _general().get(heard)
        if word is None or len(word) != len(piece):
            return None
        slips = [(a, b) for a, b in zip(piece, word, strict=True) if a != b]
        return word if len(slips) == 1 and alike(*slips[0]) else None


def _heard(word: str) -> str | None:
    """How it sounds; None where a character has no sound."""
    found = [mostly(letter) for letter in word]
    return " ".join(filter(None, found)) if all(found) else None


@cache
def _general() -> dict[str, str]:
    found: dict[str, str] = {}
    for word in frequent_words(_EXPECTED):
        if len(word) <= _LONGEST and (heard := _heard(word)):
            found.setdefault(heard, word)
    return found
