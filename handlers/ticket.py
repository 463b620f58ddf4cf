"""提问, 匿名提问 for members; 待答, 答 for mentors."""

from bot.domain.grammar import Takes
from bot.domain.messages import Notice
from bot.domain.person import Role
from bot.routing import Context, Payload, Router
from bot.routing.asking import ANONYMOUS, NAMED, offer_mentor
from bot.routing.consent import ask_consent
from bot.routing.phrases import by_way
from bot.routing.refusing import refuse
from bot.routing.router import Said
from bot.services import audit, deliveries, inbox, person, question, ticket
from bot.services.ticket import UNDO, TicketView
from content.questions import REFUSALS

router = Router("ticket")
# What is asked of a mentor on purpose is handed on, but not these.
_NEVER = frozenset(REFUSALS) - {"personal", "opinion"}
_SHOWN = 120


@router.command("提问", help="ticket.help", takes=Takes.ANYTHING, private=True)
def ask(context: Context) -> Said:
    return _ask(context, (NAMED, ANONYMOUS))


@router.command("匿名提问", help="ticket.anonymous_help", takes=Takes.ANYTHING, private=True)
def ask_anonymously(context: Context) -> Said:
    return _ask(context, (ANONYMOUS,))


def _ask(context: Context, ways: tuple[str, ...]) -> Said:
    """The question is read back; nothing is handed on before a number is sent."""
    asked = context.argument
    if asked:
        decision = context.pack.questions.decide(asked)
        if decision.kind == "decline" and decision.name in _NEVER:
            return refuse(context, decision, asked)
    if not ticket.has_mentor(context.session, context.home.id, context.person_id):
        return context.notice("ticket.no_mentor")
    if not asked:
        return context.notice("ticket.how")
    return offer_mentor(context, (context.say("ticket.read_back"), asked), asked, "", ways=ways)


@router.action(NAMED)
def named(context: Context, payload: Payload) -> Notice:
    return _hand_on(context, {**payload, "anonymous": False})


@router.action(ANONYMOUS)
def anonymous(context: Context, payload: Payload) -> Notice:
    return _hand_on(context, {**payload, "anonymous": True})


@router.action("ticket.agree")
def agree(context: Context, payload: Payload) -> Notice:
    context.member = person.register(context.session, context.message, context.now)
    return _hand_on(context, payload)


def _hand_on(context: Context, payload: Payload) -> Notice:
    if context.member is None:
        return ask_consent(
            context,
            "ticket.agree",
            dict(payload),
            label="ticket.agree",
            notice="ticket.ask_consent",
        )
    member, session, now = context.member, context.session, context.now
    if not ticket.has_mentor(session, member.community.id, member.person_id):
        return context.notice("ticket.no_mentor")
    nameless = bool(payload["anonymous"])
    number = ticket.ask(
        session, member, context.message, payload["question"], payload["topic"], now,
        anonymous=nameless,
    )  # fmt: skip
    ticket.tell_responders(
        session, member.community.id, number, context.notice("ticket.new", number=number),
        None if nameless else member.person_id, ticket.TOPIC, now,
    )  # fmt: skip
    question.count(session, member.community, "asked", payload["topic"], now)
    if nameless:
        # What is kept of a conversation would still lead from the question to the asker.
        inbox.forget_conversation(session, context.message, context.row_id)
        context.nothing_to_undo()
        return context.notice(by_way(context, "ticket.handed_on_anonymously"))
    context.undoable("ticket.withdraw", {"number": number}, UNDO)
    return context.notice(by_way(context, "ticket.handed_on"), number=number)


@router.action("ticket.withdraw", member=True)
def withdraw(context: Context, payload: Payload) -> Notice:
    done = ticket.withdraw(context.session, payload["number"])
    return context.notice("ticket.withdrawn" if done else "ticket.answered_already")


@router.command("待答", help="ticket.open_help", role=Role.MENTOR, private=True)
def show(context: Context) -> Notice:
    member = context.bound
    # Who looks need not be told any more that there is something to look at.
    for topic in (ticket.TOPIC, ticket.ALERT):
        deliveries.cancel_for(context.session, member.person_id, "seen", topic, member.community.id)
    waiting = ticket.open_of(context.session, member.community.id)
    if not waiting:
        return context.notice("ticket.none")
    for item in waiting:
        _note(context, "ticket seen", item)
    lines = [_line(context, item, _SHOWN) for item in waiting]
    lines.append(context.say("ticket.how_answer", number=waiting[0].id))
    title = context.say("ticket.title", count=len(waiting))
    return Notice("ticket", title=title, lines=tuple(lines))


@router.command("答", help="ticket.answer_help", takes=Takes.NUMBER, role=Role.MENTOR, private=True)
def answer(context: Context) -> Said:
    if context.number is None:
        return context.notice("ticket.how_which")
    member, number = context.bound, context.number
    found = ticket.find(context.session, member.community.id, number)
    if found is None:
        return context.notice("ticket.no_such", number=number)
    text = context.rest
    if not text:
        _note(context, "ticket seen", found)
        how = context.say("ticket.how_answer", number=number)
        return Notice("ticket", lines=(_line(context, found), how))
    known = ticket.answers_of(context.session, number)
    payload = {"number": number, "text": text, "known": known}
    return _another(context, payload) if known else give(context, payload)


def _another(context: Context, payload: Payload) -> Notice:
    """Whoever has not seen that there is an answer already shall know before theirs goes out."""
    lines = (
        context.say("ticket.another", number=payload["number"], count=payload["known"]),
        payload["text"],
        context.confirm("ticket.answer", dict(payload)),
    )
    return Notice("ticket", lines=lines)


@router.action("ticket.answer", role=Role.MENTOR)
def give(context: Context, payload: Payload) -> Notice:
    member, number = context.bound, payload["number"]
    found = ticket.find(context.session, member.community.id, number)
    if found is None:
        return context.notice("ticket.no_such", number=number)
    given = ticket.answer(
        context.session, found, member.person_id, payload["text"], _answer(context, found, payload),
        member.community.id, payload["known"], context.now,
    )  # fmt: skip
    if given.refused == "faster":
        known = ticket.answers_of(context.session, number)
        return _another(context, {**payload, "known": known})
    if given.refused:
        return context.notice(f"ticket.{given.refused}", number=number)
    _note(context, "ticket answered", found)
    context.undoable("ticket.take_back", {"number": number, "answer": given.number}, UNDO)
    return context.notice(by_way(context, "ticket.given"), number=number)


def _answer(context: Context, item: TicketView, payload: Payload) -> Notice:
    """What the asker reads. Without a name the question is not repeated: it would be kept with
    the asker's messages.
    """
    lines = [payload["text"]]
    if item.kind == ticket.ALERT:
        lines.append(context.say("ticket.answer_to_alert"))
    elif not item.anonymous:
        lines.append(context.say("ticket.answer_to", question=_short(item.question, _SHOWN)))
    return Notice("ticket", title=context.say("ticket.answer_title"), lines=tuple(lines))


@router.action("ticket.take_back", role=Role.MENTOR)
def take_back(context: Context, payload: Payload) -> Notice:
    done = ticket.take_back(context.session, payload["number"], payload["answer"])
    key = "ticket.answer_taken_back" if done else "ticket.answer_seen"
    return context.notice(key, number=payload["number"])


def _line(context: Context, item: TicketView, limit: int | None = None) -> str:
    who = item.asker_name or context.say("care.nameless")
    if item.anonymous:
        who = context.say("ticket.nobody")
    key = "ticket.alert_line" if item.kind == ticket.ALERT else "ticket.line"
    asked = item.question if limit is None else _short(item.question, limit)
    return context.say(key, number=item.id, name=who, question=asked)


def _short(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _note(context: Context, action: str, item: TicketView) -> None:
    member = context.bound
    audit.note(
        context.session, context.now, action, actor=member.person_id, subject=item.asker_id,
        community=member.community.id, detail=f"ticket {item.id}",
    )  # fmt: skip
