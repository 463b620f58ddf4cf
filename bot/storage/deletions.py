"""data_dir/deletions.jsonl: what a restored backup must not bring back.

One JSON object a line: {"at": time, "addresses": [SHA-256, …]}. It lies outside the database so
that a restore cannot undo it.
"""

import json
import os
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

NAME = "deletions.jsonl"


def record(data_dir: Path, at: datetime, addresses: Sequence[str]) -> None:
    """Add a line and wait until the disk has it."""
    line = json.dumps({"at": at.isoformat(), "addresses": list(addresses)})
    descriptor = os.open(data_dir / NAME, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "a", encoding="utf-8") as file:
        file.write(f"{line}\n")
        file.flush()
        os.fsync(file.fileno())


def recorded(data_dir: Path) -> Iterator[tuple[datetime, set[str]]]:
    """Every deletion so far; a line that a crash cut short is passed over."""
    try:
        lines = (data_dir / NAME).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return
    for line in lines:
        try:
            values = json.loads(line)
        except ValueError:
            continue
        yield datetime.fromisoformat(values["at"]), set(values["addresses"])
