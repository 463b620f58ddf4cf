"""打卡: today's check-in, with a note."""

from datetime import date

from bot.domain.check_in import day_of
from bot.domain.messages import Notice
from bot.routing import Context, Router
from bot.services import check_in, person

router = Router("check_in")


@router.command("打卡", help="check_in.help", takes=True)
def record(context: Context) -> Notice:
    member = context.member or person.register(context.session, context.message, context.now)
    outcome = check_in.record(
        context.session, member, context.message.sent_at, context.argument, context.now
    )
    today = day_of(context.now, member.community.timezone)
    lines = [_headline(context, outcome, today)]
    if outcome.note and (outcome.is_new or outcome.note_added):
        lines.append(context.say("check_in.note", note=outcome.note))
    return Notice(kind="check_in", lines=tuple(lines))


def _headline(context: Context, outcome: check_in.CheckInOutcome, today: date) -> str:
    day = f"{outcome.day.month}月{outcome.day.day}日"
    if outcome.day != today:
        key = "check_in.done_earlier" if outcome.is_new else "check_in.again_earlier"
    elif not outcome.is_new:
        key = "check_in.again_note" if outcome.note_added else "check_in.again"
    else:
        key = "check_in.done_first" if outcome.streak == 1 else "check_in.done"
    return context.say(key, date=day, streak=outcome.streak)
