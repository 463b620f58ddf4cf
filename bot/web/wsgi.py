"""What the web server loads: an application made from the environment of the process."""

import gc
import os
import signal
from pathlib import Path
from threading import Thread

from flask import Flask

from bot import logs
from bot.bootstrap import Application, build
from bot.config import load_settings
from bot.lifetime import end_with_parent
from bot.web.app import create_app


def create() -> Flask:
    """XUEBAN_CONFIG names the configuration file; XUEBAN_DEMO_CLOCK asks for the demo's clock.

    The process ends at once when the server's main process has gone: an orphan would go on
    taking messages on the same port beside the next server. What is open is rolled back.
    """
    end_with_parent(os.getppid(), signal.SIGKILL)
    file = os.environ.get("XUEBAN_CONFIG")
    settings = load_settings(Path(file) if file else None, os.environ)
    logs.configure(settings.log.level, settings.log.format, settings.secrets())
    application = build(settings, "web", demo="XUEBAN_DEMO_CLOCK" in os.environ)
    app = create_app(application)
    _settle()
    Thread(target=_learn, args=(application,), daemon=True).start()
    return app


def _learn(application: Application) -> None:
    """Two seconds that would otherwise be the first question's."""
    application.dispatcher.learn()
    _settle()


def _settle() -> None:
    """A full collection of what stays for good anyway stops every thread for 100 ms."""
    gc.collect()
    gc.freeze()
