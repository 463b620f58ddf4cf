"""参加 and 请假: a member says whether they come to a meeting."""

import re
import unicodedata
from datetime import datetime, timedelta
from typing import Any

from bot.domain.grammar import Takes, named
from bot.domain.messages import Notice
from bot.routing import Context, Payload, Router
from bot.routing.phrases import place_of, when_of
from bot.services import meeting, meeting_reply, person
from bot.services.meeting import MeetingView
from bot.services.meeting_reply import COMING, EXCUSED, REASON_LIMIT, Answer, Given

router = Router("meeting_reply")
_UNDO = timedelta(minutes=10)
# 请假 1.5 有事: the first meeting, the fifth, or 1 May?
_UNCLEAR = re.compile(r"\s*[#＃]?(\d+\.\d+)(?=[\s:：,，、]|$)")


@router.command("参加", help="meeting_reply.coming_help", takes=Takes.ONE_NUMBER, member=True)
def come(context: Context) -> Notice:
    return _answer(context, context.number, COMING, "")


@router.command("请假", help="meeting_reply.excused_help", takes=Takes.TEXT, member=True)
def excuse(context: Context) -> Notice:
    number, reason = context.number, ""
    if context.argument:
        if found := _UNCLEAR.match(unicodedata.normalize("NFKC", context.argument)):
            return _ask_number(context, found[1])
        number, reason = named(context.argument)
    if len(reason) > REASON_LIMIT:
        return context.notice("meeting_reply.too_long", limit=REASON_LIMIT)
    return _answer(context, number, EXCUSED, reason)


def _ask_number(context: Context, what: str) -> Notice:
    coming = meeting.coming(context.session, _homes(context), context.now, limit=1)
    if not coming:
        return context.notice("meeting.none")
    return context.notice("meeting_reply.which_number", what=what, number=coming[0].id)


def _answer(context: Context, number: int | None, answer: Answer, reason: str) -> Notice:
    """For the meeting of this number, the only one that is coming, or the one that is chosen."""
    payload = {"answer": answer, "reason": reason}
    if number is not None:
        return give(context, {**payload, "number": number})
    coming = meeting.coming(context.session, _homes(context), context.now)
    if not coming:
        return context.notice("meeting.none")
    if len(coming) == 1:
        return give(context, {**payload, "number": coming[0].id})
    options = context.offer(
        [
            (_spoken(context, item), "meeting_reply.give", {**payload, "number": item.id})
            for item in coming
        ]
    )
    return Notice(
        "meeting_reply", lines=(context.say(f"meeting_reply.which_{answer}"),), options=options
    )


@router.action("meeting_reply.give", member=True)
def give(context: Context, payload: Payload) -> Notice:
    member, number = context.bound, payload["number"]
    found = _find(context, number)
    if found is None:
        return context.notice("meeting.no_such", number=number)
    answer, reason = payload["answer"], payload["reason"]
    before = meeting_reply.give(
        context.session, found, member.person_id, answer, reason, context.now
    )
    undo_payload = {"number": found.id, "at": context.now.isoformat(), "before": _stored(before)}
    context.undoable("meeting_reply.undo", undo_payload, _UNDO)
    if context.message.in_group:
        return context.notice("meeting_reply.in_group")
    lines = [context.say(f"meeting_reply.{answer}", meeting=_spoken(context, found))]
    if reason:
        lines.append(context.say("meeting_reply.reason", reason=reason))
    lines.append(context.say(f"meeting_reply.{answer}_change", number=found.id))
    return Notice("meeting_reply", lines=tuple(lines))


@router.action("meeting_reply.undo", member=True)
def undo(context: Context, payload: Payload) -> Notice:
    """撤销: what was answered before counts again, as long as the meeting has not begun."""
    member, number = context.bound, payload["number"]
    found = _find(context, number)
    at, given = datetime.fromisoformat(payload["at"]), _restored(payload["before"])
    if found is None or not meeting_reply.take_back(
        context.session, number, member.person_id, at, given
    ):
        return context.notice("meeting_reply.too_late")
    if context.message.in_group:
        return context.notice("meeting_reply.undone_in_group")
    return context.notice(f"meeting_reply.undone_{given.answer if given else 'none'}")


def _homes(context: Context) -> list[int]:
    """In private a reminder may have been of any of the member's communities."""
    member = context.bound
    if context.message.in_group:
        return [member.community.id]
    return [home.id for home in person.communities_of(context.session, member.person_id)]


def _find(context: Context, number: int) -> MeetingView | None:
    for home in _homes(context):
        if found := meeting.find(context.session, home, number, context.now):
            return found
    return None


def _stored(given: Given | None) -> dict[str, Any] | None:
    if given is None:
        return None
    return {
        "answer": given.answer, "reason": given.reason, "replied_at": given.replied_at.isoformat(),
    }  # fmt: skip


def _restored(stored: Payload | None) -> Given | None:
    if stored is None:
        return None
    at = datetime.fromisoformat(stored["replied_at"])
    return Given(stored["answer"], stored["reason"], at)


def _spoken(context: Context, view: MeetingView) -> str:
    return context.say(
        "meeting_reply.meeting",
        title=view.title,
        when=when_of(context, view),
        place=place_of(context, view.place),
    )
