"""kb eval: how good the matcher is over a knowledge base and questions from files."""

import json
import time
from pathlib import Path
from resource import RUSAGE_SELF, getrusage

import click

from bot.bootstrap import load_content
from bot.cli.common import config_option, settings_of, show_table, with_progress
from bot.cli.knowledge_file import calibrated_matcher, knowledge_lines, query_lines
from bot.errors import ContentError
from content.evaluation import measure
from content.loader import BASE

_file = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def kb() -> None:
    """Knowledge bases."""


@kb.command(name="eval")
@click.option("--kb", "base", type=_file, required=True, help="Entries, a JSON object a line.")
@click.option("--queries", type=_file, required=True, help="Questions, likewise: query and id.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
@config_option
def evaluate(base: Path, queries: Path, as_json: bool, config: Path | None) -> None:
    """Build and calibrate the matcher over KB, ask it the QUERIES, and say how right it was.

    An id of null is a question that no entry answers. top1, top3, mrr, right and clarified are
    shares of the questions that have an entry, refused of those that have none, precision of the
    answers given; build_s includes calibrating.
    """
    pack = load_content(settings_of(config)).packs[BASE]
    lines, asked = knowledge_lines(base), query_lines(queries)
    known = {line.id for line in lines}
    if unknown := sorted({one.id for one in asked if one.id is not None} - known):
        raise ContentError([f"{queries}: id: {base} has no entry {name}" for name in unknown])
    started = time.perf_counter()
    matcher = with_progress("Building and calibrating …", lambda: calibrated_matcher(lines, pack))
    built = time.perf_counter() - started
    figures = measure(matcher, asked).shares()
    figures |= {"build_s": built, "rss_mb": getrusage(RUSAGE_SELF).ru_maxrss / 1024}
    rounded = {name: round(value, 4 if value <= 1 else 2) for name, value in figures.items()}
    if as_json:
        click.echo(json.dumps(rounded))
        return
    show_table("kb eval", ("figure", "value"), list(rounded.items()), False)
