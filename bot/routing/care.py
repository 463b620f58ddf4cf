"""What somebody gets who may be in danger: numbers at once, and the offer of a human."""

from typing import Literal

from bot.domain.messages import Notice
from bot.domain.person import Role
from bot.routing.context import Context
from bot.services import community, inbox, ticket
from content.questions import CRISIS

_WHO = {Role.MENTOR: "care.mentor", Role.ORGANISER: "care.organiser"}


def help_lines(context: Context, name: Literal["crisis", "complaint"]) -> list[str]:
    """The community's own line first, then the pack's numbers for this kind of message."""
    own = community.own_line(context.session, context.home.id, name)
    lines = [own] if own else []
    for line in context.pack.knowledge.help_lines:
        if line.name == name:
            key = "care.line_note" if line.note else "care.line"
            lines.append(context.say(key, number=line.number, title=line.title, note=line.note))
    return lines


def care(context: Context) -> Notice:
    """The reply, at any hour; what was written is not kept, and not repeated."""
    inbox.forget_text(context.session, context.row_id)
    numbers = help_lines(context, CRISIS)
    if context.message.in_group:
        return Notice("care", lines=(*numbers, context.say("care.emergency")))
    lines = [context.say("care.head"), *numbers, context.say("care.emergency")]
    role, people = ticket.responders(context.session, context.home.id, context.person_id)
    if context.member is None or not people:
        return Notice("care", lines=(*lines, context.say("care.nobody")))
    who = context.say(_WHO[role])
    yes = "care.yes" if context.member.name else "care.yes_nameless"
    options = context.offer(
        [(context.say(yes, who=who), "care.alert", {})], none="care.no", zero="care.declined"
    )
    return Notice("care", lines=(*lines, context.say("care.offer", who=who)), options=options)


def who_is(context: Context, role: Role) -> str:
    return context.say(_WHO[role])
