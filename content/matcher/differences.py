"""Differences that change what is asked, however alike two texts are otherwise."""

import re
from collections.abc import Callable, Mapping
from functools import cache
from itertools import pairwise

from content.matcher.chinese import chinese

_NUMBER = re.compile(r"\d+")
# 能不能 and 有没有 ask, they deny nothing.
_EITHER = re.compile(r"(.)[不没]\1")
_NEGATION = re.compile(
    r"不(?!是|同|仅|但|过|少于|超过|足|到|满|久|管|论|断|错|客)|没|未(?!来)|无(?!线|论|数|锡)|非(?!常|洲)|勿|别(?!的|人|墅)|免(?!费)|禁止|拒绝|停止"
)
DIRECTION = re.compile(r"[到转给比从向往换变改被把让至]|转到|转入|转给|变成|换成|改成|转成")


@cache
def _groups() -> Mapping[str, frozenset[int]]:
    found: dict[str, set[int]] = {}
    for number, group in enumerate(chinese()["exclusive"]):
        for word in group.split():
            found.setdefault(word, set()).add(number)
    return {word: frozenset(numbers) for word, numbers in found.items()}


def numbers_differ(one: str, other: str) -> float:
    """1 where both name numbers and not the same ones, 0.5 where only one names any."""
    first, second = set(_NUMBER.findall(one)), set(_NUMBER.findall(other))
    if first == second:
        return 0.0
    return 1.0 if first and second else 0.5


def denials_differ(one: str, other: str) -> bool:
    """Whether one denies what the other does not."""
    first, second = (len(_NEGATION.findall(_EITHER.sub("", text))) % 2 for text in (one, other))
    return first != second


def exclusive(some: set[str], others: set[str]) -> int:
    """How many of `some` have a word among `others` that excludes it; words or characters."""
    groups = _groups()
    apart = {number for word in others for number in groups.get(word, ())}
    return sum(not apart.isdisjoint(groups.get(word, ())) for word in some)


def turned(first: tuple[str, ...], second: tuple[str, ...], kind: Callable[[str], str]) -> bool:
    """Whether two nouns stand around what is between them the other way round.

    从支付宝转到银行卡 and 从银行卡转到支付宝, 男生追女生 and 女生追男生 have the same words. Around
    和 the order says nothing, and one noun that is named earlier is only the topic.
    """
    first, second = _parted(first, second), _parted(second, first)
    place = {word: at for at, word in reversed(list(enumerate(second)))}
    both = [(place[word], kind(word), word) for word in first if word in place]
    names = [n for n, (_, what, _) in enumerate(both) if what in _NAMING]
    if len(names) < 2 or all(both[a][0] < both[b][0] for a, b in pairwise(names)):
        return False
    for middle, (there, what, word) in enumerate(both):
        if what in _BETWEEN or DIRECTION.fullmatch(word):
            before = any(both[n][0] > there for n in names if n < middle)
            if before and any(both[n][0] < there for n in names if n > middle):
                return True
    return False


def _parted(words: tuple[str, ...], others: tuple[str, ...]) -> tuple[str, ...]:
    """The words, those in two that begin or end with one of the others: 男生追 as 男生 and 追."""
    found: list[str] = []
    for word in words:
        cuts = range(1, len(word)) if word not in others else ()
        cut = next((at for at in cuts if word[:at] in others or word[at:] in others), 0)
        found += [word[:cut], word[cut:]] if cut else [word]
    return tuple(found)


# Verbs, and what names somebody or something; see Segmenter.kind.
_BETWEEN = frozenset("v")
_NAMING = frozenset("nilx?fam")


# A character that stands before what it turns into something else.
PREFIXES = frozenset("副非不未无反超半准次总分前后新老")


def others_of(word: str) -> tuple[str, ...]:
    """The words that the word excludes, in the order of the lists."""
    groups = _groups().get(word, frozenset())
    return tuple(
        other for other, numbers in _groups().items() if other != word and numbers & groups
    )
