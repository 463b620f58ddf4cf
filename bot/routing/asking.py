"""Offering a human: what is said where somebody can answer, and where nobody can."""

from bot.domain.messages import Notice
from bot.routing.context import Context
from bot.services import ticket


def offer_mentor(context: Context, lines: tuple[str, ...], question: str, topic: str) -> Notice:
    """These lines, then whether a mentor shall be asked this: under one's name or without.

    In a group nothing can be handed on: the offer is to write in private.
    """
    if not ticket.has_mentor(context.session, context.home.id, context.person_id):
        return Notice("question", lines=(*lines, context.say("question.ask_organisers")))
    if context.message.in_group:
        return Notice("question", lines=(*lines, context.say("question.ask_in_private")))
    payload = {"question": question, "topic": topic}
    options = context.offer(
        [
            (context.say("ticket.named"), "ticket.named", payload),
            (context.say("ticket.anonymous"), "ticket.anonymous", payload),
        ],
        none="ticket.no",
    )
    asked = (context.say("ticket.offer"), context.say("ticket.honest"))
    return Notice("question", lines=(*lines, *asked), options=options)
