"""切换: which community a private conversation is about."""

from bot.domain.messages import Notice
from bot.routing import Context, Payload, Router
from bot.services import person

router = Router("community")


@router.command("切换", help="community.help", member=True, shows=True)
def ask(context: Context) -> Notice:
    member = context.bound
    others = [
        other
        for other in person.communities_of(context.session, member.person_id)
        if other.id != member.community.id
    ]
    current = member.community.name
    if not others:
        return context.notice("community.only_one", community=current)
    options = context.offer(
        [(other.name, "community.switch", {"id": other.id, "name": other.name}) for other in others]
    )
    lines = (context.say("community.ask", community=current),)
    return Notice("community", lines=lines, options=options)


@router.action("community.switch", member=True)
def switch(context: Context, payload: Payload) -> Notice:
    person.switch(context.session, context.bound.person_id, payload["id"])
    return context.notice("community.done", community=payload["name"])
