"""data_dir/deletions.jsonl: what a restored backup must not bring back.

One JSON object a line: {"addresses": [SHA-256, …], "requested_at", "due_at", "withdrawn"}. It
lies outside the database so that a restore cannot undo it.
"""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

NAME = "deletions.jsonl"


@dataclass(frozen=True, slots=True)
class Line:
    addresses: tuple[str, ...]
    requested_at: datetime
    due_at: datetime
    withdrawn: bool


def record(data_dir: Path, lines: Sequence[Line]) -> None:
    """Add lines and wait until the disk has them."""
    if not lines:
        return
    text = "".join(
        json.dumps(
            {
                "addresses": line.addresses,
                "requested_at": line.requested_at.isoformat(),
                "due_at": line.due_at.isoformat(),
                "withdrawn": line.withdrawn,
            }
        )
        + "\n"
        for line in lines
    )
    descriptor = os.open(data_dir / NAME, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "a", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def recorded(data_dir: Path) -> Iterator[Line]:
    """Every deletion that still stands; a line that a crash cut short is passed over."""
    try:
        lines = (data_dir / NAME).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return
    standing: dict[tuple[tuple[str, ...], datetime], Line] = {}
    for text in lines:
        try:
            values = json.loads(text)
        except ValueError:
            continue
        line = Line(
            tuple(values["addresses"]),
            datetime.fromisoformat(values["requested_at"]),
            datetime.fromisoformat(values["due_at"]),
            values["withdrawn"],
        )
        key = (line.addresses, line.requested_at)
        if line.withdrawn:
            standing.pop(key, None)
        else:
            standing[key] = line
    yield from standing.values()
