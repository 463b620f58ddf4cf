"""Fields of a platform's message, read with care: whoever sent them may be anybody."""

import json
import re
from collections.abc import Mapping
from typing import Any

from bot.errors import MalformedMessage

# What was chosen on a card lies ten deep, in a frame of the long connection.
_DEPTH = 12
_NAME_LIMIT = 128
# What XML cannot carry, raw or as a reference; real messages hold it (WeRoBot issues 420, 809).
CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_UNSENDABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def read_json(text: str) -> Any:
    """What JSON says. Raises MalformedMessage for what is none, or nested too deeply."""
    try:
        fields = json.loads(text)
        # Lone surrogates pass json.loads and cannot be stored or sent.
        json.dumps(fields, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise MalformedMessage("The body is not JSON.") from None
    check_depth(fields)
    return fields


def check_depth(value: Any) -> None:
    """Raise MalformedMessage for fields nested deeper than any real message; no recursion."""
    level = [value]
    for _ in range(_DEPTH):
        level = [
            child
            for item in level
            if isinstance(item, dict | list)
            for child in (item.values() if isinstance(item, dict) else item)
        ]
        if not level:
            return
    raise MalformedMessage("The body is nested too deeply.")


def text_field(fields: Mapping[str, Any], name: str, limit: int | None = None) -> str:
    """A field as text without control characters; "" where it is missing or empty.

    Raises MalformedMessage for a list or an object, or a text over `limit` characters.
    """
    value = fields.get(name)
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise MalformedMessage(f"The field {name} is not a text.")
    text = CONTROLS.sub("", str(value))
    if limit is not None and len(text) > limit:
        raise MalformedMessage(f"The field {name} is too long.")
    return text


def required(fields: Mapping[str, Any], name: str, limit: int = _NAME_LIMIT) -> str:
    text = text_field(fields, name, limit)
    if not text:
        raise MalformedMessage(f"The field {name} is missing.")
    return text


def sendable(text: str) -> str:
    """Text without what neither XML nor a platform's JSON can carry: controls, and half a
    surrogate pair.
    """
    return _UNSENDABLE.sub("", text)
