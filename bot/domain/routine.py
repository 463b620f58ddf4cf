"""Which rules a community's routines may have."""

from bot.domain.schedule import FromEvent, MonthDay, MonthWeekday, MonthWorkday, Rule
from bot.domain.schedule_text import RuleProblem, parse_change, parse_rule

# There is one video a month.
MONTHLY = frozenset({"monthly_video"})


def routine_rule(kind: str, text: str, before: Rule | None = None) -> Rule | RuleProblem:
    """The rule that a text says for a routine of this kind; what it leaves out stays as `before`.

    Keys of problems: those of parse_rule; schedule.from_event for a distance from an event;
    schedule.not_monthly for what must be due once a month and would not be.
    """
    rule = parse_change(text, before) if before else parse_rule(text)
    if isinstance(rule, RuleProblem):
        return rule
    if isinstance(rule.when, FromEvent):
        return RuleProblem("schedule.from_event", {})
    if kind in MONTHLY and not isinstance(rule.when, MonthDay | MonthWeekday | MonthWorkday):
        return RuleProblem("schedule.not_monthly", {})
    return rule
