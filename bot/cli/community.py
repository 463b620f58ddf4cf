"""community add, list, set."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from bot.bootstrap import default_community, load_content
from bot.cli.common import config_option, existing_database, json_option, settings_of, show_table
from bot.clock import Clock
from bot.domain.person import Role
from bot.services import access, audit
from bot.services import community as service

_COLUMNS = ("name", "parent", "pack", "timezone", "quiet_hours", "daily_message_budget")
# Long texts, which a table on a screen has no room for.
_LINES = ("crisis_line", "complaint_line")


@click.group()
def community() -> None:
    """The branches, classes or clubs that this bot serves."""


def _setting_options(command: Any) -> Any:
    for option in (
        click.option("--pack", help="Folder name of its content pack."),
        click.option("--timezone", help="E.g. Asia/Shanghai."),
        click.option("--quiet-hours", help="E.g. 22:00-08:00."),
        click.option("--daily-message-budget", type=int, help="Messages a day and member."),
        click.option("--crisis-line", help="Its own line for people in need, e.g. 校心理中心 …"),
        click.option("--complaint-line", help="Its own contact for complaints about people."),
    ):
        command = option(command)
    return command


@community.command()
@click.argument("name")
@click.option("--parent", help="Name of the community above it (学院).")
@_setting_options
@config_option
def add(name: str, parent: str | None, config: Path | None, **given: Any) -> None:
    """Add a community; what is not given comes from [defaults]."""
    settings = settings_of(config)
    values = {key: value for key, value in given.items() if value is not None}
    packs = load_content(settings).names
    with existing_database(settings) as database, database.begin() as session:
        wanted = replace(default_community(settings), **values)
        service.add(session, name, wanted, Clock().now(), packs=packs, parent=parent)
    click.echo(f"Added {name}.")


@community.command(name="list")
@json_option
@config_option
def list_all(as_json: bool, config: Path | None) -> None:
    """Show every community, oldest first; with --json its own help lines as well."""
    columns = (*_COLUMNS, *_LINES) if as_json else _COLUMNS
    with existing_database(settings_of(config)) as database, database.read() as session:
        rows = service.all_of(session)
        names = {row.id: row.name for row in rows}
        cells = [
            [names.get(row.parent_id or 0) if key == "parent" else getattr(row, key)
             for key in columns]
            for row in rows
        ]  # fmt: skip
    show_table("Communities", columns, cells, as_json)


@community.command(name="set")
@click.argument("name")
@click.option("--name", "new_name", help="A new name.")
@_setting_options
@config_option
def change(name: str, new_name: str | None, config: Path | None, **given: Any) -> None:
    """Change a community's name or settings."""
    settings = settings_of(config)
    values = {key: value for key, value in given.items() if value is not None}
    if new_name is not None:
        values["name"] = new_name
    if not values:
        raise click.UsageError("Say what to change, e.g. --quiet-hours 23:00-07:00.")
    with existing_database(settings) as database, database.begin() as session:
        service.change(session, name, values, load_content(settings).names)
    click.echo(f"Changed {name}: {', '.join(sorted(values))}.")


@community.command()
@click.argument("name", required=False)
@click.option(
    "--role",
    type=click.Choice([role.value for role in Role]),
    default=Role.ORGANISER.value,
    show_default=True,
)
@config_option
def code(name: str | None, role: str, config: Path | None) -> None:
    """Print a one-time code for a role in a community (default: the oldest one)."""
    with existing_database(settings_of(config)) as database, database.begin() as session:
        home = service.by_name(session, name) if name else service.oldest(session)
        now = Clock().now()
        issued = access.issue_code(session, home.id, Role(role), now)
        audit.note(session, now, f"code issued: {role}", community=home.id)
        title = home.name
    life = f"{access.CODE_DAYS} 天内有效，只能用一次"
    click.echo(f"「{title}」{role}：私下给公众号发  绑定 {issued}  （{life}）")
