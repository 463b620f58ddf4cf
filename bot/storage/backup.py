"""Backup while everything runs, and restore. A backup is checked before it counts as one.

SQLite: the online backup API, all pages in one step (in several it starts again at each write
of another process and may never end). PostgreSQL: pg_dump and pg_restore.
"""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from threading import Event, Thread

from sqlalchemy import URL, Engine

from bot.errors import BackupProblem

_SYNCED_EVERY = 0.01


def backup(engine: Engine, file: Path) -> None:
    """Write a whole, checked backup to `file`; an older one is replaced only by a good one.

    Raises BackupProblem.
    """
    part = file.with_name(f"{file.name}.part")
    try:
        part.unlink(missing_ok=True)
        part.touch(mode=0o600)
        if engine.dialect.name == "sqlite":
            _backup_sqlite(engine, part)
        else:
            _run("pg_dump", ["--format=custom", f"--file={part}"], engine.url)
        part.replace(file)
    except (OSError, sqlite3.Error) as error:
        raise BackupProblem(f"The backup {file} cannot be written: {error}") from error
    finally:
        if part.exists():
            part.unlink()


def restore(engine: Engine, file: Path) -> None:
    """Put the backup's content in place of the database's, whole or not at all.

    Raises BackupProblem; the database is then as it was.
    """
    if not file.is_file():
        raise BackupProblem(f"There is no backup {file}.")
    if engine.dialect.name == "sqlite":
        _restore_sqlite(engine, file)
    else:
        _run(
            "pg_restore",
            ["--clean", "--if-exists", "--no-owner", "--single-transaction", "--exit-on-error",
             f"--dbname={engine.url.database}", str(file)],
            engine.url,
        )  # fmt: skip


def folder_of(data_dir: Path) -> Path:
    """Where the backups lie that are made before an upgrade or a restore."""
    return data_dir / "backups"


def remove_old(data_dir: Path, before: datetime) -> int:
    """Delete our own backups that are older; how many."""
    old = [
        file
        for file in folder_of(data_dir).glob("*.backup")
        if file.stat().st_mtime < before.timestamp()
    ]
    for file in old:
        file.unlink(missing_ok=True)
    return len(old)


def _backup_sqlite(engine: Engine, part: Path) -> None:
    with closing(engine.raw_connection()) as source, closing(sqlite3.connect(part)) as target:
        driver = source.driver_connection
        if driver is None:
            raise BackupProblem("The database is not open.")
        # What is written is synced by us, and all of it before it counts as a backup.
        target.execute("PRAGMA synchronous=OFF")
        with _synced(part):
            driver.backup(target, pages=-1)
        _check(target, part)


@contextmanager
def _synced(file: Path) -> Iterator[None]:
    """What is written to the file in this block goes to the disk little by little: tens of
    megabytes at once would hold up the bot's own commits.
    """
    over, failed = Event(), list[OSError]()
    with file.open("rb") as handle:

        def sync() -> None:
            try:
                while not over.wait(_SYNCED_EVERY):
                    os.fsync(handle.fileno())
            except OSError as error:
                # The system tells of it once: the last sync would know nothing.
                failed.append(error)

        thread = Thread(target=sync, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
        os.fsync(handle.fileno())
        if failed:
            raise failed[0]


def _restore_sqlite(engine: Engine, file: Path) -> None:
    try:
        with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as source:
            _check(source, file)
            with closing(engine.raw_connection()) as target:
                driver = target.driver_connection
                if driver is None:
                    raise BackupProblem("The database is not open.")
                source.backup(driver, pages=-1)
    except sqlite3.Error as error:
        raise BackupProblem(f"{file} cannot be restored: {error}") from error


def _check(connection: sqlite3.Connection, file: Path) -> None:
    """Every page readable, every reference whole, and tables of ours in it."""
    try:
        state = connection.execute("PRAGMA quick_check").fetchone()[0]
        broken = connection.execute("PRAGMA foreign_key_check").fetchone()
        ours = connection.execute(
            "SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'"
        ).fetchone()
    except sqlite3.DatabaseError as error:
        raise BackupProblem(f"{file} is no whole backup: {error}") from error
    if state != "ok" or broken is not None or ours is None:
        raise BackupProblem(f"{file} is no whole backup of xueban: {state}")


def _run(program: str, arguments: Sequence[str], url: URL) -> None:
    """Run a PostgreSQL client. The password goes by the environment, not the command line."""
    if shutil.which(program) is None:
        raise BackupProblem(
            f"{program} is not installed here; install PostgreSQL's client programs "
            "(Debian: apt install postgresql-client) of the server's version or newer."
        )
    values = {
        "PGHOST": url.host or url.query.get("host"),
        "PGPORT": str(url.port) if url.port else None,
        "PGUSER": url.username,
        "PGPASSWORD": str(url.password) if url.password else None,
        "PGDATABASE": url.database,
    }
    environment = {**os.environ, **{key: str(value) for key, value in values.items() if value}}
    done = subprocess.run(  # noqa: S603
        [program, *arguments], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise BackupProblem(f"{program} failed: {done.stderr.strip()}")
