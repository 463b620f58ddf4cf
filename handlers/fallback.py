"""What nobody else took: say what to send instead."""

from bot.domain.messages import MessageType, Notice
from bot.routing import Context, Router

router = Router("fallback")


@router.otherwise
def explain(context: Context) -> Notice:
    known = context.message.type in (MessageType.TEXT, MessageType.VOICE)
    return context.notice("fallback.text" if known else "fallback.media")
