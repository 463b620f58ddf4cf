"""What was said in each conversation lately: a platform counts it, over our restarts as well."""

from datetime import datetime

from sqlalchemy import and_, or_, select

from bot.domain.delivery import Way, channel_of
from bot.storage.models import Address, Delivery, GroupChat, InboxMessage
from bot.storage.session import UnitOfWork


def said_since(session: UnitOfWork, way: Way, since: datetime) -> list[tuple[str, datetime]]:
    """Conversation and time of every reply and push, oldest first."""
    channel = channel_of(way)
    replies = session.execute(
        select(InboxMessage.conversation, InboxMessage.received_at).where(
            InboxMessage.channel == channel,
            InboxMessage.received_at > since,
            InboxMessage.reply.is_not(None),
        )
    ).all()
    address = and_(Address.person_id == Delivery.person_id, Address.channel == channel)
    pushes = session.execute(
        select(GroupChat.value, Address.value, Delivery.done_at)
        .select_from(Delivery)
        .outerjoin(GroupChat, GroupChat.id == Delivery.group_id)
        .outerjoin(Address, address)
        .where(
            Delivery.way == way,
            Delivery.done_at > since,
            or_(GroupChat.id.is_not(None), Address.id.is_not(None)),
        )
    ).all()
    found = [(row.conversation, row.received_at) for row in replies]
    found += [(chat or person, at) for chat, person, at in pushes if at is not None]
    return sorted(found, key=lambda one: one[1])
