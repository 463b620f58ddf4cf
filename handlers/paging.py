"""9: the next page of the last long reply."""

from bot.domain.messages import TEXT_LIMITS, Notice, Reply
from bot.domain.paging import NEXT_PAGE, pages
from bot.routing import Context, Router
from bot.services import inbox

router = Router("paging")


@router.command(NEXT_PAGE, help="paging.help")
def next_page(context: Context) -> Reply:
    last = inbox.last_reply(context.session, context.message, context.row_id)
    if last.notice:
        limit = TEXT_LIMITS[context.message.channel]
        count = len(pages(last.notice, limit, context.say("paging.more")))
        if last.page + 1 < count:
            return Reply(last.notice, last.page + 1)
    return Reply(Notice(kind="paging", lines=(context.say("paging.nothing"),)))
