"""Tickets: a question that a member has handed to the mentors, and what they answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Select, delete, func, select, update

from bot.domain.messages import InboundMessage, Notice
from bot.domain.person import Member, Role
from bot.services import deliveries, person
from bot.services.deliveries import Saying
from bot.storage.models import AnonymousAsker, Person, Ticket, TicketAnswer
from bot.storage.session import UnitOfWork

# Topics of deliveries: a new question, an alert (the kind of its ticket as well), an answer.
TOPIC, ALERT, ANSWER = "ticket", "alert", "answer"
# How long a member can withdraw a question, and a mentor take back an answer nobody has seen.
UNDO = timedelta(hours=1)
# How long after an answer the way back to an anonymous asker is kept.
ASKER_KEPT = timedelta(days=7)
# Why the mentors' notice of a ticket was cancelled, and what opens it again.
_ANSWERED = "answered"
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
    # An exact time would lead to the asker's other rows of the same moment.
    at = now.replace(hour=0, minute=0, second=0, microsecond=0) if anonymous else now
    asker = None if anonymous else member.person_id
    row = _add(session, member.community.id, "question", question, topic, at, asker, anonymous)
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


def alert(session: UnitOfWork, member: Member, role: Role, now: datetime) -> int:
    """The wish to be contacted at once: a name, and no word of what was written.

    It waits for a mentor's answer; organisers (`role`) have no way to write back and call.
    """
    row = _add(session, member.community.id, ALERT, "", "", now, member.person_id, False)
    if role is not Role.MENTOR:
        row.state = "answered"
        session.flush()
    return row.id


def withdraw_alert(session: UnitOfWork, ticket_id: int) -> bool:
    """Call it off; False when somebody has seen it already."""
    row = session.get(Ticket, ticket_id, with_for_update=True, populate_existing=True)
    if row is not None:
        row.state = "withdrawn"
        session.flush()
    seen, _ = deliveries.cancel(session, about(ticket_id), "withdrawn")
    return row is not None and not seen and not row.last_answer


def tell_responders(
    session: UnitOfWork, community_id: int, ticket_id: int, notice: Notice, asker: int | None,
    topic: str, now: datetime,
) -> int:  # fmt: skip
    """Hold the notice for everybody who can answer; how many. An anonymous asker is not left
    out (`asker` None): who is not told would be known to have asked.
    """
    people = responders(session, community_id, asker)[1]
    row = session.get_one(Ticket, ticket_id)
    # Told at once, the time would lead to whoever wrote just then.
    due = _next_hour(now) if row.anonymous else now
    saying = Saying(
        topic, about(ticket_id), notice,
        ticket_id=ticket_id, due_at=due, expires_at=row.created_at + deliveries.KEPT,
    )  # fmt: skip
    return deliveries.tell(session, people, community_id, saying, row.created_at)


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


@dataclass(frozen=True, slots=True)
class Given:
    """The answer's number; or why there is none: the ticket is gone (no_such), somebody else was
    faster, or nothing leads to the anonymous asker any more (unreachable).
    """

    number: int = 0
    refused: Literal["", "no_such", "faster", "unreachable"] = ""


def answer(
    session: UnitOfWork, ticket: TicketView, author: int, text: str, notice: Notice,
    community_id: int, known: int, now: datetime,
) -> Given:  # fmt: skip
    """Store the answer and have the asker told. `known` is how many answers the author knew of."""
    row = session.get(Ticket, ticket.id, with_for_update=True, populate_existing=True)
    if row is None or row.state == "withdrawn":
        return Given(refused="no_such")
    if answers_of(session, ticket.id) != known:
        return Given(refused="faster")
    if ticket.anonymous and session.get(AnonymousAsker, ticket.id) is None:
        return Given(refused="unreachable")
    number = row.last_answer + 1
    session.add(
        TicketAnswer(
            ticket_id=ticket.id, number=number, author_id=author, text=text, created_at=now
        )
    )
    row.state, row.answered_at, row.last_answer = "answered", now, number
    session.flush()
    deliveries.cancel(session, about(ticket.id), _ANSWERED)
    until = now + ASKER_KEPT if ticket.anonymous else None
    _keep_asker(session, ticket.id, until)
    saying = Saying(
        ANSWER, _answer(ticket.id, number), notice, ticket_id=ticket.id, expires_at=until
    )
    deliveries.tell(session, [ticket.asker_id], community_id, saying, now)
    return Given(number)


def answers_of(session: UnitOfWork, ticket_id: int) -> int:
    found = session.scalar(
        select(func.count()).select_from(TicketAnswer).where(TicketAnswer.ticket_id == ticket_id)
    )
    return found or 0


def take_back(session: UnitOfWork, ticket_id: int, number: int) -> bool:
    """Take an answer back unless it has been seen; the ticket waits again if it has no other."""
    row = session.get(Ticket, ticket_id, with_for_update=True, populate_existing=True)
    if row is None or not deliveries.cancel_unseen(
        session, _answer(ticket_id, number), "taken back"
    ):
        return False
    session.execute(
        delete(TicketAnswer).where(
            TicketAnswer.ticket_id == ticket_id, TicketAnswer.number == number
        ),
        execution_options=_BARE,
    )
    if not answers_of(session, ticket_id):
        row.state, row.answered_at = "open", None
        session.flush()
        _keep_asker(session, ticket_id, None)
        deliveries.reopen(session, about(ticket_id), _ANSWERED)
    return True


def withdraw(session: UnitOfWork, ticket_id: int) -> bool:
    """The asker has thought better of it: False when it has been answered already."""
    row = session.get(Ticket, ticket_id, with_for_update=True, populate_existing=True)
    if row is None or row.state != "open":
        return False
    row.state, row.question = "withdrawn", ""
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


def _keep_asker(session: UnitOfWork, ticket_id: int, until: datetime | None) -> None:
    """How long the way back to an anonymous asker is kept; None: until there is an answer."""
    session.execute(
        update(AnonymousAsker)
        .where(AnonymousAsker.ticket_id == ticket_id)
        .values(expires_at=until),
        execution_options=_BARE,
    )


def _next_hour(now: datetime) -> datetime:
    return now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)


def _answer(ticket_id: int, number: int) -> str:
    return f"ticket:{ticket_id}:answer:{number}"


def _add(
    session: UnitOfWork, community_id: int, kind: str, question: str, topic: str, at: datetime,
    asker: int | None, anonymous: bool,
) -> Ticket:  # fmt: skip
    row = Ticket(
        community_id=community_id,
        kind=kind,
        anonymous=anonymous,
        asker_id=asker,
        question=question,
        topic=topic,
        state="open",
        last_answer=0,
        created_at=at,
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
