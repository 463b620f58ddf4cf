"""Processes that can be killed and started again fast: `python -m tests.lives CONFIG`.

Everything is imported once; each line on standard input forks a process that builds the whole
application anew (its own engine and connections): "web PORT" serves it there, "worker LEASE" sends
what is due, with a lease of so many seconds, "scheduler INTERVAL" ticks every so many seconds while
it leads. The process' number is printed when it is up.
"""

import os
import signal
import sys
from datetime import timedelta
from pathlib import Path

from werkzeug.serving import make_server

from bot import logs
from bot.bootstrap import build, build_worker, tick_once
from bot.config import load_settings
from bot.storage.leader import leader_lock
from bot.web.app import create_app
from content import loader
from scheduler.runner import Runner


def serve(config: Path, port: int) -> None:
    settings = load_settings(config, {})
    logs.configure("ERROR", "json", settings.secrets())
    application = build(settings, "web")
    server = make_server("127.0.0.1", port, create_app(application), threaded=True)
    print(os.getpid(), flush=True)  # noqa: T201
    server.serve_forever()


def work(config: Path, lease: timedelta) -> None:
    settings = load_settings(config, {})
    logs.configure("CRITICAL", "json", settings.secrets())
    worker = build_worker(build(settings, "worker"), lease=lease)
    signal.signal(signal.SIGTERM, lambda *_: worker.stop())
    print(os.getpid(), flush=True)  # noqa: T201
    worker.run()


def schedule(config: Path, interval: float) -> None:
    settings = load_settings(config, {})
    logs.configure("CRITICAL", "json", settings.secrets())
    application = build(settings, "worker")
    lock = leader_lock(application.database.engine, settings.storage.data_dir)
    runner = Runner(lambda: tick_once(application), lock, interval)
    print(os.getpid(), flush=True)  # noqa: T201
    runner.run()
    runner.close()


def main(config: Path) -> None:
    logs.configure("ERROR", "json")
    for pack in loader.load().packs.values():
        pack.questions.warm()
    # Nobody waits for those that were killed.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        what, number = line.split()
        if os.fork() == 0:
            sys.stdin.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            if what == "web":
                serve(config, int(number))
            elif what == "worker":
                work(config, timedelta(seconds=float(number)))
            else:
                schedule(config, float(number))
            os._exit(0)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
