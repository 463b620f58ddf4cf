"""绑定: first what is stored and why, then by a code or by name and number."""

from bot.domain.grammar import Takes
from bot.domain.messages import Notice
from bot.domain.person import Role
from bot.routing import Context, Payload, Router
from bot.services import binding, community, deliveries, person

router = Router("binding")


@router.command("绑定", help="binding.help", takes=Takes.TEXT, private=True)
def bind(context: Context) -> Notice:
    if context.member is None:
        return _ask_consent(context)
    if context.argument:
        return _attempt(context, context.argument)
    return _how(context)


@router.action("binding.agree")
def agree(context: Context, payload: Payload) -> Notice:
    """The sender has agreed: with a code or name they are bound, else they are a member."""
    if payload["argument"]:
        return _attempt(context, payload["argument"])
    member = person.register(context.session, context.message, context.now)
    return context.notice("binding.agreed", community=member.community.name)


def _ask_consent(context: Context) -> Notice:
    home = community.oldest(context.session).name
    label = "binding.agree" if context.argument else "consent.agree"
    options = context.offer(
        [(context.say(label), "binding.agree", {"argument": context.argument})],
        none="consent.not_now",
        zero="consent.declined",
    )
    lines = tuple(context.say("consent.notice", community=home).splitlines())
    return Notice("consent", lines=lines, options=options)


def _how(context: Context) -> Notice:
    member = context.bound
    name = (
        context.say("binding.known_as", name=member.name)
        if member.name
        else context.say("binding.unnamed")
    )
    return context.notice("binding.how", community=member.community.name, name=name)


def _attempt(context: Context, argument: str) -> Notice:
    """One word is a code; two are a name and a number, in either order."""
    words = argument.replace("，", " ").replace(",", " ").split()
    if len(words) == 1:
        attempt = binding.by_code(context.session, context.message, words[0], context.now)
    else:
        name, number = sorted(words[:2], key=str.isascii)
        attempt = binding.request(
            context.session, context.message, name, number.upper(), context.now
        )
    if attempt.outcome is binding.Outcome.REQUESTED:
        _tell_organisers(context, attempt)
    key = f"binding.{attempt.outcome}"
    if attempt.outcome is binding.Outcome.ROLE:
        key = f"binding.role_{attempt.role}"
    home = attempt.home.name if attempt.home else ""
    return context.notice(key, community=home, name=attempt.name)


def _tell_organisers(context: Context, attempt: binding.Attempt) -> None:
    if attempt.home is None:
        return
    line = context.say("binding.request_notice", name=attempt.name)
    deliveries.hold(
        context.session,
        person.people_of(context.session, attempt.home.id, Role.ORGANISER),
        attempt.home.id,
        topic="desk",
        about=f"binding_request:{attempt.request}",
        notice=Notice("desk", lines=(line,)),
        now=context.now,
    )
