"""A question: its answer with the source, near questions, a kind no, or the offer of a human."""

from bot.domain.messages import Notice
from bot.routing import Context, Payload, Router
from bot.routing.answers import GROUP_LINES, answer_lines
from bot.routing.asking import offer_mentor
from bot.routing.refusing import refuse
from bot.services import conversation, question
from content.citing import withheld_lines
from content.questions import DRAFT, Decision

router = Router("question")
_NEAREST = 4


@router.otherwise
def reply(context: Context) -> Notice:
    decision = context.decision
    if decision is None:
        return context.notice("question.media")
    match decision.kind:
        case "decline":
            return refuse(context, decision, context.message.text.strip())
        case "answer" if decision.entry:
            return _answer(context, decision.entry, "answered", context.message.text.strip())
        case "clarify":
            return _clarify(context, decision)
    if decision.name == DRAFT and decision.entry:
        return _answer(context, decision.entry, "missed", context.message.text.strip())
    return _unsure(context, context.message.text.strip(), _topic(decision))


@router.action("question.choose")
def choose(context: Context, payload: Payload) -> Notice:
    return _answer(context, payload["entry"], "chosen", payload["question"])


@router.action("question.none")
def none_of_these(context: Context, payload: Payload) -> Notice:
    return _unsure(context, payload["question"], payload["topic"])


@router.action("question.wrong")
def wrong(context: Context, payload: Payload) -> Notice:
    """0 after an answer: it is taken back, and counted."""
    question.count(context.session, context.home, "taken back", payload["topic"], context.now)
    lines = (context.say("question.taken_back"),)
    return offer_mentor(context, lines, payload["question"], payload["topic"])


def _answer(context: Context, entry_id: str, outcome: question.Outcome, asked: str) -> Notice:
    knowledge, today = context.knowledge, context.today
    entry = knowledge.find(entry_id)
    if entry is None:
        return _unsure(context, asked, "")
    if instead := withheld_lines(context.say, knowledge, entry, today):
        question.count(context.session, context.home, "missed", entry_id, context.now)
        return offer_mentor(context, instead, asked, entry_id)
    question.count(context.session, context.home, outcome, entry_id, context.now)
    lines = answer_lines(context.say, knowledge, entry, today)
    if context.message.in_group:
        # A number must not answer what stands above the answer.
        conversation.forget(context.session, context.message, conversation.MENU)
        return Notice("answer", lines=lines[:GROUP_LINES])
    payload = {"question": asked, "topic": entry_id}
    context.offer([], none="question.not_this", instead=("question.wrong", payload))
    return Notice("answer", lines=lines)


def _clarify(context: Context, decision: Decision) -> Notice:
    find = context.knowledge.find
    asked = context.message.text.strip()
    near = [entry for item in decision.candidates[:_NEAREST] if (entry := find(item.entry))]
    question.count(context.session, context.home, "clarified", near[0].id, context.now)
    options = context.offer(
        [
            (entry.question, "question.choose", {"entry": entry.id, "question": asked})
            for entry in near
        ],
        instead=("question.none", {"question": asked, "topic": near[0].id}),
    )
    return Notice("question", lines=(context.say("question.near"),), options=options)


def _unsure(context: Context, asked: str, topic: str) -> Notice:
    question.count(context.session, context.home, "missed", topic, context.now)
    return offer_mentor(context, (context.say("question.unsure"),), asked, topic)


def _topic(decision: Decision) -> str:
    return decision.candidates[0].entry if decision.candidates else ""
