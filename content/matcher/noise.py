"""Questions made of known ones: the same ones less tidy, and others that are only near."""

import re
from collections.abc import Sequence
from functools import cache
from random import Random

from content.matcher import asking
from content.matcher.chinese import chinese
from content.matcher.differences import DIRECTION, others_of
from content.matcher.normalise import Plain
from content.matcher.sound import mostly
from content.segment import Segmenter, frequent_characters

_DROPPED = re.compile(r"(?<!目)的|了(?!解)|[吗呢啊呀]|是(?!什么|谁|不是)|请问|一下|可以(?=用|在)")
_CONTENT = frozenset("nvaftsil?")
_FREQUENT = 3_000
# Words more common than this (see Segmenter.rarity) say little.
_COMMON = 8.5


def polite(text: str, chance: Random) -> str:
    """The same with polite words around it."""
    before = chance.choice(chinese()["polite_before"]) if chance.random() < 0.7 else ""
    after = chance.choice(chinese()["polite_after"]) if not before or chance.random() < 0.5 else ""
    return f"{before}{text.rstrip('？?。!！')}{after}"


def clipped(text: str, chance: Random) -> str:
    """The same without one or two words that carry no meaning."""
    found = list(_DROPPED.finditer(text))
    for one in sorted(chance.sample(found, min(2, len(found))), key=lambda m: -m.start()):
        text = text[: one.start()] + text[one.end() :]
    return text


def misheard(text: str, chance: Random) -> str:
    """The same with one character that sounds like another."""
    places = [at for at, letter in enumerate(text) if "一" <= letter <= "鿿"]
    chance.shuffle(places)
    for at in places:
        if others := _sounding().get(mostly(text[at]) or "", "").replace(text[at], ""):
            return text[:at] + chance.choice(others) + text[at + 1 :]
    return text


@cache
def _sounding() -> dict[str, str]:
    """Frequent characters by how they are read."""
    found: dict[str, str] = {}
    for letter in frequent_characters(_FREQUENT):
        if reading := mostly(letter):
            found[reading] = found.get(reading, "") + letter
    return found


def near_misses(text: Plain, other: Plain, segmenter: Segmenter, chance: Random) -> list[str]:
    """Questions that are near to the text and ask something else.

    `other` is the nearest text of another entry: what is asked there about its matter may be asked
    about this one. A number becomes another, a word one that excludes it.
    """
    mine = [word for word in text.words if word not in other.words and _says(word, segmenter)]
    theirs = [word for word in other.words if word not in text.words and _says(word, segmenter)]
    found = [
        *_excluded(text),
        *_renumbered(text, chance),
        *_asked_otherwise(text, chance),
        *_denied(text, segmenter),
        *_turned(text, segmenter),
    ]
    if mine and theirs:
        word = chance.choice(mine)
        kind = segmenter.kind(word)
        alike = [one for one in theirs if segmenter.kind(one) == kind] or theirs
        found.append(_with(text, word, chance.choice(alike)))
    if nouns := [word for word in theirs if segmenter.kind(word) == "n"]:
        found.append(f"{chance.choice(nouns)}{text.text}")
    return [one for one in found if one not in (text.text, other.text)]


def _says(word: str, segmenter: Segmenter) -> bool:
    """Whether it is a word that says what is asked: no common verb and no helping word."""
    if len(word) < 2 or word in asking.ASKING:
        return False
    return segmenter.kind(word) in _CONTENT and segmenter.rarity(word) > _COMMON


def _with(text: Plain, word: str, other: str) -> str:
    return "".join(other if one == word else one for one in text.words)


def _excluded(text: Plain) -> list[str]:
    pairs: list[tuple[str, Sequence[str]]] = [
        (word, others_of(word)) for word in text.words if len(word) > 1
    ]
    return [_with(text, word, other) for word, others in pairs for other in others[:1]]


def _asked_otherwise(text: Plain, chance: Random) -> list[str]:
    """The same matter with another question word."""
    asked = [word for word in text.words if word in asking.ASKING]
    if not asked:
        return []
    return [_with(text, asked[0], chance.choice([w for w in asking.INSTEAD if w not in asked]))]


def _denied(text: Plain, segmenter: Segmenter) -> list[str]:
    """The same with 不 before what may be denied: 可以 and its like, else the last verb."""
    if asking.MAY in text.words:
        return [_with(text, asking.MAY, "不能")]
    verbs = [word for word in text.words if segmenter.kind(word) == "v" and word != "是"]
    return [_with(text, verbs[-1], f"不{verbs[-1]}")] if verbs else []


def _turned(text: Plain, segmenter: Segmenter) -> list[str]:
    """The nouns before and after a direction in each other's place."""
    at = next((n for n, word in enumerate(text.words) if DIRECTION.fullmatch(word)), -1)
    before = [n for n in range(at) if _says(text.words[n], segmenter)]
    after = [n for n in range(at + 1, len(text.words)) if _says(text.words[n], segmenter)]
    if at < 1 or not before or not after:
        return []
    words = list(text.words)
    words[before[-1]], words[after[0]] = words[after[0]], words[before[-1]]
    return ["".join(words)]


def _renumbered(text: Plain, chance: Random) -> list[str]:
    found = re.search(r"\d+", text.text)
    if not found:
        return []
    other = str(int(found[0][:9]) + chance.choice((1, 2, 3)))
    return [text.text[: found.start()] + other + text.text[found.end() :]]
