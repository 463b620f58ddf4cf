"""免打扰: for some days, or until it is switched off."""

import re
import unicodedata
from datetime import timedelta
from zoneinfo import ZoneInfo

from bot.domain.dates import spoken
from bot.domain.grammar import Takes
from bot.domain.messages import Notice
from bot.routing import Context, Payload, Router
from bot.services import mute

router = Router("mute")
_DAYS = re.compile(r"(\d{1,3})\s*天")
_OFF = frozenset(["关", "关闭", "关掉", "取消", "结束", "停"])
_ON = frozenset(["开", "开启", "打开"])
_MOST_DAYS = 365


@router.command("免打扰", help="mute.help", takes=Takes.TEXT, member=True, private=True)
def change(context: Context) -> Notice:
    wanted = unicodedata.normalize("NFKC", context.argument).strip()
    if wanted in _OFF:
        return _off(context)
    if not wanted or wanted in _ON:
        return _on(context, None)
    days = _DAYS.fullmatch(wanted)
    if days is None or not 1 <= int(days[1]) <= _MOST_DAYS:
        return context.notice("mute.how")
    return _on(context, int(days[1]))


@router.action("mute.off", member=True)
def undo(context: Context, payload: Payload) -> Notice:
    return _off(context)


def _on(context: Context, days: int | None) -> Notice:
    until = context.now + (mute.ALWAYS if days is None else timedelta(days=days))
    mute.mute(context.session, context.bound.person_id, until, context.now)
    context.undoable("mute.off", {}, timedelta(minutes=10))
    if days is None:
        return context.notice("mute.on")
    day = until.astimezone(ZoneInfo(context.bound.community.timezone)).date()
    return context.notice("mute.on_until", until=spoken(day))


def _off(context: Context) -> Notice:
    if mute.muted_until(context.session, context.bound.person_id, context.now) is None:
        return context.notice("mute.not_on")
    mute.unmute(context.session, context.bound.person_id, context.now)
    return context.notice("mute.off")
