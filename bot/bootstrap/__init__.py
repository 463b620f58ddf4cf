"""The composition root: Settings to Application. The only package that names concrete classes."""

from bot.bootstrap.application import (
    COMMANDS,
    KINDS_BY_NAME,
    ROUTINES,
    THREADS,
    Application,
    Purpose,
    build,
    default_community,
    demo_clock_file,
    load_content,
    open_database,
    outlet_of,
    prepare_database,
    prepare_tokens,
)
from bot.bootstrap.channels import (
    capabilities_of,
    platform_client,
    templates_of,
    ways_of,
    wecom_app_client,
)
from bot.bootstrap.worker import (
    build_line,
    build_runner,
    build_worker,
    tick_once,
)

__all__ = [
    "COMMANDS",
    "KINDS_BY_NAME",
    "ROUTINES",
    "THREADS",
    "Application",
    "Purpose",
    "build",
    "build_line",
    "build_runner",
    "build_worker",
    "capabilities_of",
    "default_community",
    "demo_clock_file",
    "load_content",
    "open_database",
    "outlet_of",
    "platform_client",
    "prepare_database",
    "prepare_tokens",
    "templates_of",
    "tick_once",
    "ways_of",
    "wecom_app_client",
]
