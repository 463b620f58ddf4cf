"""绑定码 and 解绑: another account of the same member, added by a code and taken away again."""

from zoneinfo import ZoneInfo

from bot.domain.messages import Notice, Reply
from bot.routing import Context, Payload, Router
from bot.routing.addresses import channel_of
from bot.services import access, address
from bot.services.access import LIVES, Purpose
from bot.services.address import AddressView

router = Router("address")


@router.command("绑定码", help="address.code_help", member=True, private=True)
def code(context: Context) -> Reply:
    """Shown once: a repeat of the message, like the database, has no code to show."""
    member = context.bound
    made = access.issue_own(
        context.session, Purpose.ADDRESS, member.community.id, member.person_id, context.now
    )
    minutes = int(LIVES[Purpose.ADDRESS].total_seconds() // 60)
    lines = (
        context.say("address.code", code=made),
        context.say("address.code_life", minutes=minutes),
    )
    return Reply(Notice("address", lines=lines), kept=context.notice("address.code_kept"))


@router.command("解绑", help="address.remove_help", member=True, private=True)
def ask(context: Context) -> Notice:
    listed = address.all_of(context.session, context.message, context.bound.person_id)
    others = [view for view in listed if not view.here]
    here = channel_of(context, context.message.channel)
    mine = next(view for view in listed if view.here)
    if not others:
        return context.notice("address.only_one", channel=here)
    others = [view for view in others if not address.is_too_new(mine, view, context.now)]
    if not others:
        return context.notice("address.too_new", days=address.SETTLED.days)
    choices = [(_label(context, view), "address.remove", {"id": view.id}) for view in others]
    options = context.offer(choices, none="address.keep", zero="address.kept", explicit=True)
    lines = (context.say("address.ask", channel=here),)
    return Notice("address", lines=lines, options=options)


@router.action("address.remove", member=True)
def remove(context: Context, payload: Payload) -> Notice:
    member = context.bound
    channel = address.remove(
        context.session, context.message, member.person_id, payload["id"], member.community.id,
        context.now,
    )  # fmt: skip
    if channel is None:
        return context.notice("address.gone")
    return context.notice("address.removed", channel=channel_of(context, channel))


def _label(context: Context, view: AddressView) -> str:
    since = view.since.astimezone(ZoneInfo(context.bound.community.timezone))
    day = f"{since.month}月{since.day}日"
    return context.say("address.label", channel=channel_of(context, view.channel), day=day)
