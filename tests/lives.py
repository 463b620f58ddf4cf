"""A server that can be killed and started again fast: `python -m tests.lives CONFIG`.

Everything is imported once; each line on standard input, a port, forks a process that builds the
whole application anew (its own engine and connections) and serves it there. Its number is
printed when it listens.
"""

import os
import sys
from pathlib import Path

from werkzeug.serving import make_server

from bot import logs
from bot.bootstrap import build
from bot.config import load_settings
from bot.web.app import create_app
from content import loader


def live(config: Path, port: int) -> None:
    settings = load_settings(config, {})
    logs.configure("ERROR", "json", settings.secrets())
    application = build(settings, "web")
    server = make_server("127.0.0.1", port, create_app(application), threaded=True)
    print(os.getpid(), flush=True)  # noqa: T201
    server.serve_forever()


def main(config: Path) -> None:
    logs.configure("ERROR", "json")
    for pack in loader.load().packs.values():
        pack.questions.warm()
    for line in sys.stdin:
        if os.fork() == 0:
            sys.stdin.close()
            live(config, int(line))
        os.wait()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
