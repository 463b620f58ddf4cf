"""The command `xueban`."""

from bot.cli.main import main

__all__ = ["main"]
