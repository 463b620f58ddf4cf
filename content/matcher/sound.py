"""Characters that sound alike: what a phone's keyboard or a microphone takes for each other."""

import warnings
from functools import cache, lru_cache

from rapidfuzz.distance import Levenshtein

# More characters than this in a row are no slip.
_LONGEST = 2


@cache
def sounds(character: str) -> frozenset[str]:
    """The character's readings without tones, with what many people do not tell apart as one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pypinyin import Style, pinyin
    found = pinyin(character, style=Style.NORMAL, heteronym=True, errors="ignore")
    return frozenset(_merged(reading) for reading in (found[0] if found else ()))


def _merged(reading: str) -> str:
    for written, said in (("zh", "z"), ("ch", "c"), ("sh", "s")):
        if reading.startswith(written):
            reading = said + reading[2:]
            break
    return reading[:-1] if reading.endswith(("ing", "eng")) else reading


@lru_cache(maxsize=20_000)
def alike(one: str, other: str) -> bool:
    return not sounds(one).isdisjoint(sounds(other))


def repaired(asked: str, known: str) -> str | None:
    """The question with characters of the known text where they only sound alike; None if none.

    Only what stands in the same place between the same characters is taken for it.
    """
    changed = False
    parts = []
    for kind, a, b, c, d in Levenshtein.opcodes(asked, known):
        part = asked[a:b]
        if kind == "replace" and b - a == d - c <= _LONGEST:
            other = known[c:d]
            if all(x == y or alike(x, y) for x, y in zip(part, other, strict=True)):
                part, changed = other, True
        parts.append(part)
    return "".join(parts) if changed else None
