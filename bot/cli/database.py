"""db upgrade, backup, restore."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import click

from bot.bootstrap import open_database
from bot.cli.common import config_option, settings_of, with_progress
from bot.clock import Clock
from bot.config import Settings
from bot.errors import BackupProblem
from bot.storage import backup as copies
from bot.storage import schema
from bot.storage.session import Database
from scheduler.tick import apply_deletions, record_wishes


@click.group(name="db")
def database() -> None:
    """The database: schema, backup, restore."""


@contextmanager
def _opened(settings: Settings) -> Iterator[Database]:
    """The database whatever its schema, closed afterwards."""
    opened = open_database(settings, "command")
    try:
        yield opened
    finally:
        opened.dispose()


def _safety_copy(settings: Settings, opened: Database, reason: str) -> Path:
    """A backup in data_dir/backups, named by time and reason."""
    folder = copies.folder_of(settings.storage.data_dir)
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise BackupProblem(f"The folder {folder} cannot be created: {error}") from error
    file = folder / f"{Clock().now():%Y%m%d-%H%M%S}-{reason}.backup"
    with_progress(f"backing up to {file}", lambda: copies.backup(opened.engine, file))
    return file


@database.command()
@config_option
def upgrade(config: Path | None) -> None:
    """Bring the schema to this version; makes a backup first."""
    settings = settings_of(config)
    with _opened(settings) as opened:
        schema.require_tables(opened.engine)
        found = schema.current(opened.engine)
        if found == schema.expected():
            click.echo(f"The schema is up to date ({found}).")
            return
        file = _safety_copy(settings, opened, "before-upgrade")
        with_progress("upgrading the schema", lambda: schema.upgrade(opened.engine))
    click.echo(f"Upgraded from {found} to {schema.expected()}. The backup is {file}.")


def _behind() -> ThreadPoolExecutor:
    """Of two that want the processor, the bot is to have it: this thread is nice."""
    return ThreadPoolExecutor(1, initializer=os.nice, initargs=(15,))


@database.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@config_option
def backup(file: Path, config: Path | None) -> None:
    """Write a checked backup to FILE; the bot may go on running, and goes first."""
    with _opened(settings_of(config)) as opened, _behind() as thread:
        schema.require_tables(opened.engine)
        work = partial(thread.submit, copies.backup, opened.engine, file)
        with_progress(f"backing up to {file}", lambda: work().result())
    click.echo(f"Wrote {file} ({file.stat().st_size} bytes).")


@database.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--yes", is_flag=True, help="Do not ask.")
@config_option
def restore(file: Path, yes: bool, config: Path | None) -> None:
    """Put the content of FILE in place of the database's.

    Makes a backup of the present content first, where there is any, and brings an older backup
    to this version's schema. Whoever has asked for deletion since that backup is hidden or
    deleted again (data_dir/deletions.jsonl).
    """
    settings = settings_of(config)
    if not file.is_file():
        raise BackupProblem(f"There is no backup {file}.")
    if not yes:
        click.confirm("Everything since that backup will be gone. Go on?", abort=True)
    settings.storage.data_dir.mkdir(parents=True, exist_ok=True)
    kept = None
    with _opened(settings) as opened:
        if not schema.is_empty(opened.engine):
            kept = _safety_copy(settings, opened, "before-restore")
            if schema.current(opened.engine) == schema.expected():
                record_wishes(opened, Clock().now(), settings.storage.data_dir)
        with_progress(f"restoring {file}", lambda: copies.restore(opened.engine, file))
        schema.upgrade(opened.engine)
        again = apply_deletions(opened, Clock().now(), settings.storage.data_dir)
    click.echo(f"Restored {file}." + (f" What was there before is {kept}." if kept else ""))
    if again:
        click.echo(f"Hid or deleted {again} people again who had asked for it since that backup.")
