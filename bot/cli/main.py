"""The group, its common options, and how errors are shown."""

import sys
from importlib import import_module

import click

from bot.errors import ConfigError, XuebanError
from bot.storage.session import DATABASE_BUSY

# In the order of the help: the command, and the module that has it. Each process imports only its
# own: all of them take half a second, which every start would pay.
_COMMANDS = {
    "demo": "demo",
    "sandbox": "sandbox",
    "init": "setup",
    "doctor": "setup",
    "serve": "operate",
    "worker": "operate",
    "db": "database",
    "community": "community",
    "roster": "roster",
    "content": "content",
    "ask": "ask",
    "kb": "kb",
    "menu": "menu",
    "schedule": "schedule",
    "deliveries": "deliveries",
    "video": "video",
    "console-login": "console_login",
}


class Group(click.Group):
    """Shows our errors as one plain text on standard error: exit 2 for configuration, else 1."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module = import_module(f"bot.cli.{_COMMANDS[cmd_name]}")
        found: click.Command = getattr(
            module, "database" if cmd_name == "db" else cmd_name.replace("-", "_")
        )
        return found

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
