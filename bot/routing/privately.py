"""What is asked in a group and is only for who asks: pushed to them, where that can be."""

from dataclasses import replace

from bot.domain.messages import Notice, Reply
from bot.domain.person import Member
from bot.routing.context import Context
from bot.routing.router import Command, Handler
from bot.services import deliveries, inbox, mute, person, schedule
from bot.services.deliveries import Saying
from content import script

TOPIC = "answer"


def in_private(context: Context, command: Command, handler: Handler) -> Notice:
    """The group hears no more than where the answer is.

    What came with the command was meant for nobody else either: it is not kept.
    """
    away = context.notice("conversation.private_only", word=command.word)
    if context.argument:
        inbox.forget_text(context.session, context.row_id)
    if not command.shows or context.argument:
        return away
    message = replace(
        context.message, in_group=False, conversation=context.message.sender, details={}
    )
    home = context.group_home
    member = person.load_member(context.session, message, home.id if home else None)
    if member is None or not _reaches(context, member):
        return away
    if command.role and command.role not in member.roles:
        return away
    alone = replace(context, message=message, member=member, apart=True)
    said = handler(alone)
    notice = said.notice if isinstance(said, Reply) else said
    if notice is None:
        return away
    _push(alone, member, notice)
    return context.notice("conversation.sent_privately", word=command.word)


def _reaches(context: Context, member: Member) -> bool:
    """Whether a message can come to them now, at an hour and in a mood for it."""
    session, now = context.session, context.now
    return (
        deliveries.can_push(session, now)
        and member.person_id in deliveries.pushable(session, [member.person_id], now)
        and mute.muted_until(session, member.person_id, now) is None
        and schedule.hours_of(session, member.community.id).after_quiet(now) <= now
    )


def _push(context: Context, member: Member, notice: Notice) -> None:
    if script.is_traditional(context.message.text):
        notice = script.in_traditional(notice)
    saying = Saying(TOPIC, f"asked:{context.message.key.hex()}", notice, ask=context.menu)
    deliveries.tell(context.session, [member.person_id], member.community.id, saying, context.now)
