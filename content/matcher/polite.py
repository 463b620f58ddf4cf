"""What people say before and after their question: 老师好，请问一下 … 谢谢啦. It is taken off.

Only from the ends, and only where the words that make it polite stand: 老师 alone may be what is
asked about. Which words these are is in chinese.toml.
"""

import re
from functools import cache

from content.matcher.chinese import chinese


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
