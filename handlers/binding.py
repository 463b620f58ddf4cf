"""绑定: a one-time code gives a role."""

from bot.domain.messages import Notice
from bot.routing import Context, Router
from bot.services import access, person

router = Router("binding")


@router.command("绑定", help="binding.help", takes=True)
def bind(context: Context) -> Notice:
    return Notice(kind="binding", lines=(_outcome(context),))


def _outcome(context: Context) -> str:
    if context.message.in_group:
        return context.say("binding.private_only")
    if not context.argument:
        return context.say("binding.no_code")
    spent = access.use_code(context.session, context.argument, context.now)
    if spent is None:
        return context.say("binding.wrong")
    community, role = spent
    person.join(context.session, context.message, community, role, context.now)
    return context.say(f"binding.done_{role}", community=community.name)
