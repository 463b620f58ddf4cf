"""What is not answered, said kindly; and what somebody gets who may be in danger."""

from dataclasses import replace

from bot.domain.messages import Notice
from bot.domain.person import Role
from bot.routing.answers import danger_lines, refusal_lines
from bot.routing.asking import offer_mentor
from bot.routing.context import Context
from bot.services import community, conversation, inbox, ticket
from content.questions import COMPLAINT, CRISIS, Decision

# Asked in a group, these get no more than "write to me in private".
_PRIVATE = ("personal", COMPLAINT)
# What is said of other people is not kept.
_FORGOTTEN = (COMPLAINT, "others")
_WHO = {Role.MENTOR: "care.mentor", Role.ORGANISER: "care.organiser"}


def refuse(context: Context, decision: Decision, asked: str) -> Notice:
    """Each class in its own words, and never with near questions."""
    name, own = decision.name, ""
    if name == CRISIS:
        return care(context)
    if name in _FORGOTTEN:
        inbox.forget_text(context.session, context.row_id)
    if context.message.in_group and name in _PRIVATE:
        return context.notice("refusal.in_private")
    if name == COMPLAINT:
        own = community.own_line(context.session, context.home.id, COMPLAINT)
    lines = refusal_lines(context.say, context.knowledge, decision, own, context.today)
    if name == "personal":
        topic = decision.entry or ""
        return offer_mentor(context, tuple(lines), asked, topic, nobody="refusal.personal_nobody")
    return Notice("refusal", lines=tuple(lines))


def refuse_note(context: Context, decision: Decision, done: Notice | None) -> Notice:
    """The same for what was noted beside a command: `done` is what the command did without it."""
    notice = refuse(context, decision, "")
    if done is None:
        return notice
    kept = (*done.lines, context.say("care.note_dropped"))
    if notice.options:
        *before, offer = notice.lines
        return replace(notice, lines=(*before, *kept, offer))
    return replace(notice, lines=(*notice.lines, *kept))


def care(context: Context) -> Notice:
    """The reply, at any hour; what was written is not kept, and not repeated."""
    inbox.forget_text(context.session, context.row_id)
    own = community.own_line(context.session, context.home.id, CRISIS)
    numbers = danger_lines(context.say, context.pack.knowledge, own)
    if context.message.in_group:
        return Notice("care", lines=tuple(numbers))
    lines = (context.say("care.head"), *numbers)
    role, people = ticket.responders(context.session, context.home.id, context.person_id)
    member = context.member
    # Without a name nobody can call; only a mentor can write back through the bot.
    if member is None or not people or (role is Role.ORGANISER and not member.name):
        # A number that answers an older menu must not do now what is not on the screen.
        conversation.forget(context.session, context.message, conversation.MENU)
        return Notice("care", lines=(*lines, context.say("care.nobody")))
    who = who_is(context, role)
    yes = "care.yes" if member.name else "care.yes_nameless"
    options = context.offer(
        [(context.say(yes, who=who), "care.alert", {})],
        none="care.no",
        zero="care.declined",
        explicit=True,
    )
    return Notice("care", lines=(*lines, context.say("care.offer", who=who)), options=options)


def who_is(context: Context, role: Role) -> str:
    """导师 or 组织者, in the pack's words."""
    return context.say(_WHO[role])
