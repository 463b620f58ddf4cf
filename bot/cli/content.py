"""content check; import, export and own stand in own.py."""

from pathlib import Path

import click

from bot.bootstrap import COMMANDS, ROUTINES, load_content
from bot.cli.common import config_option, settings_of, with_progress
from bot.cli.own import export, import_file, own
from bot.errors import ContentError
from content import loader
from content.check import check


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

    Every problem is listed as file: entry: field: reason; exit 1 when there is one.
    """
    if folder is not None and not folder.is_dir():
        raise ContentError([f"{folder}: there is no such folder"])
    library = loader.load(folder) if folder else load_content(settings_of(config))
    problems = with_progress("Trying every example …", lambda: check(library, COMMANDS, ROUTINES))
    if problems:
        raise ContentError(problems)
    for name in library.names:
        pack = library.packs[name]
        examples = sum(len(texts) for texts in pack.questions.examples.values())
        click.echo(
            f"{name}: {len(pack.knowledge.entries)} entries, "
            f"{len(pack.knowledge.documents)} documents, {examples} examples, "
            f"{len(pack.dialogues)} dialogues: no problem."
        )
