"""console-login: the operator's way into the console."""

from pathlib import Path

import click

from bot.cli.common import config_option, existing_database, settings_of
from bot.clock import Clock
from bot.config import Settings
from bot.errors import ConfigError
from bot.services import calendar_feed, community, web_access
from bot.services.web_access import Area


@click.command(name="console-login")
@click.option("--community", "name", help="Which community first (default: the oldest).")
@config_option
def console_login(name: str | None, config: Path | None) -> None:
    """Print a link that signs the operator in once, within 10 minutes.

    The operator has every role in every community, and each look is in the audit log.
    """
    settings = settings_of(config)
    base = base_of(settings)
    with existing_database(settings) as database, database.begin() as session:
        home = community.by_name(session, name) if name else community.oldest(session)
        token = web_access.issue(session, Area.CONSOLE, None, home.id, Clock().now())
    click.echo(web_access.address(base, token))


def base_of(settings: Settings) -> str:
    """Where the pages are. Raises ConfigError where others could read them on the way."""
    server = settings.server
    base = server.public_url or f"http://{server.host}:{server.port}"
    if not calendar_feed.reachable(base):
        raise ConfigError(
            [
                f"server.public_url: {base} can be read by anybody on the way; set it to an https "
                "address, or open the console on the machine itself (server.host 127.0.0.1)"
            ]
        )
    return base
