"""确认 and 撤销: what any feature has asked or can take back."""

from bot.routing import Context, Router
from bot.routing.router import Said
from bot.services import conversation, personal_data

router = Router("conversation")


@router.command("确认")
def confirm(context: Context) -> Said:
    asked = conversation.take(context.session, context.message, conversation.CONFIRM, context.now)
    if asked is None:
        return context.notice("conversation.nothing_to_confirm")
    return context.act(asked.action, asked.payload, asked.community_id)


@router.command("撤销")
def undo(context: Context) -> Said:
    """What waits for 确认 is dropped; else the last thing that can be undone is undone."""
    session, message, now = context.session, context.message, context.now
    if conversation.take(session, message, conversation.CONFIRM, now):
        return context.notice("conversation.withdrawn")
    if (
        context.member is None
        and not message.in_group
        and personal_data.pending_for(session, message)
    ):
        return context.act("my_data.restore", {}, None)
    asked = conversation.take(session, message, conversation.UNDO, now)
    if asked is None:
        return context.notice("conversation.nothing_to_undo")
    return context.act(asked.action, asked.payload, asked.community_id)
