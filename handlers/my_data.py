"""我的数据, 导出, 删除: a member's rights over what is stored; and leaving by unfollowing."""

from collections.abc import Callable
from zoneinfo import ZoneInfo

from bot.domain.dates import spoken
from bot.domain.messages import Notice
from bot.routing import Context, Payload, Router
from bot.services import personal_data

router = Router("my_data")


@router.command("我的数据", help="my_data.help", shows=True)
def show(context: Context) -> Notice:
    if context.member is None:
        pending = personal_data.pending_for(context.session, context.message)
        if pending:
            return context.notice("my_data.pending", due=spoken(pending.due_at.date()))
        return context.notice("my_data.nothing")
    kept = personal_data.overview(context.session, context.member.person_id)
    lines = [
        context.say(
            "my_data.line",
            title=item.title,
            rows=item.rows,
            purpose=item.purpose,
            retention=item.retention.format(**context.facts),
        )
        for item in kept
    ]
    lines.append(context.say("my_data.foot"))
    return Notice("my_data", title=context.say("my_data.title"), lines=tuple(lines))


@router.command("导出", help="my_data.export_help", member=True, private=True)
def export(context: Context) -> Notice:
    member = context.bound
    lines: list[str] = []
    for title, rows in personal_data.export(
        context.session, member.person_id, member.community.timezone, _word(context)
    ):
        lines += [f"【{title}】", *rows]
    return Notice("my_data", title=context.say("my_data.export_title"), lines=tuple(lines))


def _word(context: Context) -> Callable[[str], str]:
    """What the database calls something, in the reader's words where there are any."""

    def word(value: str) -> str:
        key = f"words.{value}"
        return context.say(key) if key in context.messages else value

    return word


@router.command("删除", help="my_data.delete_help", member=True, private=True)
def delete(context: Context) -> Notice:
    member = context.bound
    kept = personal_data.overview(context.session, member.person_id)
    what = "、".join(f"{item.title} {item.rows} 条" for item in kept)
    due = context.local_now + personal_data.COOLING_OFF
    lines = (
        context.say("my_data.read_back", what=what, due=spoken(due.date())),
        context.confirm("my_data.delete", {"person_id": member.person_id}),
    )
    return Notice("my_data", lines=lines)


@router.action("my_data.delete", member=True)
def confirmed(context: Context, payload: Payload) -> Notice:
    zone = ZoneInfo(context.bound.community.timezone)
    person_id = payload["person_id"]
    due = personal_data.request_deletion(context.session, person_id, "asked", context.now)
    context.member = None
    return context.notice("my_data.deleted", due=spoken(due.astimezone(zone).date()))


@router.action("my_data.restore")
def restore(context: Context, payload: Payload) -> Notice:
    """撤销 of 删除, as long as the address is still the one that asked for it."""
    pending = personal_data.pending_for(context.session, context.message)
    if pending is None:
        return context.notice("my_data.too_late")
    personal_data.withdraw_deletion(context.session, pending.person_id, context.now)
    return context.notice("my_data.restored")


@router.event("unsubscribe")
def unfollow(context: Context) -> None:
    personal_data.unfollow(context.session, context.message, context.now)
