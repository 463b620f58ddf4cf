"""serve and worker: the processes that run for good."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import click
import structlog
from granian import Granian
from granian.constants import Interfaces
from granian.log import LogLevels

from bot.bootstrap import (
    THREADS,
    build,
    build_line,
    build_runner,
    build_worker,
    prepare_database,
)
from bot.cli.common import chosen_file, config_option, settings_of
from bot.config import Settings
from bot.lifetime import end_with_parent
from bot.storage import schema

log = structlog.get_logger(__name__)

_RESTART_SECONDS = 1.0
_STOP_SECONDS = 15.0


parent_option = click.option(
    "--parent", type=int, hidden=True, help="End when the process with this number has gone."
)


def is_demo() -> bool:
    return "XUEBAN_DEMO_CLOCK" in os.environ


@click.command()
@config_option
@click.option("--web-only", is_flag=True, help="No worker: it runs elsewhere (xueban worker).")
@parent_option
def serve(config: Path | None, web_only: bool, parent: int | None) -> None:
    """Answer the platform and run the worker, with one command.

    Creates an empty database; refuses one of an older version and names the command to run.
    """
    if parent is not None:
        end_with_parent(parent)
    settings = settings_of(config)
    application = build(settings, "command", demo=is_demo())
    prepare_database(application)
    application.database.dispose()
    if file := chosen_file(config):
        os.environ["XUEBAN_CONFIG"] = str(file.resolve())
    keeper = None if web_only else WorkerKeeper()
    if keeper:
        keeper.start()
    try:
        serve_web(settings)
    finally:
        if keeper:
            keeper.stop()


def serve_web(settings: Settings) -> None:
    """One process with a few threads, until a signal: SQLite has one writer anyway."""
    Granian(
        "bot.web.wsgi:create",
        factory=True,
        address=settings.server.host,
        port=settings.server.port,
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=THREADS,
        respawn_failed_workers=True,
        log_level=LogLevels.warning,
        websockets=False,
    ).serve()


class WorkerKeeper:
    """Keeps one worker process running beside the web server."""

    def __init__(self) -> None:
        self._stopping = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._keep, name="worker-keeper", daemon=True)

    def start(self) -> None:
        self._process = self._spawn()
        self._thread.start()

    def _spawn(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "bot", "worker", "--parent", str(os.getpid())]
        # A session of its own: Ctrl-C reaches the web server first, which then stops the worker.
        return subprocess.Popen(command, start_new_session=True)  # noqa: S603

    def _keep(self) -> None:
        while not self._stopping.is_set():
            if self._process is not None and self._process.poll() is not None:
                log.error("worker_ended", code=self._process.returncode)
                self._process = self._spawn()
            self._stopping.wait(_RESTART_SECONDS)

    def stop(self) -> None:
        """Let the worker finish its tick; kill it when that takes too long."""
        self._stopping.set()
        self._thread.join()
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()


@click.command()
@config_option
@parent_option
def worker(config: Path | None, parent: int | None) -> None:
    """Send what is due, and run the scheduler's tick: one worker leads, the others wait for that.

    On SIGTERM no call is begun any more; those under way are finished and written down.
    """
    if parent is not None:
        end_with_parent(parent)
    application = build(settings_of(config), "worker", demo=is_demo())
    schema.require_current(application.database.engine)
    line = build_line(application)
    sender = build_worker(application, line=line)
    thread = sender.start()
    runner = build_runner(application, demo=is_demo(), line=line)
    try:
        runner.run()
    finally:
        # What is under way still needs the line.
        sender.stop()
        thread.join()
        runner.close()
