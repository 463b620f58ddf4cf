"""Requests and frames as they may be shown: without secrets and without contents of files."""

import json
from collections.abc import Mapping
from typing import Any

_SECRET = frozenset({"secret", "aeskey", "response_url"})
_LONG = frozenset({"base64", "base64_data"})


def shown(fields: Any) -> str:
    try:
        return json.dumps(_masked(fields), ensure_ascii=False)
    except RecursionError:
        return "<too deep to be shown>"


def _masked(value: Any, name: str = "") -> Any:
    if name in _SECRET:
        return "***"
    if name == "url":
        # What is behind the question mark is all that one needs to fetch it.
        return str(value).partition("?")[0]
    if name in _LONG:
        return f"<{len(str(value))} characters>"
    if isinstance(value, Mapping):
        return {key: _masked(inner, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [_masked(inner) for inner in value]
    return value
