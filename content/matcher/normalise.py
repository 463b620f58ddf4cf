"""One spelling for what people write in many: for comparing only, never for showing."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from content.matcher import asking
from content.matcher.polite import asking_clauses, without_politeness
from content.script import simplified
from content.segment import Segmenter

_NOT_WORDS = re.compile(r"[^\w%]|_")
_NOT_WORDS_OR_LINES = re.compile(r"[^\w%\n]|_")
_DIGITS = {digit: str(value) for value, digit in enumerate("零一二三四五六七八九")} | {"两": "2"}
_TENS = {"十": 10, "百": 100, "千": 1000}
_NUMERAL = "零一二三四五六七八九两十百千万"
# Where a numeral is counted with, it is a number; elsewhere (统一, 一般) it is part of a word.
_COUNTED = re.compile(
    rf"[{_NUMERAL}]+(?=[个名位人年月日天次周届中大章条倍元块分票会课级类种半号岁楼层台件本]|小时|学时)"
    rf"|(?<=第)[{_NUMERAL}]+"
)
# 一下 and 一直 are counted with nothing, nor is 万一.
_NO_NUMBER = frozenset({"万", "百", "千"})

_KINDS = dict.fromkeys("nilx?#", 0) | {"v": 1} | dict.fromkeys("adtfm", 2)
# A word as common as this (see Segmenter.rarity) says nothing, one twice as rare all it can.
_COMMON = 5.0
# What people write has no end.
_REMEMBERED = 100_000


def bare(text: str) -> str:
    """Simplified, half-width, lower case, without spaces, marks and emoji."""
    wide = unicodedata.normalize("NFKC", simplified(text)).casefold()
    return _NOT_WORDS.sub("", wide)


@dataclass(frozen=True, slots=True)
class Plain:
    """A text ready to be compared: its words in their order, and all of them joined."""

    text: str
    words: tuple[str, ...]


class Normaliser:
    """`synonyms` maps a standard term to how else it is written; `fillers` carry no meaning.

    What is one character long, of either, only counts where it is a word of its own: 能 stands
    for 能不能, but not in 功能; 的 is left out, but not of 目的.
    """

    def __init__(self, synonyms: Mapping[str, Sequence[str]], fillers: Sequence[str]) -> None:
        self._standard = {bare(term): bare(term) for term in synonyms}
        for term, others in synonyms.items():
            self._standard |= {bare(other): bare(term) for other in others}
        self.terms = frozenset(self._standard.values())
        self._fillers = frozenset(map(bare, fillers))
        self._written = _any_of([word for word in self._standard if len(word) > 1])
        self._filling = _any_of([word for word in self._fillers if len(word) > 1])
        self._words: Segmenter | None = None
        self._shared: dict[str, str] = {}
        self._meanings: dict[str, tuple[int | None, float]] = {}

    @property
    def segmenter(self) -> Segmenter:
        """Made when it is first needed: loading the dictionary takes most of a second."""
        if self._words is None:
            self._words = Segmenter({term for term in self.terms if len(term) > 1} | asking.ASKING)
        return self._words

    def __call__(self, text: str) -> str:
        """The text in standard terms, numerals as digits, without what carries no meaning."""
        return self.plain(text).text

    def plain(self, text: str) -> Plain:
        return self._cut(bare(text))

    def asked(self, text: str) -> str:
        """What somebody wrote without the clauses that ask nothing; otherwise as they wrote it."""
        return asking_clauses(
            text,
            lambda clause: self.segmenter.cut(asking.in_one_spelling(bare(clause))),
            lambda word: self.meaning(word)[1] > 0 or word in asking.PLAINLY,
        )

    def many(self, texts: Sequence[str]) -> list[Plain]:
        """All of them at once: what is done by other people's code is done in one go."""
        joined = "\n".join(" ".join(text.split()) for text in texts)
        wide = unicodedata.normalize("NFKC", simplified(joined)).casefold()
        lines = _NOT_WORDS_OR_LINES.sub("", wide).split("\n")
        if len(lines) != len(texts):
            return [self.plain(text) for text in texts]
        keep = self._shared.setdefault
        found = []
        for line in lines:
            one = self._cut(line)
            found.append(Plain(one.text, tuple([keep(word, word) for word in one.words])))
        return found

    def meaning(self, word: str) -> tuple[int | None, float]:
        """What the word is (0 a noun, 1 a verb, 2 something else that says what is meant, None for
        a helping or asking word), and how much it says, 0 to 1.
        """
        found = self._meanings.get(word)
        if found is None:
            kind = None if word in asking.ASKING else _KINDS.get(self.segmenter.kind(word))
            weight = min(1.0, max(0.0, self.segmenter.rarity(word) / _COMMON - 1))
            if len(self._meanings) > _REMEMBERED:
                self._meanings.clear()
            found = self._meanings[word] = (kind, 0.0 if kind is None else weight)
        return found

    def _cut(self, spelled: str) -> Plain:
        spelled = without_politeness(spelled)
        plain = self._written.sub(lambda found: self._standard[found[0]], spelled)
        plain = asking.in_one_spelling(_COUNTED.sub(_number, plain))
        plain = self._filling.sub("", plain) or plain
        standard, fillers = self._standard, self._fillers
        every = [standard.get(word, word) for word in self.segmenter.cut(plain)]
        words = [word for word in every if word not in fillers] or every
        # 能不能 made of 能 and a text's own 不能 is said once.
        words = [word for before, word in pairwise(["", *words]) if word != before]
        return Plain("".join(words), tuple(words))


def _any_of(words: Sequence[str]) -> re.Pattern[str]:
    """Any of these words, the longest first; of none a pattern that never matches."""
    listed = sorted(filter(None, words), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, listed)) or r"(?!)")


def _number(found: re.Match[str]) -> str:
    return found[0] if found[0] in _NO_NUMBER else digits(found[0])


def digits(numeral: str) -> str:
    """二十 → 20, 三 → 3, 一九二一 → 1921, 三万 → 30000."""
    if not any(unit in numeral for unit in "十百千万"):
        return "".join(_DIGITS[digit] for digit in numeral)
    if "万" in numeral:
        head, _, tail = numeral.partition("万")
        if "万" in tail:
            return numeral
        return str(int(digits(head) if head else "1") * 10_000 + int(digits(tail) if tail else "0"))
    total, last = 0, 0
    for character in numeral:
        if character in _TENS:
            total += (last or 1) * _TENS[character]
            last = 0
        else:
            last = int(_DIGITS[character])
    return str(total + last)
