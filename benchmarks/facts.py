"""What the numbers were measured on."""

import os
import platform
import sqlite3
import tempfile
from importlib.metadata import version
from pathlib import Path
from statistics import median

import psutil

from bot.bootstrap import THREADS
from bot.clock import elapsed

_SYNCS = 200


def lines(folder: Path) -> list[str]:
    """Hardware, versions and how fast this folder's disk takes a commit."""
    load = ", ".join(f"{value:.1f}" for value in psutil.getloadavg())
    return [
        f"{_model()}, {os.cpu_count()} cores, {psutil.virtual_memory().total >> 20} MiB; "
        f"load average {load}",
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, "
        f"granian {version('granian')} (1 worker, {THREADS} blocking threads, WSGI), "
        f"SQLAlchemy {version('sqlalchemy')}, WeRoBot {version('werobot')}, "
        f"wechatpy {version('wechatpy')}",
        f"data on {_file_system(folder)}: {_sync_seconds(folder) * 1e6:.0f} us "
        "for 4 KiB written and synced (median)",
    ]


def _model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _file_system(folder: Path) -> str:
    parts = psutil.disk_partitions(all=True)
    holding = [part for part in parts if folder.is_relative_to(part.mountpoint)]
    return max(holding, key=lambda part: len(part.mountpoint)).fstype


def _sync_seconds(folder: Path) -> float:
    seconds = []
    with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
        for _ in range(_SYNCS):
            start = elapsed()
            file.write(bytes(4096))
            os.fdatasync(file.fileno())
            seconds.append(elapsed() - start)
    return median(seconds)
