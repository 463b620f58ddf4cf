"""The restore drill: what was backed up while everything ran is what comes back."""

import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select

from bot.bootstrap import Application
from bot.errors import BackupProblem
from bot.storage import backup, schema
from bot.storage.models import Base, Person

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def add(application: Application, name: str) -> None:
    with application.database.begin() as session:
        session.add(Person(name=name, created_at=NOW))


def names(application: Application) -> list[str | None]:
    with application.database.read() as session:
        return list(session.scalars(select(Person.name).order_by(Person.id)))


def test_restore_drill(application: Application, tmp_path: Path) -> None:
    file = tmp_path / "copy.backup"
    add(application, "甲")
    backup.backup(application.database.engine, file)
    add(application, "乙")
    backup.restore(application.database.engine, file)

    assert names(application) == ["甲"]
    schema.require_current(application.database.engine)
    add(application, "丙")
    assert names(application) == ["甲", "丙"]
    assert not list(tmp_path.glob("*.part"))
    assert file.stat().st_mode & 0o077 == 0


def test_a_backup_under_writes_is_whole(application: Application, tmp_path: Path) -> None:
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            add(application, "x" * 2000)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(3):
            backup.backup(application.database.engine, tmp_path / f"{number}.backup")
    finally:
        stop.set()
        writer.join()
    backup.restore(application.database.engine, tmp_path / "2.backup")

    with application.database.read() as session:
        assert (session.scalar(select(func.count()).select_from(Person)) or 0) > 0
        for table in Base.metadata.tables.values():
            session.execute(select(table).limit(1))


@pytest.mark.parametrize("content", [b"", b"hello", b"SQLite format 3\0" + b"\0" * 4000])
def test_what_is_no_backup_is_refused_and_changes_nothing(
    application: Application, tmp_path: Path, content: bytes
) -> None:
    add(application, "甲")
    file = tmp_path / "bad.backup"
    file.write_bytes(content)
    for bad in (file, tmp_path / "missing"):
        with pytest.raises(BackupProblem):
            backup.restore(application.database.engine, bad)

    assert names(application) == ["甲"]


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_a_truncated_backup_is_refused(application: Application, tmp_path: Path) -> None:
    file = tmp_path / "copy.backup"
    backup.backup(application.database.engine, file)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(BackupProblem, match="no whole backup"):
        backup.restore(application.database.engine, file)


def test_a_folder_that_cannot_be_written(application: Application, tmp_path: Path) -> None:
    with pytest.raises(BackupProblem, match="cannot be written"):
        backup.backup(application.database.engine, tmp_path / "no such folder" / "x.backup")


@pytest.mark.parametrize("dialect", ["postgresql"])
def test_without_pg_dump_the_error_says_what_to_install(
    application: Application, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BackupProblem, match="apt install postgresql-client"):
        backup.backup(application.database.engine, tmp_path / "x.backup")
