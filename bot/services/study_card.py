"""Study cards (学习卡): one of the pack's entries a day, and whether somebody knew it."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select

from bot.domain.messages import Notice, Option
from bot.domain.study_card import LONGEST_ANSWER, card_of_day
from bot.services import content_review, conversation, routine
from bot.services.conversation import Choice
from bot.services.firing import Call, CatchUp, Kind, Occasion, Skip
from bot.storage.models import StudyCardAnswer
from bot.storage.session import UnitOfWork, put
from content.citing import Say, flag_lines, source_line
from content.freshness import withheld
from content.knowledge import Knowledge
from content.routines import Routines
from content.schema import Entry

TOPIC = ROUTINE = "study_card"
ANSWER = "study_card.answer"
NO_CARD, SENT = "no card", "already sent"
# A card that comes after the hour of the digest is pushed with the next one, and then gives way.
_LIFE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Answered:
    """What somebody has said to a day's card."""

    card: str
    known: bool


def of_day(knowledge: Knowledge, routines: Routines, community_id: int, day: date) -> Entry | None:
    """The day's card of a community; None where the pack has none."""
    card = card_of_day(_cards(knowledge, routines, day), community_id, day)
    return knowledge.entries[card] if card else None


def notice_of(say: Say, knowledge: Knowledge, entry: Entry, day: date) -> Notice:
    """Question, answer and source; the title is good alone, for riding on a reply."""
    return Notice(
        "study_card",
        title=say("study_card.title", question=entry.question),
        lines=(entry.answer, *flag_lines(say, knowledge, entry, day)),
        source=source_line(say, knowledge.sources(entry)),
    )


def choices(say: Say, entry: Entry, day: date) -> list[Choice]:
    """The menu under a card; a choice is about its own day, whenever it is made."""
    about = {"day": day.isoformat(), "card": entry.id}
    return [
        (say("study_card.known"), ANSWER, {**about, "known": True}),
        (say("study_card.not_yet"), ANSWER, {**about, "known": False}),
    ]


def keep(
    session: UnitOfWork, person_id: int, community_id: int, day: date, answered: Answered,
    now: datetime,
) -> None:  # fmt: skip
    """Write it down; what is said last on a day counts."""
    put(
        session, StudyCardAnswer, ("person_id", "community_id", "day"), person_id=person_id,
        community_id=community_id, day=day, card=answered.card, known=answered.known,
        answered_at=now,
    )  # fmt: skip


def answered(session: UnitOfWork, person_id: int, community_id: int, day: date) -> Answered | None:
    row = session.execute(
        select(StudyCardAnswer.card, StudyCardAnswer.known).where(
            StudyCardAnswer.person_id == person_id,
            StudyCardAnswer.community_id == community_id,
            StudyCardAnswer.day == day,
        )
    ).first()
    return Answered(row.card, row.known) if row else None


def announce(occasion: Occasion) -> Call | Skip:
    """KINDS: the day's card to everybody, with the menu that 1 and 2 answer."""
    day = occasion.hours.day(occasion.slot)
    knowledge = content_review.current(occasion.session, occasion.pack, occasion.now)
    entry = of_day(knowledge, occasion.pack.routines, occasion.home.id, day)
    if entry is None:
        return Skip(NO_CARD)
    about = f"study_card:{occasion.home.id}:{day.isoformat()}"
    if routine.told(occasion.session, occasion.home.id, about):
        return Skip(SENT)
    say = occasion.say
    offered, none = choices(say, entry, day), say("study_card.later")
    ask = conversation.stored_menu(offered, none, "study_card.later_said", occasion.home.id)
    options = [Option(str(number), one[0]) for number, one in enumerate(offered, start=1)]
    card = notice_of(say, knowledge, entry, day)
    notice = Notice(
        card.kind, card.title, card.lines, card.source, options=(*options, Option("0", none))
    )
    return Call(about, notice, ask=ask, expires_at=occasion.slot + _LIFE)


def _cards(knowledge: Knowledge, routines: Routines, day: date) -> list[str]:
    """Entries to learn: short enough, not about this program, and given as answers that day."""
    return [
        entry.id
        for entry in knowledge.entries.values()
        if len(entry.answer) <= LONGEST_ANSWER
        and entry.topic not in routines.skipped_topics
        and not withheld(knowledge, entry, day)
    ]


CARD = Kind(ROUTINE, TOPIC, announce, CatchUp.TODAY, routine=ROUTINE)
