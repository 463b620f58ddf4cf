"""The whole signed and encrypted check-in with its commit, beside others that only echo.

uv run python -m benchmarks.check_in [--rounds 3] [--seconds 3] [--rows full,werobot] [--soak N]

Every server runs under granian with the settings of `xueban serve`, pinned to core 0 (PostgreSQL
too); the load generator, this process, has core 1. First as fast as replies come over 8
connections (saturated), then evenly spaced at half of that rate. Each message has a sender of its
own: a member who has checked in on each of six days and now does so for the first time today.
Rounds take the rows in turn. Rates, p50 and p99 are medians of the rounds, max is the worst.
"""

import argparse
import gc
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from benchmarks import facts, servers
from benchmarks.load import CONNECTIONS, Phase, pace, saturate
from benchmarks.pushes import Pushes, check
from benchmarks.rows import LOAD_CORE, PEERS, ROWS, SERVER_CORE, SOAKED, Row, Running, opened

_WARM_UP = 0.5
_WARM_UP_REQUESTS = 2000
# Messages a second that there are members for: a second check-in of the day has another reply.
_EXPECTED_RATE = 1500
_LIMIT = 4.5
# A soak's requests are made and sent in portions: they are good for five minutes only.
_PORTION_SECONDS = 60


@dataclass
class Measured:
    """A row's rounds; `answered` counts right replies of every kind, warm-up included."""

    saturated: list[Phase] = field(default_factory=list)
    half: list[Phase] = field(default_factory=list)
    answered: int = 0
    wrong: int = 0

    @property
    def rate(self) -> float:
        return median(phase.rate for phase in self.saturated)

    def ratios(self, other: "Measured") -> list[float]:
        """Of the rates, round by round: a noisy round hits both."""
        pairs = zip(self.saturated, other.saturated, strict=True)
        return [mine.rate / theirs.rate for mine, theirs in pairs]


def measure(row: Row, running: Running, pushes: Pushes, seconds: float, into: Measured) -> None:
    """One round of one row. Raises AssertionError for a wrong text, or no right reply at all."""

    def record(phase: Phase) -> Phase:
        assert phase.latencies, f"{row.key}: {servers.errors(running.folder)}"
        check(phase.samples, row.expected)
        into.answered += len(phase.latencies)
        into.wrong += phase.wrong
        return phase

    gc.collect()
    warm = record(saturate(running.port, pushes.take(_WARM_UP_REQUESTS), _WARM_UP))
    requests = pushes.take(int(warm.rate * seconds * 1.5) + CONNECTIONS)
    saturated = record(saturate(running.port, requests, seconds))
    rate = saturated.rate / 2
    into.saturated.append(saturated)
    into.half.append(record(pace(running.port, pushes.take(int(rate * seconds)), rate)))


def table_of(rows: list[Row], running: dict[str, Running], found: dict[str, Measured]) -> Table:
    table = Table(title="Signed and encrypted check-ins on one core", title_justify="left")
    peers = [row for row in rows if row.key in PEERS]
    for title in ("server", "kept how"):
        table.add_column(title)
    for title in ("msg/s", "p50 ms", "p99", "max", "half load", "p50 ms", "p99", "max", "wrong"):
        table.add_column(title, justify="right")
    for peer in peers:
        table.add_column(f"x {peer.key}", justify="right")
    for row in rows:
        one = found[row.key]
        half = f"{median(phase.rate for phase in one.half):.0f}/s"
        table.add_row(
            row.title,
            running[row.key].durable,
            f"{one.rate:.0f}",
            *_milliseconds(one.saturated),
            half,
            *_milliseconds(one.half),
            str(one.wrong),
            *(f"{median(one.ratios(found[peer.key])):.2f}" for peer in peers),
        )
    return table


def _milliseconds(phases: list[Phase]) -> list[str]:
    found = [median(phase.quantile(share) for phase in phases) for share in (0.5, 0.99)]
    found.append(max(max(phase.latencies) for phase in phases))
    return [f"{seconds * 1000:.1f}" for seconds in found]


def compare(rows: list[Row], rounds: int, seconds: float, folder: Path) -> tuple[Table, list[str]]:
    """All rounds: the table, and what servers logged that gave wrong replies.

    Raises AssertionError unless each of ours stored exactly what it answered.
    """
    members = rounds * int(2 * seconds * _EXPECTED_RATE + _WARM_UP_REQUESTS)
    found = {row.key: Measured() for row in rows}
    with opened(rows, folder, members) as running:
        pushes = {row.key: Pushes(members) for row in rows}
        for number in range(rounds):
            # Every other round backwards, so that none always follows the same one.
            for row in rows if number % 2 == 0 else reversed(rows):
                measure(row, running[row.key], pushes[row.key], seconds, found[row.key])
        for row in rows:
            config = running[row.key].config
            if config is not None:
                answered = found[row.key].answered
                assert servers.stored(config) == (answered, answered), row.key
        notes = [
            f"{row.key}: {found[row.key].wrong} wrong replies; it logged: {error}"
            for row in rows
            if found[row.key].wrong
            for error in servers.errors(running[row.key].folder) or ["nothing"]
        ]
        return table_of(rows, running, found), notes


def soak(count: int, folder: Path) -> str:
    """`count` messages at half load to ours with the worker beside it: how late they came."""
    members = count + _WARM_UP_REQUESTS
    with opened([SOAKED], folder, members) as running:
        port = running[SOAKED.key].port
        pushes = Pushes(members)
        top = saturate(port, pushes.take(_WARM_UP_REQUESTS), 10)
        rate = top.rate / 2
        whole = Phase()
        while (left := count - len(whole.latencies) - whole.wrong) > 0:
            part = pace(port, pushes.take(min(left, int(rate * _PORTION_SECONDS))), rate)
            check(part.samples, SOAKED.expected)
            whole.add(part)
    late = sum(seconds > _LIMIT for seconds in whole.latencies)
    return (
        f"soak, {running[SOAKED.key].durable}, web and worker: "
        f"{count} messages at {rate:.0f}/s, {whole.wrong} wrong, {late} over {_LIMIT} s, "
        f"p50 {whole.quantile(0.5) * 1000:.1f} ms, p99 {whole.quantile(0.99) * 1000:.1f} ms, "
        f"max {max(whole.latencies) * 1000:.0f} ms"
    )


def main() -> None:
    known = {row.key: row for row in ROWS}
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each load in a round")
    parser.add_argument("--rows", default=",".join(known), help="some of: %(default)s")
    parser.add_argument("--soak", type=int, metavar="N", help="instead: N messages at half load")
    options = parser.parse_args()
    keys = options.rows.split(",")
    if unknown := [key for key in keys if key not in known]:
        parser.error(f"unknown rows: {', '.join(unknown)}")
    if {SERVER_CORE, LOAD_CORE} - os.sched_getaffinity(0):
        parser.error("cores 0 and 1 are needed")
    os.sched_setaffinity(0, {LOAD_CORE})
    console = Console(width=190, highlight=False)
    with tempfile.TemporaryDirectory(prefix="xueban-bench-") as name:
        folder = Path(name)
        for line in facts.lines(folder):
            console.print(line)
        if options.soak:
            console.print(soak(options.soak, folder))
            return
        rows = [known[key] for key in keys]
        rounds, seconds = options.rounds, options.seconds
        console.print(f"{rounds} rounds of {seconds:g} s, {CONNECTIONS} connections")
        table, notes = compare(rows, rounds, seconds, folder)
        console.print(table)
        for note in notes:
            console.print(note)


if __name__ == "__main__":
    main()
