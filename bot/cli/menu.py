"""menu: the buttons under the account's chat."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from bot.bootstrap import (
    capabilities_of,
    load_content,
    open_database,
    platform_client,
    prepare_tokens,
)
from bot.cli.common import config_option, settings_of
from bot.clock import Clock
from bot.domain.delivery import Capability
from bot.errors import ConfigError
from bot.platforms.official_account import endpoints
from bot.platforms.official_account.client import Client
from content.schema import MenuButton


@click.group()
def menu() -> None:
    """The buttons under the account's chat."""


@menu.command()
@config_option
def push(config: Path | None) -> None:
    """Put the pack's menu on the platform; members see it within a day."""
    click.echo("Pushed: " + ", ".join(set_menu(config)) + ".")


@menu.command()
@config_option
def remove(config: Path | None) -> None:
    """Take the menu off the platform."""
    with _client(config, Clock()) as client:
        endpoints.delete_menu(client)
    click.echo("The account has no menu any more.")


def set_menu(config: Path | None, clock: Clock | None = None) -> list[str]:
    """The names of the buttons that are on the platform now. Raises what push() shows.

    `clock` is the demo's, by which the token that all processes share runs out.
    """
    settings = settings_of(config)
    buttons = load_content(settings).packs[settings.defaults.pack].menu
    with _client(config, clock or Clock()) as client:
        endpoints.create_menu(client, buttons_of(buttons))
    return [button.name for button in buttons]


def buttons_of(buttons: tuple[MenuButton, ...]) -> list[dict[str, Any]]:
    """As the platform wants them: a tap sends the words as the event's key."""
    return [
        {"name": button.name, "sub_button": buttons_of(button.buttons)}
        if button.buttons
        else {"name": button.name, "type": "click", "key": button.say}
        for button in buttons
    ]


@contextmanager
def _client(config: Path | None, clock: Clock) -> Iterator[Client]:
    settings = settings_of(config)
    account = settings.official_account
    if account is None or Capability.MENU not in capabilities_of(account):
        raise ConfigError(
            ["official_account: a menu needs a secret, and a verified account or a service account"]
        )
    database = open_database(settings, "command")
    try:
        yield platform_client(account, prepare_tokens(database, clock), clock)
    finally:
        database.dispose()
