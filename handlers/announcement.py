"""发通知 and 群文案: what everybody is told, here or by a person in an ordinary group."""

from datetime import timedelta

from bot.domain.grammar import Takes
from bot.domain.messages import Notice
from bot.domain.person import Role
from bot.routing import Context, Payload, Router
from bot.routing.phrases import when_of
from bot.services import announcement, audit, deliveries, meeting

router = Router("announcement")


@router.command(
    "发通知", help="announcement.help", takes=Takes.TEXT, role=Role.ORGANISER, private=True
)
def ask(context: Context) -> Notice:
    if not context.argument:
        return context.notice("announcement.how")
    home = context.bound.community
    count = len(announcement.audience(context.session, home.id, context.bound.person_id))
    if not count:
        return context.notice("announcement.nobody")
    lines = (
        context.say("announcement.read_back", community=home.name, count=count),
        f"“{context.argument}”",
        context.confirm("announcement.publish", {"text": context.argument}),
    )
    return Notice("announcement", lines=lines)


@router.action("announcement.publish")
def publish(context: Context, payload: Payload) -> Notice:
    member, home = context.bound, context.bound.community
    title = context.say("announcement.title", community=home.name)
    number, count = announcement.publish(
        context.session, home.id, title, payload["text"], member.person_id, context.now
    )
    audit.note(
        context.session, context.now, "announcement published",
        actor=member.person_id, community=home.id, detail=f"to {count}",
    )  # fmt: skip
    context.undoable("announcement.undo", {"number": number}, timedelta(days=1))
    return context.notice("announcement.done", count=count)


@router.action("announcement.undo")
def undo(context: Context, payload: Payload) -> Notice:
    about = announcement.about(payload["number"])
    unseen, seen = deliveries.cancel(context.session, about, "taken back")
    return context.notice("announcement.undone", unseen=unseen, seen=seen)


@router.command(
    "群文案", help="forward.help", takes=Takes.NUMBER, role=Role.ORGANISER, private=True
)
def forward(context: Context) -> Notice:
    """The named or next meeting, else the newest announcement, as a text to forward."""
    home = context.bound.community
    if context.number is not None:
        found = meeting.find(context.session, home.id, context.number)
        if found is None:
            return context.notice("meeting.no_such", number=context.number)
        return _text(context, _meeting_text(context, found))
    coming = meeting.coming(context.session, [home.id], context.now, limit=1)
    newest = announcement.last(context.session, home.id)
    if coming:
        return _text(context, _meeting_text(context, coming[0]))
    if newest:
        return _text(context, context.say("forward.announcement", text=newest))
    return context.notice("forward.nothing")


def _text(context: Context, text: str) -> Notice:
    return Notice("forward", title=context.say("forward.how"), lines=(text,))


def _meeting_text(context: Context, found: meeting.MeetingView) -> str:
    place = context.say("forward.place", place=found.place) if found.place else ""
    return context.say(
        "forward.meeting", title=found.title, when=when_of(context, found), place=place
    )
