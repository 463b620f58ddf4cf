"""帮助, made from what the handlers say of themselves; and the welcome."""

from bot.domain.messages import Notice
from bot.routing import Context, Router

router = Router("help")


@router.command("帮助", help="help.help")
def show(context: Context) -> Notice:
    return Notice(kind="help", title=context.say("help.title"), lines=_lines(context))


@router.event("subscribe")
def welcome(context: Context) -> Notice:
    return Notice(
        kind="welcome",
        title=context.say("help.welcome"),
        lines=(context.say("help.title"), *_lines(context)),
    )


def _lines(context: Context) -> tuple[str, ...]:
    return tuple(context.say(command.help) for command in context.commands)
