"""Words of a Chinese text by jieba's dictionary; loaded when first used, 0.7 s and 50 MB.

The likeliest way to cut a text is jieba's own (each word's frequency, without its guesses at new
words), but by our own code: jieba takes 0.2 ms for a question, this 0.03, and a knowledge base of
100,000 texts has to be cut within seconds. Beside its cost each word has a class, the first
letter of jieba's part of speech.
"""

import re
from collections.abc import Iterable
from functools import cache
from importlib.util import find_spec
from math import log
from pathlib import Path
from threading import Lock

# Words of the dictionary that are longer are names and sayings, which parts find as well.
_LONGEST = 4
_CLASS_BITS = 5
_CLASS_MASK = (1 << _CLASS_BITS) - 1
# Costs are minus logarithms of a frequency, kept as whole numbers of this fraction.
_SCALE = 1000
_LATIN = re.compile(r"[a-z0-9%.]+")
# What one unknown character costs more than the rarest word.
_UNKNOWN = 3 * _SCALE
CLASSES = "?nvadrmqtfupcilxyk#"
_SAME_CLASS = {"z": "a", "b": "a", "j": "n", "s": "n", "g": "n", "o": "y", "e": "y", "h": "k"}
_loading = Lock()


@cache
def _dictionary() -> tuple[dict[str, int], int]:
    """Each word's cost and class in one number, and the cost of a word that is not there.

    jieba's own loader leaves a cache in the machine's shared temporary folder, which anybody there
    could have written: the dictionary is read from the package instead.
    """
    rows = []
    total = 0
    for line in _jieba_dictionary().read_text(encoding="utf-8").splitlines():
        word, written, kind = line.split(" ")
        total += int(written)
        if len(word) <= _LONGEST:
            rows.append((word, int(written), kind[0]))
    whole = log(total)
    costs: dict[int, int] = {}
    found: dict[str, int] = {}
    numbers = {letter: CLASSES.find(_SAME_CLASS.get(letter, letter)) for *_, letter in rows}
    for word, count, letter in rows:
        cost = costs.get(count)
        if cost is None:
            cost = costs[count] = round((whole - log(count or 1)) * _SCALE) << _CLASS_BITS
        found[word.lower()] = cost | max(0, numbers[letter])
    return found, round(whole * _SCALE) + _UNKNOWN


def _jieba_dictionary() -> Path:
    """Found without importing jieba, whose regular expressions Python warns of."""
    spec = find_spec("jieba")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("jieba is not installed")
    return Path(spec.submodule_search_locations[0]) / "dict.txt"


def warm() -> None:
    """Load the dictionary now; of several threads that need it one does."""
    with _loading:
        _dictionary()


class Segmenter:
    """Cuts texts; `terms` are kept in one piece wherever they stand."""

    def __init__(self, terms: Iterable[str] = ()) -> None:
        warm()
        self._words, self._unknown = _dictionary()
        self._terms = frozenset(filter(None, terms))
        listed = sorted(self._terms, key=len, reverse=True)
        self._whole = re.compile("|".join([*map(re.escape, listed), _LATIN.pattern]))

    def cut(self, text: str) -> list[str]:
        """The words of a bare, lower-case text, in their order; nothing is left out."""
        found: list[str] = []
        at = 0
        for whole in self._whole.finditer(text):
            if whole.start() > at:
                self._cut(text[at : whole.start()], found)
            found.append(whole[0])
            at = whole.end()
        if at < len(text):
            self._cut(text[at:], found)
        return found

    def kind(self, word: str) -> str:
        """One of CLASSES: jieba's part of speech in short, # for digits and Latin letters."""
        if known := self._words.get(word):
            return CLASSES[known & _CLASS_MASK]
        if _LATIN.fullmatch(word):
            return "#"
        return "n" if word in self._terms else "?"

    def rarity(self, word: str) -> float:
        """Minus the logarithm of how often the word is used in general; some 3 to 20."""
        known = self._words.get(word)
        return (known >> _CLASS_BITS if known else self._unknown) / _SCALE

    def _cut(self, text: str, found: list[str]) -> None:
        """The cheapest way from each place to the end, from behind."""
        words, unknown, size = self._words.get, self._unknown, len(text)
        costs = [0] * (size + 1)
        ends = [0] * size
        for start in range(size - 1, -1, -1):
            known = words(text[start])
            best = (known >> _CLASS_BITS if known else unknown) + costs[start + 1]
            end_of_best = start + 1
            for end in range(start + 2, min(start + _LONGEST, size) + 1):
                known = words(text[start:end])
                if known:
                    cost = (known >> _CLASS_BITS) + costs[end]
                    if cost < best:
                        best, end_of_best = cost, end
            costs[start], ends[start] = best, end_of_best
        start = 0
        while start < size:
            found.append(text[start : ends[start]])
            start = ends[start]


@cache
def frequent_words(most: int) -> tuple[str, ...]:
    """The words of several characters that are used most in general, the most frequent first."""
    warm()
    words, _ = _dictionary()
    several = [word for word in words if len(word) > 1 and "一" <= word[0] <= "鿿"]
    return tuple(sorted(several, key=lambda word: words[word] >> _CLASS_BITS)[:most])


@cache
def frequent_characters(most: int) -> str:
    """The characters that are used most in general, the most frequent first."""
    warm()
    words, _ = _dictionary()
    single = [word for word in words if len(word) == 1 and "一" <= word <= "鿿"]
    return "".join(sorted(single, key=lambda word: words[word] >> _CLASS_BITS)[:most])
