"""Characters that sound alike: what a phone's keyboard or a microphone takes for each other."""

import warnings
from functools import cache, lru_cache

from rapidfuzz.distance import Levenshtein

# More characters than this in a row are no slip.
_LONGEST = 2
_NUMERALS = frozenset("零一二三四五六七八九十百千万两")


@cache
def sounds(character: str) -> frozenset[str]:
    """The character's readings without tones, with what many people do not tell apart as one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pypinyin import Style, pinyin
    found = pinyin(character, style=Style.NORMAL, heteronym=True, errors="ignore")
    return frozenset(_merged(reading) for reading in (found[0] if found else ()))


@cache
def mostly(character: str) -> str | None:
    """How it is mostly read."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pypinyin import Style, pinyin
    found = pinyin(character, style=Style.NORMAL, errors="ignore")
    return _merged(found[0][0]) if found else None


def _merged(reading: str) -> str:
    for written, said in (("zh", "z"), ("ch", "c"), ("sh", "s")):
        if reading.startswith(written):
            reading = said + reading[2:]
            break
    return reading[:-1] if reading.endswith(("ing", "eng")) else reading


@lru_cache(maxsize=20_000)
def alike(one: str, other: str) -> bool:
    """Whether one is taken for the other: each is mostly read as the other can be read.

    Of numerals none is: 十 and 四 sound alike to many and are never the same.
    """
    if one in _NUMERALS or other in _NUMERALS:
        return False
    first, second = sounds(one), sounds(other)
    return mostly(one) in second and mostly(other) in first


def repaired(asked: str, known: str) -> str | None:
    """The question with characters of the known text where they only sound alike; None if none.

    Only what stands in the same place between the same characters is taken for it.
    """
    letters = list(asked)
    for step in Levenshtein.opcodes(asked, known):
        size = step.src_end - step.src_start
        if step.tag == "replace" and size == step.dest_end - step.dest_start <= _LONGEST:
            for at in range(size):
                other = known[step.dest_start + at]
                if alike(letters[step.src_start + at], other):
                    letters[step.src_start + at] = other
    again = "".join(letters)
    return again if again != asked else None
