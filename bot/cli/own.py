"""content import, export, own: what a community knows of its own, beside its pack."""

import json
import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

from bot.bootstrap import load_content
from bot.cli.common import (
    clipped,
    config_option,
    existing_database,
    json_option,
    settings_of,
    show_table,
    with_progress,
)
from bot.cli.table_file import read_written
from bot.clock import Clock
from bot.domain.own_table import NAMES, Understood, understand
from bot.domain.person import CommunityView
from bot.errors import ContentError, KnowledgeProblems
from bot.services import audit, community, knowledge, own_table, person
from bot.services.own_export import exported
from bot.services.own_table import Change
from bot.storage.models import KnowledgeChange, KnowledgeEntry
from bot.storage.session import Database, UnitOfWork
from content.loader import BASE, Pack

_SHOWN = 50
# Columns of the screen that a text takes of a line.
_WIDTH = 30
_DIFFERENCE = ("row", "what", "key", "question", "changes")
_LISTED = ("key", "question", "source", "state", "reviewed", "changed")
_HISTORY = ("when", "what", "by", "before")
_KEPT = tuple(field for field in NAMES if field != "key")

community_option = click.option(
    "--community", "name", help="Its name (default: the oldest community)."
)
_by_option = click.option("--by", help="The organiser who does it: name, or number on the roster.")


@click.command(name="import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@community_option
@_by_option
@click.option("--dry-run", is_flag=True, help="Show what would change and change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@config_option
def import_file(
    file: Path, name: str | None, by: str | None, dry_run: bool, yes: bool, as_json: bool,
    config: Path | None,
) -> None:  # fmt: skip
    """Import FILE (Excel or CSV): a community's own rules and answers, one a row.

    Columns are headed 编号 (may be empty; with that of one of the pack's entries the row adds a
    rule to it), 问题, 其他问法 (divided by ； or line breaks), 答案, 主题, 文件 and 条款.

    Shows what would change and every problem, then asks. What is not in FILE stays as it is.
    """
    found = understand(read_written(file, KnowledgeProblems))
    if not found.rows:
        raise KnowledgeProblems([_placed(problem) for problem in found.problems])
    settings = settings_of(config)
    packs = load_content(settings).packs
    with existing_database(settings) as database:
        with database.read() as session:
            home = _home(session, name)
            author = person.organiser_named(session, home.id, by) if by else None
            changes = own_table.compare(session, home, found.rows)
            _show_difference(found, changes, as_json)
            problems = _problems(session, home, packs[home.pack], found, changes)
        if problems:
            raise KnowledgeProblems(problems)
        changed = any(change.what != "unchanged" for change in changes)
        if changed and not dry_run and not yes:
            click.confirm("Import this?", abort=True, err=True)
        if dry_run or not changed:
            click.echo("Nothing was changed.", err=as_json)
            return
        live, waiting = _write(database, home, changes, author)
    click.echo(_written(live, waiting), err=as_json)


def _problems(
    session: UnitOfWork, home: CommunityView, pack: Pack, found: Understood,
    changes: Sequence[Change],
) -> list[str]:  # fmt: skip
    """Of the file and of what it says, in the order of the rows."""
    now = Clock().now()
    more = with_progress(
        "Trying every way to ask …",
        lambda: own_table.problems(session, home, pack, changes, now),
    )
    every = sorted((*found.problems, *more), key=lambda problem: problem[0])
    return [_placed(problem) for problem in every]


def _placed(problem: own_table.Problem) -> str:
    line, reason = problem
    return f"row {line}: {reason}" if line else reason


def _write(
    database: Database, home: CommunityView, changes: Sequence[Change], author: int | None
) -> tuple[int, int]:
    now = Clock().now()
    with database.begin() as session:
        found: tuple[int, int] = with_progress(
            "importing", lambda: own_table.apply(session, home, changes, author, now)
        )
        audit.note(session, now, "knowledge imported", actor=author, community=home.id)
    return found


def _written(live: int, waiting: int) -> str:
    said = ["Imported."]
    if live:
        said.append(
            f"{live} are answered from now on, marked 未复核: nobody else could approve them."
        )
    if waiting:
        said.append(
            f"{waiting} wait for another organiser: xueban content own approve KEY --by NAME"
        )
    return " ".join(said)


def _show_difference(found: Understood, changes: Sequence[Change], as_json: bool) -> None:
    if as_json:
        show_table("", _DIFFERENCE, [_cells(change) for change in changes], as_json)
        return
    for field, title in found.columns.items():
        click.echo(f"Column {title}: taken as {NAMES[field]}")
    if found.ignored:
        click.echo(f"Left alone: {', '.join(found.ignored)}")
    rows = [_cells(change) for change in changes if change.what != "unchanged"]
    if rows:
        short = [
            [line, what, key, clipped(question, _WIDTH), changed]
            for line, what, key, question, changed in rows[:_SHOWN]
        ]
        show_table("What would change", _DIFFERENCE, short, as_json)
    if len(rows) > _SHOWN:
        click.echo(f"… and {len(rows) - _SHOWN} more; --json shows all.")
    count = [sum(change.what == what for change in changes) for what in ("new", "changed")]
    same = len(changes) - sum(count)
    click.echo(f"{count[0]} new, {count[1]} changed, {same} unchanged.")


def _cells(change: Change) -> list[Any]:
    changed = [
        f"{NAMES[field]}: {clipped(before, _WIDTH) or '(empty)'} → "
        f"{clipped(own_table.shown(change.text, field), _WIDTH) or '(empty)'}"
        for field, before in change.before.items()
    ]
    if change.again:
        changed.append("it was withdrawn, and would not be")
    key = change.text.key or ""
    return [change.line, change.what, key, change.text.question, "\n".join(changed)]


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@community_option
@click.option("--force", is_flag=True, help="Write over files that are there.")
@config_option
def export(folder: Path, name: str | None, force: bool, config: Path | None) -> None:
    """Write a community's own entries into DIR as files of a pack.

    DIR is a pack's folder: sources.toml and knowledge/own.toml are written, which are read beside
    packs/base. What waits for approval is a draft there; what adds a rule to an entry B07 of the
    pack is an entry rule-B07 of its own.
    """
    settings = settings_of(config)
    packs = load_content(settings).packs
    with existing_database(settings) as database, database.read() as session:
        home = _home(session, name)
        knows, base = packs[home.pack].knowledge, packs[BASE].knowledge
        found = exported(session, home, knows, base)
    _write_files(folder, found.files, force)
    click.echo(f"Wrote {found.entries} entries to {' and '.join(found.files)} in {folder}.")


def _write_files(folder: Path, files: Mapping[str, str], force: bool) -> None:
    """All or, where one is there already, none. Raises ContentError."""
    there = [path for path in (folder / at for at in files) if os.path.lexists(path)]
    if there and not force:
        raise ContentError(
            [f"{path}: is there already; choose another folder, or --force" for path in there]
        )
    for at, text in files.items():
        path = folder / at
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # A new file in the place of the old: what a link there points to stays as it is.
            if force:
                path.unlink(missing_ok=True)
            with path.open("x", encoding="utf-8", newline="\n") as stream:
                stream.write(text)
        except OSError as error:
            raise ContentError([f"{path}: cannot be written: {error.strerror}"]) from error


@click.group()
def own() -> None:
    """A community's own entries: look at them, approve, withdraw, take back."""


@own.command(name="list")
@community_option
@json_option
@config_option
def list_all(name: str | None, as_json: bool, config: Path | None) -> None:
    """Show a community's own entries; a key of the pack's adds a rule to that entry."""
    with existing_database(settings_of(config)) as database, database.read() as session:
        home = _home(session, name)
        rows: list[list[Any]] = [
            [row.key, row.question, _source(row), row.state, row.approved_by is not None,
             _when(row.changed_at, home)]
            for row in knowledge.listed(session, home.id)
        ]  # fmt: skip
    if not as_json:
        rows = [
            [key, clipped(question, _WIDTH), clipped(source, _WIDTH), state,
             "yes" if reviewed else "no", when[:10]]
            for key, question, source, state, reviewed, when in rows
        ]  # fmt: skip
    show_table(f"Own entries of {home.name}", _LISTED, rows, as_json)


@own.command()
@click.argument("key")
@community_option
@json_option
@config_option
def show(key: str, name: str | None, as_json: bool, config: Path | None) -> None:
    """Show an entry with its history, the last change first."""
    with existing_database(settings_of(config)) as database, database.read() as session:
        home = _home(session, name)
        row = knowledge.find(session, home, key)
        text = own_table.text_of(row)
        fields = {"state": row.state, "author": _who(session, home, row.author_id),
                  "approved by": _who(session, home, row.approved_by)}  # fmt: skip
        history = _history(session, home, row)
    written = {field: own_table.shown(text, field) for field in NAMES}
    if as_json:
        past = [dict(zip(_HISTORY, line, strict=True)) for line in history]
        click.echo(json.dumps({**written, **fields, "history": past}, ensure_ascii=False))
        return
    for field, value in [*((NAMES[at], value) for at, value in written.items()), *fields.items()]:
        click.echo(f"{field}: {value or '-'}")
    cells = [[*line[:3], "\n".join(f"{at}: {was}" for at, was in line[3].items())]
             for line in history]  # fmt: skip
    show_table("History", _HISTORY, cells, as_json=False)


@own.command()
@click.argument("key")
@click.option("--by", required=True, help="An organiser who is not its author: name, or number.")
@community_option
@config_option
def approve(key: str, by: str, name: str | None, config: Path | None) -> None:
    """An organiser has read the entry: it is answered from now on."""
    with existing_database(settings_of(config)) as database, database.begin() as session:
        home = _home(session, name)
        who = person.organiser_named(session, home.id, by)
        knowledge.approve(session, knowledge.find(session, home, key), who, Clock().now())
    click.echo(f"Approved {key}: it is answered from now on.")


@own.command()
@click.argument("key")
@_by_option
@community_option
@config_option
def withdraw(key: str, by: str | None, name: str | None, config: Path | None) -> None:
    """The entry is not answered any more; undo brings it back."""
    with existing_database(settings_of(config)) as database, database.begin() as session:
        home = _home(session, name)
        who = person.organiser_named(session, home.id, by) if by else None
        row = knowledge.find(session, home, key)
        if row.state == knowledge.WITHDRAWN:
            raise KnowledgeProblems([f"{key}: it is withdrawn already"])
        knowledge.withdraw(session, row, who, Clock().now())
    click.echo(f"Withdrew {key}. To take that back: xueban content own undo {key}")


@own.command()
@click.argument("key")
@_by_option
@community_option
@config_option
def undo(key: str, by: str | None, name: str | None, config: Path | None) -> None:
    """Take the last change of the entry back."""
    with existing_database(settings_of(config)) as database, database.begin() as session:
        home = _home(session, name)
        who = person.organiser_named(session, home.id, by) if by else None
        row = knowledge.find(session, home, key)
        what = knowledge.undo(session, row, who, Clock().now())
        state = row.state
    click.echo(f"Took back that {key} was {what}; it is {state} now.")


def _home(session: UnitOfWork, name: str | None) -> CommunityView:
    return community.view(community.by_name(session, name) if name else community.oldest(session))


def _source(row: KnowledgeEntry) -> str:
    return f"《{row.title}》{row.clause}"


def _when(moment: datetime, home: CommunityView) -> str:
    return f"{moment.astimezone(ZoneInfo(home.timezone)):%Y-%m-%d %H:%M}"


def _who(session: UnitOfWork, home: CommunityView, person_id: int | None) -> str:
    """A name; "" for the operator, for nobody, and for whose record is deleted."""
    if person_id is None:
        return ""
    return next(iter(person.names_of(session, home.id, person_id)), "(no name)")


def _history(
    session: UnitOfWork, home: CommunityView, row: KnowledgeEntry
) -> list[tuple[str, str, str, dict[str, str]]]:
    """Each change with what was different before it."""
    lines = []
    after = _snapshot(row)
    for change in knowledge.history(session, row):
        before = _before(change)
        different = {at: was for at, was in before.items() if was != after[at]}
        who = _who(session, home, change.changed_by)
        lines.append((_when(change.changed_at, home), change.what, who, different))
        after = before
    return lines


def _snapshot(row: KnowledgeEntry) -> dict[str, str]:
    text = own_table.text_of(row)
    return {field: own_table.shown(text, field) for field in _KEPT} | {"state": row.state}


def _before(change: KnowledgeChange) -> dict[str, str]:
    """What the entry was before the change; nothing before it was added."""
    if not change.before:
        return {}
    kept = json.loads(change.before)
    kept["variants"] = "；".join(json.loads(kept["variants"]))
    return {field: kept[field] for field in (*_KEPT, "state")}
