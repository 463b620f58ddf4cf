"""Chat words in, a service call, chat words out. ROUTERS: the order is the order of 帮助."""

from bot.routing import Router
from handlers import (
    announcement,
    binding,
    calendar_feed,
    care,
    check_in,
    community,
    conversation,
    desk,
    help,
    mailbox,
    me,
    meeting,
    meeting_reply,
    my_data,
    opt_out,
    question,
    receipt,
    ticket,
)

ROUTERS: tuple[Router, ...] = (
    check_in.router,
    me.router,
    meeting.router,
    meeting_reply.router,
    calendar_feed.router,
    mailbox.router,
    ticket.router,
    binding.router,
    community.router,
    opt_out.router,
    my_data.router,
    desk.router,
    announcement.router,
    conversation.router,
    help.router,
    care.router,
    receipt.router,
    question.router,
)
