"""发通知 and 群文案: what everybody is told, here or by a person in an ordinary group."""

from datetime import timedelta

from bot.domain.grammar import Takes
from bot.domain.messages import Notice
from bot.domain.person import Role
from bot.routing import Context, Payload, Router
from bot.routing.phrases import by_way, group_lines, moment_of, when_of
from bot.services import announcement, audit, meeting, schedule

router = Router("announcement")


@router.command(
    "发通知", help="announcement.help", takes=Takes.ANYTHING, role=Role.ORGANISER, private=True
)
def ask(context: Context) -> Notice:
    if not context.argument:
        return context.notice("announcement.how")
    home = context.bound.community
    count = len(announcement.audience(context.session, home.id, context.bound.person_id))
    groups = group_lines(context)
    if not count and not groups:
        return context.notice("announcement.nobody")
    lines = (
        context.say(
            by_way(context, "announcement.read_back"),
            community=home.name,
            count=count,
            when=_pushed_at(context),
        ),
        f"“{context.argument}”",
        *groups,
        context.confirm("announcement.publish", {"text": context.argument}),
    )
    return Notice("announcement", lines=lines)


@router.action("announcement.publish", role=Role.ORGANISER)
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
    key = by_way(context, "announcement.done")
    return context.notice(key, count=count, when=_pushed_at(context))


def _pushed_at(context: Context) -> str:
    """When the next digest goes out, which announcements go with."""
    hours = schedule.hours_of(context.session, context.bound.community.id)
    return moment_of(context, hours.digest(context.now))


@router.action("announcement.undo", role=Role.ORGANISER)
def undo(context: Context, payload: Payload) -> Notice:
    seen, unseen = announcement.take_back(context.session, payload["number"])
    return context.notice("announcement.undone", unseen=unseen, seen=seen)


@router.command("群文案", help="forward.help", takes=Takes.NUMBER, role=Role.ORGANISER, shows=True)
def forward(context: Context) -> Notice:
    """The named meeting, else what is newest, a meeting or announcement, as a text to forward."""
    home = context.bound.community
    if context.number is not None:
        found = meeting.find(context.session, home.id, context.number, context.now)
        if found is None:
            return context.notice("meeting.no_such", number=context.number)
        return _text(context, *_meeting_lines(context, found))
    coming = meeting.newest(context.session, home.id, context.now)
    announced = announcement.last(context.session, home.id)
    if coming and (announced is None or coming.created_at >= announced.created_at):
        return _text(context, *_meeting_lines(context, coming))
    if announced:
        return _text(context, context.say("forward.announcement", text=announced.text))
    return context.notice("forward.nothing")


def _text(context: Context, *lines: str) -> Notice:
    return Notice("forward", title=context.say("forward.how"), lines=lines)


def _meeting_lines(context: Context, found: meeting.MeetingView) -> list[str]:
    lines = [
        context.say("forward.meeting", title=found.title),
        context.say("forward.when", when=when_of(context, found)),
    ]
    if found.place:
        lines.append(context.say("forward.place", place=found.place))
    return [*lines, context.say("forward.reply")]
