"""`python -m bot` is the command `xueban`."""

from bot.cli import main

main()
