"""Named patterns over the bare text of a message: what it is before anything is looked up."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from content.matcher.normalise import bare
from content.schema import Refusal, Wish

_NAME = re.compile(r"\{([a-z_]+)\}")
# Lists may name lists: so deep, and no list can name itself for ever.
_DEPTH = 8


@dataclass(frozen=True, slots=True)
class Rule:
    """`found` decides on what is left when `harmless` was taken out."""

    name: str
    harmless: re.Pattern[str]
    found: re.Pattern[str]


class Rules:
    """In their order: the first that holds names the message."""

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self._rules = tuple(rules)

    @property
    def names(self) -> set[str]:
        return {rule.name for rule in self._rules}

    def name_of(self, text: str) -> str | None:
        plain = bare(text)
        for rule in self._rules:
            # A mark in the place of what was taken out: its neighbours must not become a word.
            if rule.found.search(rule.harmless.sub("·", plain)):
                return rule.name
        return None


def compiled(items: Iterable[Refusal | Wish], words: Mapping[str, str]) -> Iterable[Rule]:
    """Rules from a pack's file. Raises ValueError that names the pattern with a mistake."""
    for item in items:
        name = item.name if isinstance(item, Refusal) else item.command
        harmless = item.harmless if isinstance(item, Refusal) else ()
        yield Rule(name, _one_of(harmless, words), _one_of(item.rules, words))


def pattern(source: str, words: Mapping[str, str]) -> re.Pattern[str]:
    """The expression with its {names} filled in, and theirs in turn. Raises ValueError."""
    whole = source
    try:
        for _ in range(_DEPTH):
            whole = _NAME.sub(lambda found: f"(?:{words[found[1]]})", whole)
        if circle := _NAME.search(whole):
            raise ValueError(f"{source}: the words {circle[1]} name themselves")
        return re.compile(whole)
    except KeyError as error:
        raise ValueError(f"{source}: no words are called {error}") from error
    except re.error as error:
        raise ValueError(f"{source}: {error}") from error


def _one_of(sources: Iterable[str], words: Mapping[str, str]) -> re.Pattern[str]:
    each = [pattern(source, words).pattern for source in sources]
    return re.compile("|".join(f"(?:{one})" for one in each) or r"(?!)")
