"""The four top-level packages are ours, wherever they are installed."""

import importlib
from importlib.metadata import packages_distributions
from pathlib import Path

import bot
from bot.errors import XuebanError

NAMES = ("bot", "handlers", "content", "scheduler")


def test_the_packages_share_one_folder_and_nobody_else_claims_them() -> None:
    homes = {Path(str(importlib.import_module(name).__file__)).parent.parent for name in NAMES}
    assert len(homes) == 1
    claims = packages_distributions()
    assert {owner for name in NAMES for owner in claims.get(name, [])} <= {"xueban"}


def test_the_error_tree_is_drawn_whole() -> None:
    errors = importlib.import_module("bot.errors")
    drawn = errors.__doc__ or ""
    missing = [
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, XuebanError) and name not in drawn
    ]
    assert [name for name in missing if name != "ProblemList"] == []


def test_every_module_imports() -> None:
    root = Path(bot.__file__).parent.parent
    for name in NAMES:
        for file in (root / name).rglob("*.py"):
            if "migrations" in file.parts or file.name == "__main__.py":
                continue
            importlib.import_module(".".join(file.relative_to(root).with_suffix("").parts))
