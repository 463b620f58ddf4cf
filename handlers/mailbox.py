"""收件箱: what the bot and the organisers have to tell this member."""

from zoneinfo import ZoneInfo

from bot.domain.messages import Notice
from bot.routing import Context, Router
from bot.services import deliveries

router = Router("mailbox")


@router.command("收件箱", help="mailbox.help", member=True, private=True)
def show(context: Context) -> Notice:
    held = deliveries.open_for(
        context.session, context.message, context.bound.person_id, context.now
    )
    if not held:
        return Notice("mailbox", lines=(context.say("mailbox.empty"),))
    zone = ZoneInfo(context.bound.community.timezone)
    lines = []
    for item in held:
        when = item.created_at.astimezone(zone)
        text = "\n".join(part for part in (item.notice.title, *item.notice.lines) if part)
        lines.append(f"{when.month}月{when.day}日 {text}")
    return Notice("mailbox", title=context.say("mailbox.title"), lines=tuple(lines))
