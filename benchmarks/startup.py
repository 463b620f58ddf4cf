"""How long `xueban serve` takes to answer, and how much memory web and worker then hold.

uv run python -m benchmarks.startup [--runs 5] [--messages 1000]

Seconds are from exec to the first right reply to a signed and encrypted message: on an empty
folder, where serve creates the database first, and on the same one with members in it; and once
with no bytecode yet, as after an installation, which compiles every module anew. Memory is
that of all its processes, after the worker's first tick and after as many check-ins; PSS counts a
page that several processes share once, RSS in each of them.
"""

import argparse
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psutil
from rich.console import Console
from rich.table import Table

from benchmarks import facts, servers
from benchmarks.load import saturate
from benchmarks.pushes import ACCOUNT_ID, AES_KEY, APP_ID, PATH, TOKEN, Pushes, check, openid
from bot.clock import Clock, elapsed, pause
from bot.simulator.official_account import UNAVAILABLE, Account, Platform

_LIMIT_SECONDS = 60.0
_POLL = 0.01
# The worker ticks when it starts: what it then holds stays.
_SETTLE = 3.0
_USE_SECONDS = 60.0
_FIRST = "an empty folder, no bytecode yet"
_EMPTY = "an empty folder"
_USED = "a database in use"


@dataclass(frozen=True)
class Start:
    """Seconds to the first reply, processes, and MiB before and after the messages."""

    seconds: float
    processes: int
    pss: float
    rss: float
    pss_used: float


def start(folder: Path, members: int) -> Start:
    """Start it, let each of the members check in, and stop it. Raises RuntimeError with its log."""
    config, port = servers.write_config(folder)
    if members:
        servers.add_members(config, members)
    account = Account(f"http://127.0.0.1:{port}{PATH}", TOKEN, APP_ID, AES_KEY, ACCOUNT_ID)
    platform = Platform(account, Clock(), attempts=1)
    begun = elapsed()
    with servers.running(["bot", "serve", "--config", str(config)], folder) as process:
        while platform.text(openid(-1), "帮助").text == UNAVAILABLE:
            if elapsed() - begun > _LIMIT_SECONDS or process.poll() is not None:
                raise RuntimeError((folder / servers.LOG).read_text(errors="replace"))
            pause(_POLL)
        seconds = elapsed() - begun
        pause(_SETTLE)
        family = [found := psutil.Process(process.pid), *found.children(recursive=True)]
        pss, rss = _memory(family)
        if members:
            used = saturate(port, Pushes(members).take(members), _USE_SECONDS)
            check(used.samples, "打卡成功")
        return Start(seconds, len(family), pss, rss, _memory(family)[0])


def _memory(family: list[psutil.Process]) -> tuple[float, float]:
    """PSS and RSS of all of them in MiB."""
    held = [process.memory_full_info() for process in family]
    return sum(one.pss for one in held) / 2**20, sum(one.rss for one in held) / 2**20


def table_of(runs: dict[str, list[Start]], messages: int) -> Table:
    table = Table(title="xueban serve: web and worker", title_justify="left")
    table.add_column("started on")
    for title in (
        "runs", "s to first reply", "slowest s", "processes", "PSS MiB", "RSS MiB",
        f"PSS MiB after {messages} check-ins",
    ):  # fmt: skip
        table.add_column(title, justify="right")
    for title, starts in runs.items():
        memory = [
            f"{median(getattr(one, name) for one in starts):.0f}"
            for name in ("pss", "rss", "pss_used")
        ]
        table.add_row(
            title,
            str(len(starts)),
            f"{median(one.seconds for one in starts):.2f}",
            f"{max(one.seconds for one in starts):.2f}",
            str(max(one.processes for one in starts)),
            *(memory if title == _USED else memory[:-1]),
        )
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--messages", type=int, default=1000)
    options = parser.parse_args()
    runs: dict[str, list[Start]] = {_FIRST: [], _EMPTY: [], _USED: []}
    console = Console(width=150, highlight=False)
    with tempfile.TemporaryDirectory(prefix="xueban-bench-") as name:
        folder = Path(name)
        for line in facts.lines(folder):
            console.print(line)
        # The processes started here keep their bytecode in a place of its own, empty at first.
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ["PYTHONPYCACHEPREFIX"] = str(folder / "bytecode")
        runs[_FIRST].append(start(_new(folder), 0))
        for _ in range(options.runs):
            data = _new(folder)
            runs[_EMPTY].append(start(data, 0))
            runs[_USED].append(start(data, options.messages))
    console.print(table_of(runs, options.messages))


def _new(folder: Path) -> Path:
    return Path(tempfile.mkdtemp(dir=folder))


if __name__ == "__main__":
    main()
