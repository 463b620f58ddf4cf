"""What the bot says, by key; handlers hold no words of their own."""

import string
from collections.abc import Mapping


class Messages:
    """The templates of a pack over those of the base pack."""

    def __init__(self, templates: Mapping[str, str]) -> None:
        self._templates = dict(templates)

    def say(self, key: str, **values: object) -> str:
        """The text of `key` with its fields filled in. KeyError for a key that no pack has."""
        template = self._templates[key]
        return template.format(**values) if values else template

    def __contains__(self, key: str) -> bool:
        return key in self._templates


def fields_of(template: str) -> set[str]:
    """The names in braces; raises ValueError where the braces do not match."""
    return {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}
