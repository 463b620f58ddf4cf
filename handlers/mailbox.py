"""收件箱: what the bot and the organisers have to tell this member."""

from dataclasses import replace
from zoneinfo import ZoneInfo

from bot.domain.messages import Notice, Reply
from bot.routing import Context, Router
from bot.routing.router import Said
from bot.services import mailbox

router = Router("mailbox")


@router.command("收件箱", help="mailbox.help", member=True, private=True)
def show(context: Context) -> Said:
    held = mailbox.open_for(context.session, context.message, context.bound.person_id, context.now)
    if not held:
        return Notice("mailbox", lines=(context.say("mailbox.empty"),))
    zone = ZoneInfo(context.bound.community.timezone)
    lines, kept = [], []
    for item in held:
        when = item.created_at.astimezone(zone)
        notice, link = item.notice, item.notice.link
        parts = (notice.title, *notice.lines, notice.source, link and f"{link.label}：{link.url}")
        text = "\n".join(part for part in parts if part)
        lines.append(f"{when.month}月{when.day}日 {text}")
        # An answer to somebody without a name is not kept with the messages of its reader.
        kept.append(context.say("mailbox.again") if item.nameless else lines[-1])
    whole = Notice("mailbox", title=context.say("mailbox.title"), lines=tuple(lines))
    return Reply(whole, kept=replace(whole, lines=tuple(kept)))
