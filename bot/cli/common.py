"""What the commands share: reading the configuration and printing tables."""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text
from sqlalchemy import make_url

from bot import logs
from bot.bootstrap import open_database
from bot.config import Settings, load_settings
from bot.errors import SchemaOutdated
from bot.storage import schema
from bot.storage.session import Database

DEFAULT_FILE = Path("config.toml")

config_option = click.option(
    "--config",
    "config",
    type=click.Path(dir_okay=False, path_type=Path),
    envvar="XUEBAN_CONFIG",
    help="The configuration file (default: config.toml, where there is one).",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")


def chosen_file(config: Path | None) -> Path | None:
    """The file that was named, else config.toml where there is one."""
    return config or (DEFAULT_FILE if DEFAULT_FILE.exists() else None)


def settings_of(config: Path | None) -> Settings:
    """The settings; without a file the defaults and the environment. Raises ConfigError."""
    settings = load_settings(chosen_file(config), os.environ)
    logs.configure(settings.log.level, settings.log.format, settings.secrets())
    return settings


@contextmanager
def existing_database(settings: Settings) -> Iterator[Database]:
    """The database, of this version's schema, closed afterwards. Raises SchemaOutdated."""
    url = make_url(settings.storage.database_url)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").exists():
        raise SchemaOutdated(schema.NO_DATABASE)
    database = open_database(settings, "command")
    try:
        schema.require_current(database.engine)
        yield database
    finally:
        database.dispose()


def show_table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], as_json: bool
) -> None:
    """A table for people, or a JSON list of objects."""
    if as_json:
        click.echo(
            json.dumps([dict(zip(columns, row, strict=True)) for row in rows], ensure_ascii=False)
        )
        return
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        # Text and not str: brackets in a cell are no markup.
        table.add_row(*(Text("" if value is None else str(value)) for value in row))
    Console().print(table)


def clipped(text: str, width: int) -> str:
    """The text on one line, at most `width` columns wide (a Chinese character is two)."""
    line = Text(" ".join(text.split()))
    line.truncate(width, overflow="ellipsis")
    return line.plain


def with_progress(message: str, work: Callable[[], Any]) -> Any:
    """Run something that may take over a second under a moving line."""
    with Console(stderr=True).status(message):
        return work()
