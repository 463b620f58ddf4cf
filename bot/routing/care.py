"""What somebody gets who may be in danger: numbers at once, and the offer of a human."""

from bot.domain.messages import Notice
from bot.domain.person import Role
from bot.routing.answers import danger_lines
from bot.routing.context import Context
from bot.services import community, inbox, ticket
from content.questions import CRISIS

_WHO = {Role.MENTOR: "care.mentor", Role.ORGANISER: "care.organiser"}


def care(context: Context) -> Notice:
    """The reply, at any hour; what was written is not kept, and not repeated."""
    inbox.forget_text(context.session, context.row_id)
    own = community.own_line(context.session, context.home.id, CRISIS)
    numbers = danger_lines(context.say, context.pack.knowledge, own)
    if context.message.in_group:
        return Notice("care", lines=tuple(numbers))
    lines = (context.say("care.head"), *numbers)
    role, people = ticket.responders(context.session, context.home.id, context.person_id)
    if context.member is None or not people:
        return Notice("care", lines=(*lines, context.say("care.nobody")))
    who = who_is(context, role)
    yes = "care.yes" if context.member.name else "care.yes_nameless"
    options = context.offer(
        [(context.say(yes, who=who), "care.alert", {})], none="care.no", zero="care.declined"
    )
    return Notice("care", lines=(*lines, context.say("care.offer", who=who)), options=options)


def who_is(context: Context, role: Role) -> str:
    """导师 or 组织者, in the pack's words."""
    return context.say(_WHO[role])
