"""content check, content review; import, export and own stand in own.py."""

from datetime import timedelta
from pathlib import Path

import click

from bot.bootstrap import COMMANDS, ROUTINES, load_content
from bot.cli.common import config_option, existing_database, settings_of, with_progress
from bot.cli.own import export, import_file, own
from bot.cli.review import Reviewing
from bot.cli.reviews import reviews_of, today_of
from bot.clock import Clock
from bot.errors import ContentError, NotFound
from bot.services.content_review import Reviews
from content import loader
from content.check import check, still_to_come
from content.freshness import due, reviewed, withheld
from content.loader import Pack

# Somewhere on earth it is already so much later.
_EASTERNMOST = timedelta(hours=14)


@click.group()
def content() -> None:
    """The packs: what is known, what is said, what is never answered."""


for command in (import_file, export, own):
    content.add_command(command)


@content.command(name="check")
@click.argument("folder", required=False, type=click.Path(file_okay=False, path_type=Path))
@config_option
def check_packs(folder: Path | None, config: Path | None) -> None:
    """Read the packs in FOLDER (default: the configured ones) and try all their examples.

    Every problem is listed as file: entry: field: reason; exit 1 when there is one. What is due
    for review is no problem: it is counted, and xueban content review leads through it.
    """
    if folder is not None and not folder.is_dir():
        raise ContentError([f"{folder}: there is no such folder"])
    library = loader.load(folder) if folder else load_content(settings_of(config))
    problems = with_progress("Trying every example …", lambda: check(library, COMMANDS, ROUTINES))
    latest = (Clock().now() + _EASTERNMOST).date()
    problems += still_to_come(library, latest)
    if problems:
        raise ContentError(problems)
    reviews: Reviews = {} if folder else reviews_of(settings_of(config))
    for name in library.names:
        _say_of(library.packs[name], reviews)


def _say_of(pack: Pack, reviews: Reviews) -> None:
    examples = sum(len(texts) for texts in pack.questions.examples.values())
    click.echo(
        f"{pack.name}: {len(pack.knowledge.entries)} entries, "
        f"{len(pack.knowledge.documents)} documents, {examples} examples, "
        f"{len(pack.dialogues)} dialogues: no problem."
    )
    today = Clock().now().date()
    knowledge = reviewed(pack.knowledge, reviews.get(pack.name, {}))
    if waiting := due(knowledge, today):
        click.echo(
            f"{pack.name}: {len(waiting)} documents are due for review (read in a reprint, found "
            "to differ, or checked over a year ago): xueban content review"
        )
    if out := [key for key, one in knowledge.entries.items() if withheld(knowledge, one, today)]:
        click.echo(
            f"{pack.name}: {len(out)} entries are not given, since their documents are "
            f"superseded or differ: {', '.join(out)}"
        )


@content.command()
@click.option("--pack", "only", help="Folder name of one pack (default: all of them).")
@click.option("--all", "everything", is_flag=True, help="Also what is not due.")
@config_option
def review(only: str | None, everything: bool, config: Path | None) -> None:
    """Compare the packs' documents with their text, one after the other.

    Due is what was read in a reprint, found to differ, or checked more than 12 months ago. What
    you answer is recorded in the database at once, with your name and the day, and counts in the
    chat within half a minute: the answers say 官方原文 and the day. Entries of a document that
    differs are not given until the pack is corrected, or reviewed again.
    """
    settings = settings_of(config)
    library = load_content(settings)
    if only is not None and only not in library.names:
        raise NotFound(f"There is no pack {only}; there are: {', '.join(library.names)}.")
    with existing_database(settings) as database:
        session = Reviewing(database, today_of(settings), everything)
        for name in (only,) if only else library.names:
            if not session.lead_through(library.packs[name]):
                break
        session.conclude()
