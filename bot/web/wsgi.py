"""What the web server loads: an application made from the environment of the process."""

import os
from pathlib import Path

from flask import Flask

from bot import logs
from bot.bootstrap import build
from bot.config import load_settings
from bot.web.app import create_app


def create() -> Flask:
    """XUEBAN_CONFIG names the configuration file; XUEBAN_DEMO_CLOCK asks for the demo's clock."""
    file = os.environ.get("XUEBAN_CONFIG")
    settings = load_settings(Path(file) if file else None, os.environ)
    logs.configure(settings.log.level, settings.log.format, settings.secrets())
    return create_app(build(settings, "web", demo="XUEBAN_DEMO_CLOCK" in os.environ))
