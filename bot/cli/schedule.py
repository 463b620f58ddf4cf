"""schedule preview: what will go out, when, to how many, through what."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

from bot.bootstrap import KINDS_BY_NAME, load_content, outlet_of
from bot.cli.common import (
    clipped,
    config_option,
    existing_database,
    json_option,
    settings_of,
    show_table,
)
from bot.clock import Clock
from bot.domain.paging import as_text
from bot.services import contacts, firing

_COLUMNS = ("when", "kind", "community", "people", "through", "what", "not sent because")
# Columns of the screen, for one short line a row.
_SHOWN = 26


@click.group()
def schedule() -> None:
    """What is due when."""


@schedule.command()
@click.option("--days", type=click.IntRange(1, 400), default=7, show_default=True)
@json_option
@config_option
def preview(days: int, as_json: bool, config: Path | None) -> None:
    """Show what will go out, as things stand now; times are the community's own.

    JSON has all of what is said.

    "mailbox" counts those who get it when they next write.
    """
    settings = settings_of(config)
    packs, now = load_content(settings).packs, Clock().now()
    with existing_database(settings) as database, database.read() as session:
        outlet = outlet_of(settings, session, now)
        coming = firing.preview(session, KINDS_BY_NAME, packs, now, now + timedelta(days=days))
        cells: list[list[Any]] = []
        for item in coming:
            kind = KINDS_BY_NAME.get(item.kind)
            topic = kind.topic if kind else ""
            reached = contacts.reachable(session, item.people, outlet, topic, item.slot)
            through = ", ".join(f"{way} {count}" for way, count in sorted(reached.items()))
            text = as_text(item.notice) if item.notice else ""
            when = f"{item.slot.astimezone(ZoneInfo(item.timezone)):%Y-%m-%d %a %H:%M}"
            cells.append(
                [when, item.kind, item.community, len(item.people), through, text, item.reason]
            )
    if as_json:
        show_table(f"The next {days} days", _COLUMNS, cells, as_json)
        return
    # A screen has 80 columns: no year, and the reason where there is nothing to say.
    several = len({row[2] for row in cells}) > 1
    short = [
        [f"{when[5:10]} {when[-5:]}", kind, *([home] if several else []), people, through,
         clipped(text or f"not sent: {reason}", _SHOWN)]
        for when, kind, home, people, through, text, reason in cells
    ]  # fmt: skip
    columns = [name for name in _COLUMNS[:-1] if several or name != "community"]
    show_table(f"The next {days} days", columns, short, as_json)
