"""帮助, made from what the handlers say of themselves; and the welcome."""

from bot.domain.messages import Notice
from bot.domain.person import Role
from bot.routing import Context, Router
from bot.services import person

router = Router("help")


@router.command("帮助", help="help.help")
def show(context: Context) -> Notice:
    return Notice(kind="help", title=context.say("help.title"), lines=_lines(context))


@router.event("subscribe")
@router.event("enter_chat")
def welcome(context: Context) -> Notice:
    return Notice(
        kind="welcome",
        title=context.say("help.welcome"),
        lines=(context.say("help.title"), *_lines(context)),
    )


def _lines(context: Context) -> tuple[str, ...]:
    """Everybody's words, then a mentor's and an organiser's; last the current of several homes."""
    listed = [
        command
        for command in context.commands
        if command.help and (context.member or not command.member)
    ]
    lines = [context.say(command.help) for command in listed if command.told is None]
    for role in (Role.MENTOR, Role.ORGANISER):
        if theirs := [context.say(command.help) for command in listed if command.told is role]:
            lines += [context.say(f"help.{role}"), *theirs]
    member = context.member
    if (
        member
        and not context.message.in_group
        and len(person.communities_of(context.session, member.person_id)) > 1
    ):
        lines.append(context.say("help.community", community=member.community.name))
    return tuple(lines)
