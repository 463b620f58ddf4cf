"""deliveries list, show, retry: what has become of what people are told."""

from datetime import datetime
from pathlib import Path
from typing import get_args
from zoneinfo import ZoneInfo

import click

from bot.cli.common import (
    clipped,
    config_option,
    existing_database,
    json_option,
    settings_of,
    show_table,
)
from bot.clock import Clock
from bot.domain.delivery import State
from bot.services import delivery_list
from bot.services.delivery_list import DeliveryView

_COLUMNS = (
    "id", "state", "reason", "topic", "way", "person", "community", "created", "due", "done",
    "attempts",
)  # fmt: skip
_SHORT = ("id", "state", "topic", "person", "when", "way")
# One line a row on a screen of 80 columns.
_STATE_WIDTH, _PERSON_WIDTH = 24, 12


@click.group()
def deliveries() -> None:
    """What people are told, and what has become of it."""


@deliveries.command(name="list")
@click.option("--community", help="Of this community only.")
@click.option(
    "--state", "states", multiple=True, type=click.Choice(get_args(State)), help="Repeatable."
)
@click.option("--topic", help="E.g. meeting, video, study_card.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@click.option("--counts", is_flag=True, help="How many of each topic are in which state.")
@json_option
@config_option
def list_all(
    community: str | None,
    states: tuple[str, ...],
    topic: str | None,
    limit: int,
    counts: bool,
    as_json: bool,
    config: Path | None,
) -> None:
    """Show the newest deliveries, in their community's time; JSON has all of it, in UTC."""
    with existing_database(settings_of(config)) as database, database.read() as session:
        if counts:
            found = delivery_list.counts(session, community=community, states=states, topic=topic)
            show_table("Deliveries", ("topic", "state", "count"), found, as_json)
            return
        rows = delivery_list.listed(
            session, community=community, states=states, topic=topic, limit=limit
        )
    if as_json:
        show_table("Deliveries", _COLUMNS, [_cells(row) for row in rows], as_json)
        return
    show_table("Deliveries", _SHORT, [_short(row) for row in rows], as_json)


@deliveries.command()
@click.argument("number", type=int)
@json_option
@config_option
def show(number: int, as_json: bool, config: Path | None) -> None:
    """Show one delivery, with what it says unless that is somebody's own affair."""
    with existing_database(settings_of(config)) as database, database.read() as session:
        row, text = delivery_list.find(session, number)
    columns, cells = (*_COLUMNS, "text"), [*_cells(row), text or "（个人内容，不显示）"]
    if as_json:
        show_table("Delivery", columns, [cells], as_json)
        return
    rows = [pair for pair in zip(columns, cells, strict=True) if pair[1] not in ("", None)]
    show_table(f"Delivery {number}", ("", ""), rows, as_json)


@deliveries.command()
@click.argument("numbers", type=int, nargs=-1, required=True)
@config_option
def retry(numbers: tuple[int, ...], config: Path | None) -> None:
    """Plan failed or cancelled deliveries anew."""
    with existing_database(settings_of(config)) as database, database.begin() as session:
        count = delivery_list.retry(session, numbers, Clock().now())
        unknown = delivery_list.unknown(session, numbers)
    click.echo(f"Planned {count} of {len(set(numbers))} anew.")
    if unknown:
        named = ", ".join(map(str, unknown))
        click.echo(f"There is no delivery {named}; see: xueban deliveries list", err=True)
    if count + len(unknown) < len(set(numbers)):
        click.echo(
            "Only what has failed or was cancelled is planned anew, and nothing that somebody "
            "does not want to hear or had deleted.",
            err=True,
        )
    if not count:
        raise click.exceptions.Exit(1)


def _short(row: DeliveryView) -> list[object]:
    """What fits a screen: when it went out, is due or was written, with the reason's start."""
    state = f"{row.state}: {row.reason}" if row.reason else row.state
    at = (row.done_at or row.due_at or row.created_at).astimezone(ZoneInfo(row.timezone))
    return [
        row.id, clipped(state, _STATE_WIDTH), row.topic, clipped(_person(row), _PERSON_WIDTH),
        f"{at:%m-%d %H:%M}", row.way,
    ]  # fmt: skip


def _person(row: DeliveryView) -> str:
    return "匿名提问者" if row.person is None else row.person or "（没有名字）"


def _cells(row: DeliveryView) -> list[object]:
    return [
        row.id, row.state, row.reason, row.topic, row.way, _person(row), row.community,
        _time(row.created_at), _time(row.due_at), _time(row.done_at), row.attempts,
    ]  # fmt: skip


def _time(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}" if at else ""
