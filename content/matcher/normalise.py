"""One spelling for what people write in many: for comparing only, never for showing."""

import re
import unicodedata
from collections.abc import Mapping, Sequence

from content.script import simplified

_NOT_WORDS = re.compile(r"[^\w%]|_")
_DIGITS = {digit: str(value) for value, digit in enumerate("零一二三四五六七八九")} | {"两": "2"}
_NUMERAL = "零一二三四五六七八九两十百"
_NUMBERS = re.compile(rf"[{_NUMERAL}]+")
# Where a numeral is counted with, it is a number; elsewhere (统一, 一般) it is part of a word.
_COUNTED = re.compile(
    rf"[{_NUMERAL}]+(?=[个名位人年月日天次周届中大章条倍元块分票会课级类种半]|小时|学时)"
    rf"|(?<=第)[{_NUMERAL}]+"
)


def bare(text: str) -> str:
    """Simplified, half-width, lower case, without spaces, marks and emoji."""
    wide = unicodedata.normalize("NFKC", simplified(text)).casefold()
    return _NOT_WORDS.sub("", wide)


class Normaliser:
    """`synonyms` maps a standard term to how else it is written; `fillers` carry no meaning."""

    def __init__(self, synonyms: Mapping[str, Sequence[str]], fillers: Sequence[str]) -> None:
        self._standard = {bare(term): bare(term) for term in synonyms}
        for term, others in synonyms.items():
            self._standard |= {bare(other): bare(term) for other in others}
        self.terms = frozenset(self._standard.values())
        self._written = _any_of(self._standard)
        self._fillers = _any_of([bare(word) for word in fillers])

    def __call__(self, text: str) -> str:
        """The text in standard terms, numerals as digits, without what carries no meaning."""
        plain = self._written.sub(lambda found: self._standard[found[0]], bare(text))
        plain = _COUNTED.sub(lambda found: digits(found[0]), plain)
        return self._fillers.sub("", plain) or plain


def _any_of(words: Sequence[str] | Mapping[str, str]) -> re.Pattern[str]:
    """Any of these words, the longest first; of none a pattern that never matches."""
    listed = sorted(filter(None, words), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, listed)) or r"(?!)")


def digits(numeral: str) -> str:
    """二十 → 20, 三 → 3, 一九二一 → 1921; at most hundreds, as anything above is written so."""
    if "十" not in numeral and "百" not in numeral:
        return "".join(_DIGITS[digit] for digit in numeral)
    total, last = 0, 0
    for character in numeral:
        if character in "十百":
            total += (last or 1) * (10 if character == "十" else 100)
            last = 0
        else:
            last = int(_DIGITS[character])
    return str(total + last)
