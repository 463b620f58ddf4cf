"""打卡: today's check-in, with a note; and the offer to make one of a picture or voice."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from bot.domain.check_in import day_of
from bot.domain.grammar import Takes
from bot.domain.messages import Notice
from bot.domain.person import Member, Role
from bot.routing import Context, Payload, Router
from bot.routing.consent import ask_consent
from bot.services import check_in, person

router = Router("check_in")


@router.command("打卡", help="check_in.help", takes=Takes.TEXT)
def record(context: Context) -> Notice:
    return _begin(context, context.argument)


@router.pictures_and_voices
def offer(context: Context) -> Notice:
    """What comes without words may be today's check-in; nobody guesses."""
    payload = _payload(context, "")
    options = context.offer(
        [(context.say("check_in.media_yes"), "check_in.media", payload)], none="check_in.media_no"
    )
    return Notice("check_in", lines=(context.say("check_in.media"),), options=options)


@router.action("check_in.media")
def accept_media(context: Context, payload: Payload) -> Notice:
    if context.member is None:
        return _ask_consent(context, dict(payload))
    return _record(context, context.member, payload)


@router.action("check_in.agree")
def agree(context: Context, payload: Payload) -> Notice:
    member = person.join(context.session, context.message, context.home, Role.MEMBER, context.now)
    return _record(context, member, payload)


@router.action("check_in.undo", member=True)
def undo(context: Context, payload: Payload) -> Notice:
    """撤销: the check-in of that day goes again."""
    day = date.fromisoformat(payload["day"])
    if not check_in.take_back(context.session, payload["id"]):
        return context.notice("check_in.too_late")
    if context.message.in_group:
        return context.notice("check_in.undone_in_group")
    return context.notice("check_in.undone", date=_spoken(day))


def _begin(context: Context, note: str) -> Notice:
    payload = _payload(context, note)
    if context.member is None:
        return _ask_consent(context, payload)
    return _record(context, context.member, payload)


def _payload(context: Context, note: str) -> dict[str, Any]:
    return {
        "note": note,
        "pictures": context.message.pictures,
        "sent_at": context.message.sent_at.isoformat(),
    }


def _ask_consent(context: Context, payload: dict[str, Any]) -> Notice:
    return ask_consent(
        context, "check_in.agree", payload, label="check_in.agree", notice="check_in.ask_consent"
    )


def _record(context: Context, member: Member, payload: Payload) -> Notice:
    sent_at = datetime.fromisoformat(payload["sent_at"]).astimezone(UTC)
    pictures = payload.get("pictures", 0)
    outcome = check_in.record(
        context.session, member, sent_at, payload["note"], context.now, pictures
    )
    if outcome.is_new:
        undo_payload = {"id": outcome.id, "day": outcome.day.isoformat()}
        context.undoable("check_in.undo", undo_payload, timedelta(minutes=10))
    elif outcome.note_added or pictures or outcome.own_now:
        context.nothing_to_undo()
    if context.message.in_group:
        # The same the second time: who checked in in private has not said so here.
        return context.notice("check_in.in_group")
    today = day_of(context.now, member.community.timezone)
    lines = [_headline(context, outcome, today, pictures)]
    if outcome.is_new or outcome.note_added or pictures:
        lines += _noted(context, outcome)
    if pictures:
        lines.append(context.say("check_in.not_kept"))
    return Notice(kind="check_in", lines=tuple(lines))


def _noted(context: Context, outcome: check_in.CheckInOutcome) -> list[str]:
    """What the day's check-in holds now."""
    count = outcome.pictures
    pictures = context.say("check_in.pictures", count=count) if count else ""
    if outcome.note:
        return [context.say("check_in.note", note=outcome.note) + pictures]
    return [context.say("check_in.no_note") + pictures] if pictures else []


def _headline(
    context: Context, outcome: check_in.CheckInOutcome, today: date, pictures: int
) -> str:
    if outcome.day != today:
        key = "check_in.done_earlier" if outcome.is_new else "check_in.again_earlier"
    elif outcome.own_now:
        key = "check_in.own_now"
    elif not outcome.is_new and outcome.note_added:
        key = "check_in.again_note"
    elif not outcome.is_new:
        key = "check_in.again_pictures" if pictures else "check_in.again"
    else:
        key = "check_in.done_first" if outcome.streak == 1 else "check_in.done"
    return context.say(key, date=_spoken(outcome.day), streak=outcome.streak)


def _spoken(day: date) -> str:
    return f"{day.month}月{day.day}日"
