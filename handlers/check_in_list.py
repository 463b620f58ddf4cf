"""接龙: lists that people paste; check-ins only after an organiser has seen whom they name."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from bot.domain.check_in import day_of
from bot.domain.check_in_list import LINE_LIMIT, PastedList, day_in, parse
from bot.domain.dates import spoken
from bot.domain.grammar import Takes
from bot.domain.messages import Notice
from bot.domain.name_matching import Reason
from bot.domain.person import CommunityView, Member, Role
from bot.routing import Context, Payload, Router
from bot.services import audit, check_in_list, deliveries, group_chat, inbox, person
from bot.services.check_in_list import ListView, Preview
from bot.services.conversation import Choice
from bot.services.deliveries import Saying

router = Router("check_in_list")
_WORD = "接龙"
_MENU = 8
# Names that are nobody's here do not show that a text is about us.
_STRANGE = (Reason.UNKNOWN, Reason.NEAR)


@router.command(_WORD, help="check_in_list.help", takes=Takes.LIST, listed_for=Role.ORGANISER)
@router.command("打卡接龙", takes=Takes.LIST)
def begin(context: Context) -> Notice:
    """A list; or its number, to see it; or nothing, to see what there is."""
    is_list = bool(context.argument) and not (context.number is not None and not context.rest)
    if not is_list:
        return _look(context)
    inbox.forget_text(context.session, context.row_id)
    pasted = parse(f"{_WORD}\n{context.argument}")
    if context.message.in_group:
        return _in_group(context, pasted)
    if not _organises(context):
        return context.notice("check_in_list.by_organiser")
    return _problem(context, pasted) or _begin_preview(context, pasted)


@router.by_shape
def recognise(context: Context) -> Notice | None:
    """What an organiser pastes in private is a list where most of its names are members'."""
    if context.message.in_group or not _organises(context):
        return None
    pasted = parse(context.message.text)
    if pasted is None or not pasted.lines:
        return None
    home = context.bound.community
    matching = check_in_list.matching_of(context.session, home.id, pasted.lines)
    strange = sum(one.reason in _STRANGE for one in matching.unmatched)
    if not pasted.marked and strange * 2 > len(pasted.lines):
        return None
    inbox.forget_text(context.session, context.row_id)
    return _begin_preview(context, pasted)


def _organises(context: Context) -> bool:
    return context.member is not None and Role.ORGANISER in context.member.roles


def _problem(context: Context, pasted: PastedList | None) -> Notice | None:
    if pasted and pasted.too_long:
        return context.notice("check_in_list.too_long", limit=LINE_LIMIT)
    return None if pasted and pasted.lines else context.notice("check_in_list.none")


def _keep(context: Context, member: Member, pasted: PastedList) -> tuple[int, bool]:
    home, sent_at = member.community, context.message.sent_at
    day = day_in(pasted.title, day_of(sent_at, home.timezone))
    return check_in_list.keep(
        context.session, home, pasted.lines, day, member.person_id, sent_at, context.now
    )


def _in_group(context: Context, pasted: PastedList | None) -> Notice:
    """Kept for the organisers; nothing of it is said here."""
    session, message = context.session, context.message
    home = group_chat.community_of(session, message)
    member = person.load_member(session, message, home.id) if home else None
    if member is None:
        return context.notice("check_in_list.to_organiser")
    if problem := _problem(context, pasted):
        return problem
    if pasted:
        number, is_new = _keep(context, member, pasted)
        if is_new:
            _tell_organisers(context, member.community, number, len(pasted.lines))
    return context.notice("check_in_list.in_group")


def _tell_organisers(context: Context, home: CommunityView, number: int, count: int) -> None:
    line = context.say("check_in_list.new", number=number, count=count)
    organisers = person.people_of(context.session, home.id, Role.ORGANISER)
    saying = Saying("desk", check_in_list.about(number), Notice("desk", lines=(line,)))
    deliveries.tell(context.session, organisers, home.id, saying, context.now)


def _begin_preview(context: Context, pasted: PastedList | None) -> Notice:
    if pasted is None:
        return context.notice("check_in_list.none")
    number, _ = _keep(context, context.bound, pasted)
    return _show(context, number)


def _look(context: Context) -> Notice:
    if context.message.in_group:
        return context.notice("conversation.private_only", word=_WORD)
    if context.member is None or (context.argument and not _organises(context)):
        return context.notice("check_in_list.by_organiser")
    if context.number is not None:
        return _show(context, context.number)
    return _overview(context)


def _overview(context: Context) -> Notice:
    """An organiser's open lists, and what lists have recorded of the member themself."""
    member, session = context.bound, context.session
    lines: list[str] = []
    if _organises(context):
        lines = [
            context.say("check_in_list.waiting", number=view.id, count=len(view.lines))
            for view in check_in_list.open_of(session, member.community)
        ] or [context.say("check_in_list.nothing_waits")]
    today = context.local_now.date()
    own = check_in_list.recorded_for(session, member.person_id, member.community, today)[:_MENU]
    if not own:
        return Notice("check_in_list", lines=tuple(lines or [context.say("check_in_list.no_own")]))
    options = context.offer(
        [
            (context.say("check_in_list.take_back", date=spoken(day)), "check_in_list.take_back",
             {"id": number, "day": day.isoformat()})
            for number, day in own
        ],
        none="check_in_list.leave",
    )  # fmt: skip
    return Notice(
        "check_in_list", lines=(*lines, context.say("check_in_list.own")), options=options
    )


@router.action("check_in_list.take_back", member=True)
def take_back(context: Context, payload: Payload) -> Notice:
    done = check_in_list.take_back(context.session, context.bound.person_id, payload["id"])
    if not done:
        return context.notice("check_in.too_late")
    return context.notice("check_in.undone", date=spoken(date.fromisoformat(payload["day"])))


def _show(context: Context, number: int) -> Notice:
    """Whom the list names and whom not; nothing is recorded yet."""
    member, session = context.bound, context.session
    view = check_in_list.find(session, member.community, number)
    if view is None:
        return context.notice("check_in_list.decided", number=number)
    # Who looks need not be told any more that there is something to look at.
    deliveries.cancel_for(
        session, member.person_id, "seen", "desk", member.community.id, check_in_list.about(number)
    )
    preview = check_in_list.preview(session, member.community, view)
    options = context.offer(
        list(_choices(context, view, preview)),
        none="check_in_list.not",
        instead=("check_in_list.drop", {"list": number}),
        explicit=True,
    )
    title = context.say("check_in_list.title", community=member.community.name, number=number)
    return Notice("check_in_list", title, tuple(_lines(context, view, preview)), options=options)


def _choices(context: Context, view: ListView, preview: Preview) -> Iterator[Choice]:
    """One for each day that it may be, without and with those of whom the preview asks."""
    for day in view.days:
        known = preview.new(day)
        for people in (known, preview.new(day, with_near=True)):
            if not people or (people == known and people is not known):
                continue
            key = "check_in_list.take" if people is known else "check_in_list.take_near"
            label = context.say(key, count=len(people))
            if len(view.days) > 1:
                label += context.say("check_in_list.for_day", date=spoken(day))
            payload: dict[str, Any] = {"list": view.id, "day": day.isoformat(), "people": people}
            yield label, "check_in_list.take", payload


def _lines(context: Context, view: ListView, preview: Preview) -> Iterator[str]:
    matching = preview.matching
    yield context.say("check_in_list.counts", count=len(view.lines), matched=len(matching.people))
    for day in view.days:
        if done := len(preview.done[day] & matching.people.keys()):
            yield context.say("check_in_list.done", date=spoken(day), count=done)
    if matching.unmatched:
        yield context.say("check_in_list.unmatched")
    for one in matching.unmatched:
        name = one.maybe.name if one.maybe else ""
        reason = context.say(f"check_in_list.reason_{one.reason}", name=name)
        yield context.say("check_in_list.line", name=one.name, reason=reason)
    if len(view.days) > 1:
        yield context.say("check_in_list.which_day")
    yield context.say("check_in_list.mark")


@router.action("check_in_list.take", role=Role.ORGANISER)
def take(context: Context, payload: Payload) -> Notice:
    member, session, number = context.bound, context.session, payload["list"]
    day = date.fromisoformat(payload["day"])
    count = check_in_list.take(
        session, member.community, number, day, payload["people"], member.person_id, context.now
    )
    if count is None:
        return context.notice("check_in_list.decided", number=number)
    _note(context, "check_in_list taken", number)
    context.undoable("check_in_list.undo", {"list": number}, check_in_list.UNDO)
    return context.notice("check_in_list.taken", count=count, date=spoken(day))


@router.action("check_in_list.drop", role=Role.ORGANISER)
def drop(context: Context, payload: Payload) -> Notice:
    number = payload["list"]
    done = check_in_list.drop(context.session, context.bound.community, number, context.now)
    key = "check_in_list.dropped" if done else "check_in_list.decided"
    return context.notice(key, number=number)


@router.action("check_in_list.undo", role=Role.ORGANISER)
def undo(context: Context, payload: Payload) -> Notice:
    count = check_in_list.undo(context.session, context.bound.community, payload["list"])
    _note(context, "check_in_list undone", payload["list"])
    return context.notice("check_in_list.undone", count=count)


def _note(context: Context, action: str, number: int) -> None:
    member = context.bound
    audit.note(
        context.session, context.now, action,
        actor=member.person_id, community=member.community.id, detail=f"list {number}",
    )  # fmt: skip
