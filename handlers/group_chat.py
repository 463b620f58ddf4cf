"""关联群 and 解除关联群: which groups are the community's; 绑定 with the code links one."""

from zoneinfo import ZoneInfo

from bot.domain.messages import Notice, Reply
from bot.domain.person import Role
from bot.routing import Context, Payload, Router
from bot.services import access, group_chat
from bot.services.access import LIVES, Purpose
from bot.services.group_chat import GroupView

router = Router("group_chat")


@router.command("关联群", help="group_chat.help", role=Role.ORGANISER, private=True)
def code(context: Context) -> Reply:
    """Shown once: a repeat of the message, like the database, has no code to show."""
    member = context.bound
    made = access.issue_own(
        context.session, Purpose.GROUP, member.community.id, member.person_id, context.now
    )
    minutes = int(LIVES[Purpose.GROUP].total_seconds() // 60)
    lines = [
        context.say("group_chat.code", code=made),
        context.say("group_chat.code_life", minutes=minutes, community=member.community.name),
    ]
    if groups := group_chat.all_of(context.session, member.community.id):
        labels = "、".join(_label(context, view) for view in groups)
        lines.append(context.say("group_chat.listed", groups=labels))
    kept = context.notice("group_chat.code_kept")
    return Reply(Notice("group_chat", lines=tuple(lines)), kept=kept)


@router.command("解除关联群", help="group_chat.unlink_help", role=Role.ORGANISER, private=True)
def ask(context: Context) -> Notice:
    groups = group_chat.all_of(context.session, context.bound.community.id)
    if not groups:
        return context.notice("group_chat.none")
    labels = {view.id: _label(context, view) for view in groups}
    choices = [
        (label, "group_chat.unlink", {"id": group_id, "label": label})
        for group_id, label in labels.items()
    ]
    options = context.offer(
        choices, none="group_chat.keep", zero="conversation.withdrawn", explicit=True
    )
    return Notice("group_chat", lines=(context.say("group_chat.ask"),), options=options)


@router.action("group_chat.unlink", role=Role.ORGANISER)
def unlink(context: Context, payload: Payload) -> Notice:
    member = context.bound
    done = group_chat.unlink(
        context.session, member.community.id, payload["id"], member.person_id, context.now
    )
    key = "group_chat.unlinked" if done else "group_chat.gone"
    return context.notice(key, group=payload["label"])


def _label(context: Context, view: GroupView) -> str:
    since = view.since.astimezone(ZoneInfo(context.bound.community.timezone))
    day = f"{since.month}月{since.day}日"
    return context.say("group_chat.label", number=view.number, day=day)
