"""Entries and documents as the text of a pack's files, which content.reading reads."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from content.schema import Document, Entry


def document_file(documents: Iterable[Document]) -> str:
    """What sources.toml holds."""
    return "\n".join(_table("document", document.model_dump(mode="json", exclude_defaults=True))
                     for document in documents)  # fmt: skip


def entry_file(entries: Iterable[tuple[Entry, str]]) -> str:
    """What a file of knowledge/ holds; of each pair the text is a comment on the entry, or ""."""
    return "\n".join(
        _comment(comment) + _table("entry", entry.model_dump(mode="json", exclude_defaults=True))
        for entry, comment in entries
    )


def _comment(text: str) -> str:
    line = "".join(letter if letter.isprintable() else " " for letter in text)
    return f"# {line}\n" if line else ""


def _table(name: str, values: Mapping[str, Any]) -> str:
    lines = (f"{key} = {_literal(value)}" for key, value in values.items())
    return "\n".join([f"[[{name}]]", *lines, ""])


def _literal(value: Any) -> str:
    """JSON's strings are TOML's but for U+007F, which TOML wants escaped."""
    if isinstance(value, Mapping):
        pairs = (f"{key} = {_literal(item)}" for key, item in value.items())
        return f"{{ {', '.join(pairs)} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(_literal, value))}]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
