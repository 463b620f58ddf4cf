"""roster import, undo, codes."""

from pathlib import Path

import click
from openpyxl import Workbook

from bot.cli.common import (
    config_option,
    existing_database,
    settings_of,
    show_table,
    with_progress,
)
from bot.cli.table_file import read_table
from bot.clock import Clock
from bot.domain.roster import RosterRow, Understood, understand
from bot.errors import NotFound, RosterProblems
from bot.services import audit, community
from bot.services import roster as service
from bot.storage.session import UnitOfWork

_SHOWN = 20

community_option = click.option(
    "--community", "name", help="Its name (default: the oldest community)."
)


@click.group()
def roster() -> None:
    """The list of people that may bind: import, undo, codes."""


@roster.command(name="import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@community_option
@click.option("--dry-run", is_flag=True, help="Show what would change and change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@config_option
def import_file(
    file: Path, name: str | None, dry_run: bool, yes: bool, config: Path | None
) -> None:
    """Import FILE (Excel or CSV) into the roster.

    Shows what was understood and what would change, then asks. Only the name is needed; columns
    may be headed 姓名/名字, 学号/工号, 角色/职务, 阶段.
    """
    found = understand(read_table(file, RosterProblems))
    _show_understood(found)
    if found.problems:
        raise RosterProblems(found.problems)
    with existing_database(settings_of(config)) as database:
        with database.read() as session:
            home = _home(session, name)
            difference = service.compare(session, home, found.rows)
        _show_difference(difference)
        if dry_run or not (difference.added or difference.changed):
            click.echo("Nothing was changed.")
            return
        if not yes:
            click.confirm("Import this?", abort=True)
        with database.begin() as session:
            now = Clock().now()
            rows = found.rows
            with_progress("importing", lambda: service.apply(session, home, rows, file.name, now))
            audit.note(session, now, "roster imported", community=home)
    click.echo("Imported. To take it back: xueban roster undo")


@roster.command()
@community_option
@config_option
def undo(name: str | None, config: Path | None) -> None:
    """Take the newest import back."""
    with existing_database(settings_of(config)) as database, database.begin() as session:
        home = _home(session, name)
        file, entries = service.undo(session, home, Clock().now())
        audit.note(session, Clock().now(), "roster import undone", community=home)
    click.echo(f"Took back {file}: {entries} entries are as before.")


@roster.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@community_option
@config_option
def codes(file: Path, name: str | None, config: Path | None) -> None:
    """Write FILE (.xlsx) with a new code for everybody who has not bound; older codes end."""
    with existing_database(settings_of(config)) as database, database.begin() as session:
        issued = service.new_codes(session, _home(session, name))
        if not issued:
            raise NotFound("Everybody on the roster has bound, or it is empty.")
        _write(file, issued)
    click.echo(f"Wrote {len(issued)} codes to {file}. Hand each to its person only: 绑定 口令")


def _home(session: UnitOfWork, name: str | None) -> int:
    row = community.by_name(session, name) if name else community.oldest(session)
    return row.id


def _show_understood(found: Understood) -> None:
    labels = {"name": "name", "number": "number", "roles": "roles", "stage": "stage"}
    for key, title in found.columns.items():
        click.echo(f"Column {title}: taken as {labels[key]}")
    if found.ignored:
        click.echo(f"Left alone: {', '.join(found.ignored)}")
    click.echo(f"{len(found.rows)} people read.")


def _show_difference(difference: service.Difference) -> None:
    rows: list[tuple[str, ...]] = [("new", *_cells(row)) for row in difference.added]
    rows += [("changed", *_changed(before, row)) for before, row in difference.changed]
    if rows:
        columns = ("", "name", "number", "roles", "stage")
        show_table("What would change", columns, rows[:_SHOWN], as_json=False)
    if len(rows) > _SHOWN:
        click.echo(f"… and {len(rows) - _SHOWN} more.")
    click.echo(
        f"{len(difference.added)} new, {len(difference.changed)} changed, "
        f"{difference.same} as before, {len(difference.missing)} not in the file (kept)."
    )


def _cells(row: RosterRow) -> tuple[str, str, str, str]:
    return row.name, row.number or "", ", ".join(row.roles or ()), row.stage or ""


def _changed(before: RosterRow, after: RosterRow) -> tuple[str, ...]:
    return tuple(
        new if old == new or not new else f"{old} → {new}"
        for old, new in zip(_cells(before), _cells(after), strict=True)
    )


def _write(file: Path, issued: list[tuple[str, str, str]]) -> None:
    """Every cell as text: a name that begins with = must not become a formula."""
    book = Workbook()
    sheet = book.worksheets[0]
    for line, row in enumerate([("姓名", "学号", "口令"), *issued], start=1):
        for column, value in enumerate(row, start=1):
            cell = sheet.cell(line, column)
            cell.value = value
            cell.data_type = "s"
    file.touch(mode=0o600)
    book.save(file)
