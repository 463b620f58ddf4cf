"""The monthly video: its check questions, and which month a slot belongs to."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from bot.domain.schedule import Rule, next_slot, slots_between

QUESTIONS = 3
FEWEST_OPTIONS, MOST_OPTIONS = 2, 4
TITLE_LIMIT, URL_LIMIT, QUESTION_LIMIT, OPTION_LIMIT = 60, 500, 120, 60
# A rule such as 每月第五个周五 leaves months out, but not so many; a holiday moves a slot less far.
_BACK = timedelta(days=100)


@dataclass(frozen=True, slots=True)
class Question:
    """One check question; `right` counts the options from 1."""

    question: str
    options: tuple[str, ...]
    right: int


@dataclass(frozen=True, slots=True)
class Draft:
    """What an organiser chooses; `month` is its first day. None or 3 questions."""

    month: date
    title: str
    url: str
    questions: tuple[Question, ...] = ()

    def to_payload(self) -> dict[str, Any]:
        values = asdict(self)
        return {**values, "month": self.month.isoformat(), "questions": list(values["questions"])}

    @classmethod
    def from_payload(cls, values: dict[str, Any]) -> "Draft":
        return cls(
            date.fromisoformat(values["month"]),
            values["title"],
            values["url"],
            _questions(values["questions"]),
        )


def questions_to_json(questions: Sequence[Question]) -> str:
    return json.dumps([asdict(question) for question in questions], ensure_ascii=False)


def questions_from_json(stored: str) -> tuple[Question, ...]:
    return _questions(json.loads(stored))


def _questions(values: Sequence[Any]) -> tuple[Question, ...]:
    return tuple(
        Question(one["question"], tuple(one["options"]), int(one["right"])) for one in values
    )


def first_of(day: date) -> date:
    return day.replace(day=1)


def month_after(month: date) -> date:
    return first_of(first_of(month) + timedelta(days=31))


def month_of(rule: Rule, at: datetime, timezone: str) -> date:
    """The month that this slot of the rule is for: that of the date before a holiday moved it.

    每月1日 遇假日提前 is due on 30 September for October.
    """
    if not rule.on_holiday:
        return _month(at, timezone)
    meant = Rule(rule.when, rule.at)
    before = list(slots_between(meant, at - timedelta(days=45), at, timezone))
    after = next_slot(meant, at - timedelta(seconds=1), timezone)
    # A slot never moves as far as half a month: the nearer date is the one that was meant.
    near = [slot.at for slot in (*before[-1:], after) if slot]
    return _month(min(near, key=lambda meant_at: abs(meant_at - at), default=at), timezone)


def month_come(rule: Rule, now: datetime, timezone: str) -> date | None:
    """The month whose slot came last; None when none has for long."""
    slots = list(slots_between(rule, now - _BACK, now, timezone))
    return month_of(rule, slots[-1].at, timezone) if slots else None


def month_coming(rule: Rule, now: datetime, timezone: str) -> tuple[date, datetime] | None:
    """The month whose slot comes next, and when it does."""
    slot = next_slot(rule, now, timezone)
    return (month_of(rule, slot.at, timezone), slot.at) if slot else None


def slot_of(rule: Rule, month: date, now: datetime, timezone: str) -> datetime | None:
    """When the coming slot for this month is; None when there is none any more."""
    end = now + timedelta(days=400)
    found = (
        slot.at
        for slot in slots_between(rule, now, end, timezone)
        if month_of(rule, slot.at, timezone) == month
    )
    return next(found, None)


def _month(at: datetime, timezone: str) -> date:
    return first_of(at.astimezone(ZoneInfo(timezone)).date())
