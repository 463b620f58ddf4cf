"""Chat words in, a service call, chat words out. ROUTERS: the order is the order of 帮助."""

from bot.routing import Router
from handlers import (
    announcement,
    binding,
    check_in,
    community,
    conversation,
    desk,
    fallback,
    help,
    mailbox,
    me,
    meeting,
    my_data,
    opt_out,
)

ROUTERS: tuple[Router, ...] = (
    check_in.router,
    me.router,
    meeting.router,
    mailbox.router,
    binding.router,
    community.router,
    opt_out.router,
    my_data.router,
    desk.router,
    announcement.router,
    conversation.router,
    help.router,
    fallback.router,
)
