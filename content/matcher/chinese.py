"""Words of general Chinese for comparing questions, from chinese.toml."""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def chinese() -> dict[str, Any]:
    return tomllib.loads((files("content.matcher") / "chinese.toml").read_text(encoding="utf-8"))
