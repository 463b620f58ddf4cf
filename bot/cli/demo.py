"""demo: the real bot and the sandbox on this machine, with nothing to set up."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import requests

from bot.bootstrap import default_community, demo_clock_file, open_database
from bot.cli.config_file import render
from bot.cli.play import play, prepare
from bot.clock import Clock, OffsetClock, elapsed, pause
from bot.config import load_settings
from bot.domain.person import Role
from bot.errors import SandboxProblem
from bot.services import access, community
from bot.simulator.official_account import Account, Platform
from bot.simulator.page import serve_page
from content import loader

# Known to everybody, and good for this machine's own demo only: nothing else listens.
_TOKEN = "demotoken"  # noqa: S105
_AES_KEY = "demo0demo1demo2demo3demo4demo5demo6demo7dem"
_APP_ID = "wxdemo"
_START_SECONDS = 20.0


@click.command()
@click.option("--port", type=int, default=0, help="Port of the chat page (default: a free one).")
@click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep the demo's data in this folder (default: forget it).",
)
@click.option("--play", "play_it", is_flag=True, help="Play a scripted day, print it, and exit.")
def demo(port: int, state: Path | None, play_it: bool) -> None:  # fmt: skip
    """Try it here: WeChat is played by the sandbox, everything else is real."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with tempfile.TemporaryDirectory(prefix="xueban-demo-") as temporary:
        folder = (state or Path(temporary)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        clock = OffsetClock(demo_clock_file(folder))
        with running_bot(folder) as account:
            if play_it:
                _play_all(Platform(account, clock), clock, folder)
                return
            _serve(Platform(account, clock), port, _codes(folder, clock))


def _codes(folder: Path, clock: Clock) -> dict[Role, str]:
    """Codes with which the page's people can become an organiser and a mentor."""
    database = open_database(load_settings(folder / "config.toml", {}), "command")
    with database.begin() as session:
        home = community.oldest(session).id
        codes = {
            role: access.issue_code(session, home, role, clock.now())
            for role in (Role.ORGANISER, Role.MENTOR)
        }
    database.dispose()
    return codes


def _serve(platform: Platform, port: int, codes: dict[Role, str]) -> None:
    def ready(url: str) -> None:
        click.echo(f"READY {url}")
        click.echo(f"想当组织者，让其中一个人发：绑定 {codes[Role.ORGANISER]}")
        click.echo(f"想当导师，让另一个人发：绑定 {codes[Role.MENTOR]}")
        click.echo(
            "打开这个网址，选一个人，发“打卡”“帮助”，或者问“预备期多久”试试。按 Ctrl-C 结束。"
        )

    try:
        serve_page(platform, port, ready)
    except KeyboardInterrupt:
        click.echo("再见。")


def _play_all(platform: Platform, clock: OffsetClock, folder: Path) -> None:
    """Every dialogue that is meant for it, one after the other, with the clock moved on."""
    clock_file = demo_clock_file(folder)
    settings = load_settings(folder / "config.toml", {})
    database = open_database(settings, "command")

    def forward(by: timedelta) -> None:
        _set_clock(clock_file, clock.offset() + by)

    for pack in loader.load().packs.values():
        for dialogue in pack.dialogues.values():
            if not dialogue.in_demo:
                continue
            click.echo(f"—— {dialogue.title} ——")
            start = datetime.fromisoformat(dialogue.starts_at).astimezone(UTC)
            _set_clock(clock_file, start - Clock().now())
            names = prepare(database, dialogue, default_community(settings), clock.now())
            for line in play(platform, dialogue, forward, names):
                click.echo(line)
    database.dispose()


def _set_clock(file: Path, offset: timedelta) -> None:
    """Readers see the old offset or the new one, never half of one."""
    part = file.with_suffix(".part")
    part.write_text(str(offset.total_seconds()))
    part.replace(file)


@contextmanager
def running_bot(folder: Path) -> Iterator[Account]:
    """`xueban serve` on a free port of 127.0.0.1, with its data in `folder`.

    Raises SandboxProblem when it does not come up.
    """
    port = free_port()
    config = folder / "config.toml"
    values: dict[str, dict[str, Any]] = {
        "server": {"port": port, "public_url": f"http://127.0.0.1:{port}"},
        "storage": {"data_dir": str(folder)},
        "defaults": {"community": "示例研究生党支部"},
        "official_account": {"app_id": _APP_ID, "token": _TOKEN, "encoding_aes_key": _AES_KEY},
        "log": {"level": "WARNING"},
    }
    config.write_text(render(values), encoding="utf-8")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("XUEBAN_")}
    process = subprocess.Popen(  # noqa: S603
        [
            sys.executable,
            "-m",
            "bot",
            "serve",
            "--config",
            str(config),
            "--parent",
            str(os.getpid()),
        ],
        env={**kept, "XUEBAN_DEMO_CLOCK": "1"},
        start_new_session=True,
    )  # fmt: skip
    try:
        _wait_until_up(f"http://127.0.0.1:{port}/healthz", process)
        callback = f"http://127.0.0.1:{port}/callback/official-account"
        yield Account(callback, _TOKEN, _APP_ID, _AES_KEY)
    finally:
        process.terminate()
        try:
            process.wait(_START_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()


def _wait_until_up(url: str, process: subprocess.Popen[bytes]) -> None:
    session = requests.Session()
    session.trust_env = False
    deadline = elapsed() + _START_SECONDS
    while elapsed() < deadline and process.poll() is None:
        try:
            if session.get(url, timeout=1).ok:
                return
        except requests.RequestException:
            pause(0.05)
    raise SandboxProblem("The bot did not start; its messages above say why.")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
