"""The group, its common options, and how errors are shown."""

import sys

import click

from bot.cli import (
    ask,
    community,
    content,
    database,
    deliveries,
    demo,
    menu,
    operate,
    roster,
    sandbox,
    schedule,
    setup,
    video,
)
from bot.errors import ConfigError, XuebanError
from bot.storage.session import DATABASE_BUSY


class Group(click.Group):
    """Shows our errors as one plain text on standard error: exit 2 for configuration, else 1."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except XuebanError as error:
            click.echo(f"xueban: {error}", err=True)
            sys.exit(2 if isinstance(error, ConfigError) else 1)
        except DATABASE_BUSY as error:
            reason = str(getattr(error, "orig", None) or error).strip()
            click.echo(
                f"xueban: The database cannot be used: {reason}. Check storage.url and "
                "storage.data_dir, the rights on that folder and the space on its disk.",
                err=True,
            )
            sys.exit(1)


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="xueban")
def main() -> None:
    """学伴: a study community's companion inside WeChat."""


for command in (
    demo.demo,
    menu.menu,
    sandbox.sandbox,
    setup.init,
    setup.doctor,
    operate.serve,
    operate.worker,
    database.database,
    community.community,
    roster.roster,
    content.content,
    ask.ask,
    schedule.schedule,
    deliveries.deliveries,
    video.video,
):
    main.add_command(command)
