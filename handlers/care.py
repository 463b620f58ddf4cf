"""The alert: somebody who may be in danger asks to be contacted by a human."""

from bot.domain.messages import Notice
from bot.routing import Context, Payload, Router
from bot.routing.phrases import by_way
from bot.routing.refusing import who_is
from bot.services import ticket

router = Router("care")


@router.action("care.alert", member=True)
def alert(context: Context, payload: Payload) -> Notice:
    """Their name and that they ask for contact, quiet hours or not; never what they wrote."""
    member = context.bound
    role, people = ticket.responders(context.session, member.community.id, member.person_id)
    if not people:
        return context.notice("care.nobody")
    number = ticket.alert(context.session, member, role, context.now)
    name = member.name or context.say("care.nameless")
    told = ticket.tell_responders(
        context.session, member.community.id, number,
        context.notice("care.alert", number=number, name=name),
        member.person_id, ticket.ALERT, context.now,
    )  # fmt: skip
    context.undoable("care.withdraw", {"number": number}, ticket.UNDO)
    return context.notice(by_way(context, "care.told"), count=told, who=who_is(context, role))


@router.action("care.withdraw", member=True)
def withdraw(context: Context, payload: Payload) -> Notice:
    unseen = ticket.withdraw_alert(context.session, payload["number"])
    return context.notice("care.withdrawn" if unseen else "care.withdrawn_seen")
