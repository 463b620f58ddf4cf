"""提问, 匿名提问 for members; 待答, 答 for mentors."""

from bot.domain.grammar import Takes
from bot.domain.messages import Notice
from bot.domain.person import Role
from bot.routing import Context, Payload, Router
from bot.routing.consent import ask_consent
from bot.routing.router import Said
from bot.services import audit, deliveries, inbox, person, question, ticket
from bot.services.ticket import UNDO, TicketView

router = Router("ticket")
# What is asked of a mentor on purpose is handed on, but not these.
_NEVER = ("crisis", "complaint", "forgery", "others")
_SHOWN = 120


@router.command("提问", help="ticket.help", takes=Takes.ANYTHING, private=True)
def ask(context: Context) -> Said:
    return _ask(context, [("ticket.named", "ticket.named"), ("ticket.anonymous",) * 2])


@router.command("匿名提问", help="ticket.anonymous_help", takes=Takes.ANYTHING, private=True)
def ask_anonymously(context: Context) -> Said:
    return _ask(context, [("ticket.anonymous",) * 2])


def _ask(context: Context, ways: list[tuple[str, str]]) -> Said:
    """The question is read back; nothing is handed on before a number is sent."""
    asked = context.argument
    if not ticket.has_mentor(context.session, context.home.id, context.person_id):
        return context.notice("ticket.no_mentor")
    if not asked:
        return context.notice("ticket.how")
    decision = context.pack.questions.decide(asked)
    if decision.kind == "decline" and decision.name in _NEVER:
        context.decision = decision
        return context.routes.fallback(context)
    payload = {"question": asked, "topic": ""}
    options = context.offer(
        [(context.say(label), action, payload) for label, action in ways], none="ticket.no"
    )
    lines = (
        context.say("ticket.read_back"), asked,
        context.say("ticket.offer"), context.say("ticket.honest"),
    )  # fmt: skip
    return Notice("ticket", lines=lines, options=options)


@router.action("ticket.named")
def named(context: Context, payload: Payload) -> Notice:
    return _hand_on(context, {**payload, "anonymous": False})


@router.action("ticket.anonymous")
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
        return context.notice("ticket.handed_on_anonymously")
    context.undoable("ticket.withdraw", {"number": number}, UNDO)
    return context.notice("ticket.handed_on", number=number)


@router.action("ticket.withdraw", member=True)
def withdraw(context: Context, payload: Payload) -> Notice:
    done = ticket.withdraw(context.session, payload["number"])
    return context.notice("ticket.withdrawn" if done else "ticket.answered_already")


@router.command("待答", help="ticket.open_help", role=Role.MENTOR, private=True)
def show(context: Context) -> Notice:
    member = context.bound
    # Who looks need not be told any more that there is something to look at.
    for topic in (ticket.TOPIC, ticket.ALERT):
        deliveries.cancel_for(context.session, member.person_id, "seen", topic)
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
    payload = {"number": number, "text": text}
    if answers := ticket.answers_of(context.session, number):
        lines = (
            context.say("ticket.another", number=number, count=answers), text,
            context.confirm("ticket.answer", payload),
        )  # fmt: skip
        return Notice("ticket", lines=lines)
    return give(context, payload)


@router.action("ticket.answer", role=Role.MENTOR)
def give(context: Context, payload: Payload) -> Notice:
    member, number = context.bound, payload["number"]
    found = ticket.find(context.session, member.community.id, number)
    if found is None:
        return context.notice("ticket.no_such", number=number)
    notice = Notice(
        "ticket",
        title=context.say("ticket.answer_title"),
        lines=(
            payload["text"],
            context.say("ticket.answer_to", question=_short(found.question, _SHOWN))
            if found.question
            else context.say("ticket.answer_to_alert"),
        ),
    )
    given = ticket.answer(
        context.session, found, member.person_id, payload["text"], notice,
        member.community.id, context.now,
    )  # fmt: skip
    _note(context, "ticket answered", found)
    context.undoable("ticket.take_back", {"number": number, "answer": given}, UNDO)
    return context.notice("ticket.given", number=number)


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
