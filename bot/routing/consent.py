"""Asking somebody unknown: what is stored and why, or what becomes of data in deletion."""

from typing import Any

from bot.domain.dates import spoken
from bot.domain.messages import Notice
from bot.routing.context import Context
from bot.services import person, personal_data


def ask_consent(
    context: Context, action: str, payload: dict[str, Any], *, label: str, notice: str
) -> Notice:
    """The notice with a menu: agreeing does the action. Nothing is stored but the menu.

    Whoever has asked for deletion first says whether the old data shall come back.
    """
    if context.message.in_group and person.known(context.session, context.message) is not None:
        # Somebody of another community: in front of the group nothing is said about that.
        return context.notice("conversation.bind_in_private")
    lines = context.say(notice, community=context.home.name).splitlines()
    choices = [(context.say(label), action, payload)]
    if pending := personal_data.pending_for(context.session, context.message):
        if context.message.in_group:
            # Who has asked for deletion has not said so here.
            return context.notice("refusal.in_private")
        due = spoken(pending.due_at.date())
        lines = [context.say("my_data.again", due=due)]
        choices = [
            (context.say("my_data.again_restore"), "my_data.restore", {}),
            (context.say("my_data.again_anew"), action, payload),
        ]
    options = context.offer(choices, none="consent.not_now", zero="consent.declined")
    return Notice("consent", lines=tuple(lines), options=options)
