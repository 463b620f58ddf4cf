"""Offering a human: what is said where somebody can answer, and where nobody can."""

from bot.domain.messages import Notice
from bot.routing.context import Context
from bot.services import ticket

# How a question can be handed on: the label's key, which is the action's name as well.
NAMED, ANONYMOUS = "ticket.named", "ticket.anonymous"


def offer_mentor(
    context: Context,
    lines: tuple[str, ...],
    question: str,
    topic: str,
    *,
    ways: tuple[str, ...] = (NAMED, ANONYMOUS),
    nobody: str = "question.ask_organisers",
) -> Notice:
    """These lines, then whether a mentor shall be asked this: under one's name or without.

    In a group nothing can be handed on: the offer is to write in private. `nobody` is the key of
    what is said where there is no mentor.
    """
    if not ticket.has_mentor(context.session, context.home.id, context.person_id):
        return Notice("question", lines=(*lines, context.say(nobody)))
    if context.message.in_group:
        return Notice("question", lines=(*lines, context.say("question.ask_in_private")))
    payload = {"question": question, "topic": topic}
    options = context.offer([(context.say(way), way, payload) for way in ways], none="ticket.no")
    asked = (context.say("ticket.offer"), context.say("ticket.honest"))
    return Notice("question", lines=(*lines, *asked), options=options)
