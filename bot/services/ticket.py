"""Tickets: a question that a member has handed to the mentors, and what they answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, delete, func, select, update

from bot.domain.messages import InboundMessage, Notice
from bot.domain.person import Member, Role
from bot.services import deliveries, person
from bot.storage.models import AnonymousAsker, Person, Ticket, TicketAnswer
from bot.storage.session import UnitOfWork

# Topics of deliveries: a new question, an alert (the kind of its ticket as well), an answer.
TOPIC, ALERT, ANSWER = "ticket", "alert", "answer"
# How long a member can withdraw a question, and a mentor take back an answer nobody has seen.
UNDO = timedelta(hours=1)
# How long after an answer the way back to an anonymous asker is kept.
ASKER_KEPT = timedelta(days=7)
_BARE = {"synchronize_session": False}


@dataclass(frozen=True, slots=True)
class TicketView:
    """`asker_name` is None for somebody without a name, and where `anonymous`."""

    id: int
    kind: str
    anonymous: bool
    asker_id: int | None
    asker_name: str | None
    question: str
    state: str
    created_at: datetime


def responders(session: UnitOfWork, community_id: int, asker: int | None) -> tuple[Role, list[int]]:
    """Who can be asked: the mentors, or where there is none the organisers; never the asker."""
    for role in (Role.MENTOR, Role.ORGANISER):
        people = person.people_of(session, community_id, role)
        if others := [person_id for person_id in people if person_id != asker]:
            return role, others
    return Role.MENTOR, []


def has_mentor(session: UnitOfWork, community_id: int, asker: int | None) -> bool:
    """Whether somebody else than the asker answers questions in the community."""
    role, people = responders(session, community_id, asker)
    return role is Role.MENTOR and bool(people)


def ask(
    session: UnitOfWork,
    member: Member,
    message: InboundMessage,
    question: str,
    topic: str,
    now: datetime,
    *,
    anonymous: bool,
) -> int:
    """A new ticket: its number. An anonymous one does not say, in any column, who asked."""
    row = _add(
        session, member.community.id, "question", question, topic, now,
        asker=None if anonymous else member.person_id,
    )  # fmt: skip
    row.anonymous = anonymous
    session.flush()
    if anonymous:
        session.add(
            AnonymousAsker(
                ticket_id=row.id,
                channel=message.channel,
                account=message.account,
                value=message.sender,
                expires_at=None,
            )
        )
        session.flush()
    return row.id


def alert(session: UnitOfWork, member: Member, now: datetime) -> int:
    """The wish to be contacted at once: a name, and no word of what was written."""
    row = _add(session, member.community.id, ALERT, "", "", now, asker=member.person_id)
    return row.id


def tell_responders(
    session: UnitOfWork, community_id: int, ticket_id: int, notice: Notice, asker: int | None,
    topic: str, now: datetime,
) -> int:  # fmt: skip
    """Hold the notice for everybody who can answer; how many. An anonymous asker is not left
    out (`asker` None): who is not told would be known to have asked.
    """
    people = responders(session, community_id, asker)[1]
    return deliveries.hold(
        session, people, community_id,
        topic=topic, about=about(ticket_id), notice=notice, now=now, ticket_id=ticket_id,
    )  # fmt: skip


def about(ticket_id: int) -> str:
    return f"ticket:{ticket_id}"


def open_of(session: UnitOfWork, community_id: int) -> list[TicketView]:
    """What waits for an answer: alerts first, then the oldest."""
    rows = session.execute(
        _select()
        .where(Ticket.community_id == community_id, Ticket.state == "open")
        .order_by(Ticket.kind, Ticket.created_at, Ticket.id)
    )
    return [_view(row) for row in rows]


def find(session: UnitOfWork, community_id: int, ticket_id: int) -> TicketView | None:
    """A ticket of this community that was not withdrawn."""
    row = session.execute(
        _select().where(
            Ticket.community_id == community_id,
            Ticket.id == ticket_id,
            Ticket.state != "withdrawn",
        )
    ).first()
    return _view(row) if row else None


def answer(
    session: UnitOfWork, ticket: TicketView, author: int, text: str, notice: Notice,
    community_id: int, now: datetime,
) -> int:  # fmt: skip
    """Store the answer and have the asker told: the answer's number on this ticket."""
    row = session.get_one(Ticket, ticket.id, with_for_update=True)
    number = row.last_answer + 1
    session.add(
        TicketAnswer(
            ticket_id=ticket.id, number=number, author_id=author, text=text, created_at=now
        )
    )
    row.state, row.answered_at, row.last_answer = "answered", now, number
    session.flush()
    deliveries.cancel(session, about(ticket.id), "answered")
    asker_until = now + ASKER_KEPT if ticket.anonymous else None
    session.execute(
        update(AnonymousAsker)
        .where(AnonymousAsker.ticket_id == ticket.id)
        .values(expires_at=asker_until),
        execution_options=_BARE,
    )
    deliveries.hold(
        session, [ticket.asker_id], community_id,
        topic=ANSWER, about=_answer(ticket.id, number), notice=notice, now=now,
        ticket_id=ticket.id, expires_at=asker_until,
    )  # fmt: skip
    return number


def answers_of(session: UnitOfWork, ticket_id: int) -> int:
    found = session.scalar(
        select(func.count()).select_from(TicketAnswer).where(TicketAnswer.ticket_id == ticket_id)
    )
    return found or 0


def take_back(session: UnitOfWork, ticket_id: int, number: int) -> bool:
    """Take an answer back unless it has been seen; the ticket waits again if it has no other."""
    row = session.get(Ticket, ticket_id, with_for_update=True)
    if row is None or deliveries.is_seen(session, _answer(ticket_id, number)):
        return False
    deliveries.cancel(session, _answer(ticket_id, number), "taken back")
    session.execute(
        delete(TicketAnswer).where(
            TicketAnswer.ticket_id == ticket_id, TicketAnswer.number == number
        ),
        execution_options=_BARE,
    )
    if not answers_of(session, ticket_id):
        row.state, row.answered_at = "open", None
    session.flush()
    return True


def withdraw(session: UnitOfWork, ticket_id: int) -> bool:
    """The asker has thought better of it: False when it has been answered already."""
    row = session.get(Ticket, ticket_id, with_for_update=True)
    if row is None or row.state != "open":
        return False
    row.state = "withdrawn"
    session.flush()
    deliveries.cancel(session, about(ticket_id), "withdrawn")
    return True


def withdraw_all(session: UnitOfWork, person_id: int) -> None:
    """Nothing that this person has asked under their name waits any more."""
    mine = select(Ticket.id).where(Ticket.asker_id == person_id, Ticket.state == "open")
    for ticket_id in session.scalars(mine).all():
        withdraw(session, ticket_id)


def drop_anonymous(session: UnitOfWork, channel: str, account: str, value: str) -> None:
    """Delete what was asked anonymously from this address, as far as anything leads to it."""
    theirs = select(AnonymousAsker.ticket_id).where(
        AnonymousAsker.value == value,
        AnonymousAsker.account == account,
        AnonymousAsker.channel == channel,
    )
    session.execute(delete(Ticket).where(Ticket.id.in_(theirs)), execution_options=_BARE)


def _answer(ticket_id: int, number: int) -> str:
    return f"ticket:{ticket_id}:answer:{number}"


def _add(
    session: UnitOfWork, community_id: int, kind: str, question: str, topic: str, now: datetime,
    *, asker: int | None,
) -> Ticket:  # fmt: skip
    row = Ticket(
        community_id=community_id,
        kind=kind,
        anonymous=False,
        asker_id=asker,
        question=question,
        topic=topic,
        state="open",
        last_answer=0,
        created_at=now,
        answered_at=None,
    )
    session.add(row)
    session.flush()
    return row


def _view(row: Sequence[Any]) -> TicketView:
    return TicketView(*row)


def _select() -> Select[int, str, bool, int | None, str | None, str, str, datetime]:
    """Every ticket but those of people in deletion."""
    return (
        select(
            Ticket.id,
            Ticket.kind,
            Ticket.anonymous,
            Ticket.asker_id,
            Person.name,
            Ticket.question,
            Ticket.state,
            Ticket.created_at,
        )
        .outerjoin(Person, Person.id == Ticket.asker_id)
        .where(Person.hidden_at.is_(None))
    )
