"""Open menus, confirmations and undo: they survive a restart and are nobody else's."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import bindparam, delete, select

from bot.domain.messages import InboundMessage
from bot.storage.models import OpenQuestion
from bot.storage.session import UnitOfWork, put

Kind = Literal["menu", "confirm", "undo"]
MENU: Kind = "menu"
CONFIRM: Kind = "confirm"
UNDO: Kind = "undo"
LIFE = timedelta(minutes=10)
# In a payload: the key of the message that it is the answer to.
ASKED_BY = "asked_by"

_table = OpenQuestion.__table__.c
_MINE = (
    _table.sender == bindparam("sender"),
    _table.conversation == bindparam("conversation"),
    _table.channel == bindparam("channel"),
    _table.account == bindparam("account"),
    _table.kind == bindparam("kind"),
)
_ASKED = (_table.action, _table.payload, _table.community_id, _table.expires_at)
_RECALL = select(*_ASKED).where(*_MINE)
_TAKE = (
    delete(OpenQuestion.__table__)  # type: ignore[arg-type]
    .where(*_MINE)
    .returning(*_ASKED)
)
_FORGET = delete(OpenQuestion.__table__).where(*_MINE)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked: the action's name and what it needs."""

    action: str
    payload: dict[str, Any]
    community_id: int | None


def _key(message: InboundMessage, kind: Kind) -> dict[str, str]:
    return {
        "channel": message.channel,
        "account": message.account,
        "sender": message.sender,
        "conversation": message.conversation,
        "kind": kind,
    }


def remember(
    session: UnitOfWork,
    message: InboundMessage,
    kind: Kind,
    action: str,
    payload: dict[str, Any],
    community_id: int | None,
    now: datetime,
    life: timedelta = LIFE,
) -> None:
    """Put this in place of what was asked before; it knows which message it is the answer to."""
    put(
        session,
        OpenQuestion,
        ("channel", "account", "sender", "conversation", "kind"),
        **_key(message, kind),
        community_id=community_id,
        action=action,
        payload=json.dumps({**payload, ASKED_BY: message.key.hex()}, ensure_ascii=False),
        created_at=now,
        expires_at=now + life,
    )


Choice = tuple[str, str, dict[str, Any]]


def menu(
    choices: Sequence[Choice],
    none: str,
    instead: tuple[str, dict[str, Any]] | None = None,
    *,
    explicit: bool = False,
) -> dict[str, Any]:
    """What a menu of (label, action, payload) is remembered as; `none` is what 0 is called."""
    listed = [
        {"label": label, "action": action, "payload": payload} for label, action, payload in choices
    ]
    return {"choices": listed, "none": none, "instead": instead, "explicit": explicit}


def stored_menu(choices: Sequence[Choice], none: str, zero: str, community_id: int) -> str:
    """A menu for a message that is pushed later: open_menu() opens it then."""
    return stored(menu(choices, none), zero, community_id)


def stored(asked: dict[str, Any], zero: str, community_id: int) -> str:
    """What menu() gave, for open_menu()."""
    whole = {"menu": asked, "zero": zero, "community": community_id}
    return json.dumps(whole, ensure_ascii=False)


def open_menu(
    session: UnitOfWork,
    channel: str,
    account: str,
    sender: str,
    stored: str,
    now: datetime,
    life: timedelta,
) -> None:
    """Let numbers answer what was pushed (`stored` is of stored_menu()), unless something
    newer was asked.
    """
    asked = json.loads(stored)
    key = {"channel": channel, "account": account, "sender": sender}
    newer = session.scalar(
        select(OpenQuestion.id).where(
            OpenQuestion.channel == channel,
            OpenQuestion.account == account,
            OpenQuestion.sender == sender,
            OpenQuestion.conversation == sender,
            OpenQuestion.kind == MENU,
            OpenQuestion.expires_at > now,
        )
    )
    if newer is None:
        put(
            session, OpenQuestion, ("channel", "account", "sender", "conversation", "kind"),
            **key, conversation=sender, kind=MENU, community_id=asked["community"],
            action=asked["zero"], payload=json.dumps(asked["menu"], ensure_ascii=False),
            created_at=now, expires_at=now + life,
        )  # fmt: skip


def recall(session: UnitOfWork, message: InboundMessage, kind: Kind, now: datetime) -> Asked | None:
    """What this sender was last asked in this conversation; None when it is too long ago."""
    row = session.core.execute(_RECALL, _key(message, kind)).first()
    if row is None or row.expires_at <= now:
        return None
    return Asked(row.action, json.loads(row.payload), row.community_id)


def take(session: UnitOfWork, message: InboundMessage, kind: Kind, now: datetime) -> Asked | None:
    """Recall it and forget it in one step: of two answers at once only one gets it."""
    row = session.core.execute(_TAKE, _key(message, kind)).first()
    if row is None or row.expires_at <= now:
        return None
    return Asked(row.action, json.loads(row.payload), row.community_id)


def forget(session: UnitOfWork, message: InboundMessage, kind: Kind) -> None:
    session.core.execute(_FORGET, _key(message, kind))


def forget_all(
    session: UnitOfWork, channel: str, account: str, sender: str, kind: Kind | None = None
) -> None:
    """Nothing (of this kind) that this sender was asked can be answered any more."""
    session.execute(
        delete(OpenQuestion).where(
            OpenQuestion.channel == channel,
            OpenQuestion.account == account,
            OpenQuestion.sender == sender,
            *([OpenQuestion.kind == kind] if kind else []),
        ),
        execution_options={"synchronize_session": False},
    )


def clear(session: UnitOfWork, now: datetime) -> int:
    """Delete what nobody can answer any more; how many."""
    gone = session.execute(
        delete(OpenQuestion).where(OpenQuestion.expires_at <= now),
        execution_options={"synchronize_session": False},
    )
    return gone.rowcount  # type: ignore[attr-defined, no-any-return]
