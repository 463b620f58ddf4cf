"""What people say before and after their question: 老师好，请问一下 … 谢谢啦. It is taken off.

Only from the ends, and only where the words that make it polite stand: 老师 alone may be what is
asked about. Which words these are is in chinese.toml.
"""

import re
from collections.abc import Callable, Sequence
from functools import cache

from content.matcher.chinese import chinese

_BETWEEN = re.compile(r"[，,。！!？?；;…～~\s]+")


@cache
def _expressions() -> tuple[re.Pattern[str], re.Pattern[str]]:
    found = {}
    for line in chinese()["polite"]:
        once = f"(?:{line['before']})*(?:{line['word']})(?:{line['after']})*"
        found[line["at"]] = f"(?:{once})+"
    return re.compile(found["start"]), re.compile(f"{found['end']}$")


def without_politeness(text: str) -> str:
    """The bare text without it, or as it is where nothing else would be left."""
    start, end = _expressions()
    begun = start.match(text)
    rest = text[begun.end() :] if begun else text
    ended = end.search(rest)
    return (rest[: ended.start()] if ended else rest) or text


@cache
def _courteous() -> frozenset[str]:
    return frozenset(chinese()["courteous"].split())


def asking_clauses(
    text: str, words: Callable[[str], Sequence[str]], says: Callable[[str], bool]
) -> str:
    """The text without the clauses before and after it that are only said to whoever may answer:
    弱弱地问一句，…，跪谢. `words` cuts a clause, `says` tells whether a word says anything.

    A clause in which one other word says something is kept: it may be what the answer hangs on.
    """
    clauses = [clause for clause in _BETWEEN.split(text) if clause]
    if len(clauses) < 2:
        return text
    empty = [
        not any(says(word) and word not in _courteous() for word in words(clause))
        for clause in clauses
    ]
    if all(empty):
        return text
    first = empty.index(False)
    last = len(empty) - empty[::-1].index(False)
    return "，".join(clauses[first:last]) if last - first < len(clauses) else text
