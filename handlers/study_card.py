"""学习卡: the day's card, and whether the member knew it."""

from dataclasses import replace
from datetime import date

from bot.domain.messages import Notice
from bot.routing import Context, Payload, Router
from bot.services import study_card
from bot.services.study_card import Answered

router = Router("study_card")


@router.command("学习卡", help="study_card.help", member=True)
def show(context: Context) -> Notice:
    """The same card for everybody; in a group without the menu, and without anybody's answer."""
    member, day = context.bound, context.local_now.date()
    knowledge, routines = context.knowledge, context.pack.routines
    entry = study_card.of_day(knowledge, routines, member.community.id, day)
    if entry is None:
        return context.notice("study_card.none")
    notice = study_card.notice_of(context.say, knowledge, entry, day)
    if context.message.in_group:
        return notice
    before = study_card.answered(context.session, member.person_id, member.community.id, day)
    lines = notice.lines
    if before and before.card == entry.id:
        lines = (*lines, _own(context, before))
    options = context.offer(
        study_card.choices(context.say, entry, day),
        none="study_card.later",
        zero="study_card.later_said",
    )
    # Who has answered is not asked again; the numbers are open for a changed mind.
    return replace(notice, lines=lines, options=() if lines != notice.lines else options)


def _own(context: Context, before: Answered) -> str:
    known, not_yet = context.say("study_card.known"), context.say("study_card.not_yet")
    answer = known if before.known else not_yet
    return context.say("study_card.own", answer=answer, known=known, not_yet=not_yet)


@router.action(study_card.ANSWER, member=True)
def answer(context: Context, payload: Payload) -> Notice:
    member, known = context.bound, bool(payload["known"])
    day = date.fromisoformat(payload["day"])
    study_card.keep(
        context.session, member.person_id, member.community.id, day,
        Answered(payload["card"], known), context.now,
    )  # fmt: skip
    return context.notice("study_card.kept_known" if known else "study_card.kept_not_yet")
