"""The inbox: each message once, with the reply it got."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, delete, func, select, update

from bot.domain.messages import SILENCE, InboundMessage, Notice, Reply
from bot.storage.models import InboxMessage
from bot.storage.session import UnitOfWork, insert_new

_table = InboxMessage.__table__.c
_REPLY = select(_table.reply, _table.page, _table.riders).where(_table.key == bindparam("key"))
_SAID = _REPLY.where(
    _table.sender == bindparam("sender"), _table.conversation == bindparam("conversation")
)
_ANSWER = (
    update(InboxMessage.__table__)  # type: ignore[arg-type]
    .where(_table.id == bindparam("row_id"))
    .values(
        reply=bindparam("reply"),
        page=bindparam("page"),
        riders=bindparam("riders"),
        reference=bindparam("reference"),
    )
)
_COUNT = (
    select(func.count())
    .select_from(InboxMessage.__table__)
    .where(_table.sender == bindparam("sender"), _table.received_at > bindparam("since"))
)
_LAST_REPLY = (
    select(_table.reply, _table.page, _table.riders)
    .where(
        _table.sender == bindparam("sender"),
        _table.conversation == bindparam("conversation"),
        _table.reply.is_not(None),
        _table.id != bindparam("row_id"),
    )
    .order_by(_table.received_at.desc(), _table.id.desc())
    .limit(1)
)


def receive(session: UnitOfWork, message: InboundMessage, now: datetime) -> int | None:
    """Store the message: its row's id, or None when it was there already."""
    return insert_new(
        session,
        InboxMessage,
        key=message.key,
        channel=message.channel,
        account=message.account,
        sender=message.sender,
        conversation=message.conversation,
        type=message.type,
        text=message.text,
        sent_at=message.sent_at,
        received_at=now,
        reply=None,
        page=0,
        riders=None,
        reference=None,
    )


def stored_reply(session: UnitOfWork, key: bytes) -> Reply:
    """The reply that the message with this key got."""
    row = session.core.execute(_REPLY, {"key": key}).one()
    return _reply(row)


def said(session: UnitOfWork, key: bytes, sender: str, conversation: str) -> Reply | None:
    """The reply that this sender's message got in this conversation; None when there is no such
    message.
    """
    row = session.core.execute(
        _SAID, {"key": key, "sender": sender, "conversation": conversation}
    ).first()
    return _reply(row) if row else None


def answer(session: UnitOfWork, row_id: int, reply: Reply, reference: str | None) -> None:
    """Keep the reply with its message; `reference` is the number of a failure."""
    said = reply.kept or reply.notice
    stored = said.to_json() if said else None
    session.core.execute(
        _ANSWER,
        {
            "row_id": row_id,
            "reply": stored,
            "page": reply.page,
            "riders": "\n".join(reply.riders) or None,
            "reference": reference,
        },
    )


def count_since(session: UnitOfWork, sender: str, since: datetime) -> int:
    """How many messages the sender's rows hold since then, the one in work included."""
    return session.core.execute(_COUNT, {"sender": sender, "since": since}).scalar_one()


def last_reply(session: UnitOfWork, message: InboundMessage, row_id: int) -> Reply:
    """What was last said in this conversation to this sender, before the row `row_id`."""
    row = session.core.execute(
        _LAST_REPLY,
        {"sender": message.sender, "conversation": message.conversation, "row_id": row_id},
    ).first()
    return _reply(row) if row else SILENCE


def forget_text(session: UnitOfWork, row_id: int) -> None:
    """Keep nothing of what was written in this message, from now on."""
    session.execute(
        update(InboxMessage).where(InboxMessage.id == row_id).values(text=None),
        execution_options={"synchronize_session": False},
    )


def forget_conversation(session: UnitOfWork, message: InboundMessage, row_id: int) -> None:
    """Keep nothing of what this sender and we have said in this conversation before the row."""
    session.execute(
        update(InboxMessage)
        .where(
            InboxMessage.sender == message.sender,
            InboxMessage.conversation == message.conversation,
            InboxMessage.id != row_id,
        )
        .values(text=None, reply=None, riders=None),
        execution_options={"synchronize_session": False},
    )


def clear(
    session: UnitOfWork, now: datetime, text_hours: int, row_days: int, limit: int
) -> tuple[int, int]:
    """Empty rows older than `text_hours` of text and reply, delete those older than `row_days`.

    At most `limit` rows each: how many were emptied and how many deleted.
    """
    old_text = (
        select(_table.id)
        .where(
            _table.received_at < now - timedelta(hours=text_hours),
            _table.text.is_not(None) | _table.reply.is_not(None),
        )
        .limit(limit)
    )
    old_rows = (
        select(_table.id).where(_table.received_at < now - timedelta(days=row_days)).limit(limit)
    )
    emptied = session.execute(
        update(InboxMessage)
        .where(InboxMessage.id.in_(old_text))
        .values(text=None, reply=None, riders=None),
        execution_options={"synchronize_session": False},
    )
    deleted = session.execute(
        delete(InboxMessage).where(InboxMessage.id.in_(old_rows)),
        execution_options={"synchronize_session": False},
    )
    return emptied.rowcount, deleted.rowcount  # type: ignore[attr-defined]


def _reply(row: Any) -> Reply:
    if row.reply is None:
        return SILENCE
    riders = tuple(row.riders.split("\n")) if row.riders else ()
    return Reply(Notice.from_json(row.reply), row.page, riders)
