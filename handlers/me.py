"""我的: what a member sees of themselves at a glance."""

from zoneinfo import ZoneInfo

from bot.domain.dates import spoken
from bot.domain.messages import Notice
from bot.routing import Context, Router
from bot.routing.phrases import own_line, topics_of
from bot.services import check_in, meeting, meeting_reply, mute, opt_out

router = Router("me")


@router.command("我的", help="me.help", member=True, shows=True)
def show(context: Context) -> Notice:
    member, session = context.bound, context.session
    roles = "、".join(context.say(f"me.role_{role}") for role in sorted(member.roles))
    title = context.say(
        "me.title",
        name=member.name or context.say("me.nameless"),
        community=member.community.name,
        roles=roles,
    )
    return Notice("me", title=title, lines=tuple(_lines(context, session)))


def _lines(context: Context, session: object) -> list[str]:
    member = context.bound
    summary = check_in.summary(context.session, member, context.local_now.date())
    lines = [
        context.say("me.streak", streak=summary.streak, month=summary.last_month)
        if summary.total
        else context.say("me.no_check_in")
    ]
    if summary.listed:
        lines.append(context.say("me.listed", count=summary.listed))
    coming = meeting.coming(context.session, [member.community.id], context.now, limit=1)
    if coming:
        given = meeting_reply.of(context.session, coming[0].id, member.person_id)
        lines.append(context.say("me.meeting", meeting=own_line(context, coming[0], given)))
    if stopped := opt_out.stopped(context.session, member.person_id):
        topics = topics_of(context, stopped)
        everything = set(stopped) == set(opt_out.TOPICS)
        first = topics if everything else topics_of(context, stopped[:1])
        lines.append(context.say("me.stopped", topics=topics, first=first))
    if until := mute.muted_until(context.session, member.person_id, context.now):
        zone = ZoneInfo(member.community.timezone)
        always = until - context.now > mute.ALWAYS / 2
        day = "" if always else spoken(until.astimezone(zone).date())
        lines.append(context.say("mute.shown" if always else "mute.shown_until", until=day))
    return lines
