"""安排: what happens by itself, when, and how organisers move, stop and restart it."""

from datetime import timedelta

from bot.domain.grammar import Takes
from bot.domain.messages import Notice
from bot.domain.person import Role
from bot.domain.quiet import DIGEST_AT
from bot.domain.routine import routine_rule
from bot.domain.schedule import Rule, slots_between
from bot.domain.schedule_text import RuleProblem
from bot.domain.video import first_of, month_of
from bot.routing import Context, Payload, Router
from bot.routing.phrases import by_way, moment_of
from bot.services import audit, opt_out, person, routine, video
from bot.services.routine import RoutineView

router = Router("schedule")
_UNDO = timedelta(minutes=10)
_AHEAD = timedelta(days=3 * 366)
_SHOWN = 2
_ENDS = " \t\n　:：,，、"


@router.command(
    "安排",
    help="schedule.help",
    takes=Takes.ANYTHING,
    role=Role.ORGANISER,
    private=True,
    shows=True,
)
def show(context: Context) -> Notice:
    home = context.bound.community
    routine.declare(context.session, home, context.pack, context.kinds, context.now)
    views = routine.listed(context.session, home, context.pack, context.kinds)
    if not views:
        return context.notice("schedule.nothing")
    if not context.argument:
        lines = [line for view in views for line in _lines(context, view)]
        lines.append(context.say("schedule.how", name=_name(context, views[0].name)))
        return Notice("schedule", title=context.say("schedule.title"), lines=tuple(lines))
    found = next((one for one in views if _rest(context, one) is not None), None)
    if found is None and _verb(context)[1].startswith(_words(context, "meeting_names")):
        return context.notice("schedule.meeting_fixed")
    if found is None:
        names = "、".join(_name(context, view.name) for view in views)
        return context.notice("schedule.unknown", names=names)
    return _one(context, found, _rest(context, found) or "")


@router.action("schedule.change", role=Role.ORGANISER)
def change(context: Context, payload: Payload) -> Notice:
    home, name = context.bound.community, payload["routine"]
    rule = routine_rule(name, payload["rule"])
    before = _find(context, name)
    if isinstance(rule, RuleProblem) or before is None:
        return context.notice("schedule.nothing")
    routine.change(context.session, home, context.kinds, name, rule, context.now)
    _note(context, f"{name}: {rule.text}")
    old = {"routine": name, "rule": before.rule.text, "stopped": before.state != "active"}
    context.undoable("schedule.undo", old, _UNDO)
    return context.notice(
        "schedule.changed", name=_name(context, name), rule=rule.text, when=_next(context, name)
    )


@router.action("schedule.undo", role=Role.ORGANISER)
def undo(context: Context, payload: Payload) -> Notice:
    home, name = context.bound.community, payload["routine"]
    rule = routine_rule(name, payload["rule"])
    if isinstance(rule, RuleProblem):
        return context.notice("schedule.nothing")
    routine.change(context.session, home, context.kinds, name, rule, context.now)
    if payload["stopped"]:
        routine.stop(context.session, home, context.kinds, name)
    _note(context, f"{name}: back to {rule.text}")
    return context.notice("schedule.undone", name=_name(context, name), rule=rule.text)


def _one(context: Context, view: RoutineView, wanted: str) -> Notice:
    """What is wanted of one routine: nothing, a stop, a start, or another rule."""
    name = _name(context, view.name)
    if not wanted:
        lines = (*_lines(context, view), context.say("schedule.how", name=name))
        return Notice("schedule", lines=lines)
    if wanted in context.say("schedule.stop_words").split():
        return _stop(context, view)
    if wanted in context.say("schedule.start_words").split():
        return _start(context, view)
    rule = routine_rule(view.name, wanted, view.rule)
    if isinstance(rule, RuleProblem):
        return context.notice(rule.key, **rule.fields)
    payload = {"routine": view.name, "rule": rule.text}
    lines = (*_read_back(context, view.name, rule), context.confirm("schedule.change", payload))
    return Notice("schedule", lines=lines)


def _stop(context: Context, view: RoutineView) -> Notice:
    if view.state == "stopped":
        return context.notice("schedule.stopped_already", name=_name(context, view.name))
    routine.stop(context.session, context.bound.community, context.kinds, view.name)
    _note(context, f"{view.name}: stopped")
    context.nothing_to_undo()
    return context.notice("schedule.stopped", name=_name(context, view.name))


def _start(context: Context, view: RoutineView) -> Notice:
    home, name = context.bound.community, _name(context, view.name)
    if view.state == "active" and view.next_slot:
        when = moment_of(context, view.next_slot)
        return context.notice("schedule.started_already", name=name, when=when)
    routine.start(context.session, home, context.kinds, view.name, context.now)
    _note(context, f"{view.name}: started")
    context.nothing_to_undo()
    return context.notice("schedule.started", name=name, when=_next(context, view.name))


def _lines(context: Context, view: RoutineView) -> list[str]:
    """What, by which rule, when next; what is missing for that; what went wrong last time."""
    name = _name(context, view.name)
    if view.next_slot is None or view.state != "active":
        key = "schedule.line_stopped" if view.state == "stopped" else "schedule.line_parked"
        return [context.say(key, name=name, rule=view.rule.text)]
    when = moment_of(context, view.next_slot)
    lines = [context.say("schedule.line", name=name, rule=view.rule.text, when=when)]
    lines += _video_missing(context, view)
    if view.skipped:
        slot, reason = view.skipped
        key = f"words.{reason}"
        said = context.say(key) if key in context.messages else reason
        lines.append(context.say("schedule.skipped", when=moment_of(context, slot), reason=said))
    return lines


def _video_missing(context: Context, view: RoutineView) -> list[str]:
    home = context.bound.community
    if view.name != video.ROUTINE or view.next_slot is None:
        return []
    month = month_of(view.rule, view.next_slot, home.timezone)
    if video.of_month(context.session, home.id, month):
        return []
    this = month == first_of(context.local_now.date())
    named = context.say("schedule.this_month") if this else video.month_name(month)
    return [context.say("schedule.video_missing", month=named)]


def _read_back(context: Context, name: str, rule: Rule) -> list[str]:
    """The new rule, its next dates, to how many, and what goes by it besides."""
    session, home = context.session, context.bound.community
    slots = list(
        slots_between(rule, context.now, context.now + _AHEAD, home.timezone, limit=_SHOWN)
    )
    dates = "、".join(moment_of(context, slot.at) for slot in slots)
    topic = context.kinds[name].topic
    people = opt_out.without(session, person.people_of(session, home.id), topic)
    lines = [
        context.say("schedule.read_back", name=_name(context, name), rule=rule.text),
        context.say("schedule.next", dates=dates),
        context.say("schedule.told" if people else "schedule.told_nobody", count=len(people)),
    ]
    years = {slot.at.year for slot in slots if slot.provisional}
    lines += [context.say("meeting.provisional", year=year) for year in sorted(years)]
    if leads := routine.follow_ups(context.kinds, name):
        before, after = -leads[0].days, leads[-1].days
        lines.append(context.say("schedule.follow_ups", before=before, after=after))
    return [*lines, *_digest(context, name, rule)]


def _digest(context: Context, name: str, rule: Rule) -> list[str]:
    """How it reaches them: at another hour than its own, or only with the next reply."""
    late = rule.at is not None and rule.at > DIGEST_AT
    key = by_way(context, "schedule.digest_late" if late else "schedule.digest")
    if not key.endswith("_pushed"):
        return [context.say("schedule.digest")]
    if rule.at is None or rule.at == DIGEST_AT:
        return []
    hours = {"at": f"{DIGEST_AT:%H:%M}", "since": f"{rule.at:%H:%M}"}
    return [context.say(key, name=_name(context, name), **hours)]


def _find(context: Context, name: str) -> RoutineView | None:
    views = routine.listed(context.session, context.bound.community, context.pack, context.kinds)
    return next((view for view in views if view.name == name), None)


def _next(context: Context, name: str) -> str:
    view = _find(context, name)
    return moment_of(context, view.next_slot) if view and view.next_slot else ""


def _rest(context: Context, view: RoutineView) -> str | None:
    """What is wanted of the routine: what follows its name, else a stop or start before it;
    None where it is about another.
    """
    verb, rest = _verb(context)
    for name in _words(context, f"{view.name}_names"):
        if rest.startswith(name):
            return rest.removeprefix(name).strip(_ENDS) or verb
    return None


def _verb(context: Context) -> tuple[str, str]:
    """暂停 学习卡: the stop or start that is said first, and what follows it."""
    argument = context.argument.strip(_ENDS)
    words = (*_words(context, "stop_words"), *_words(context, "start_words"))
    # 开会 is a meeting, not a start.
    if argument.startswith(_words(context, "meeting_names")):
        return "", argument
    verb = max((word for word in words if argument.startswith(word)), key=len, default="")
    return verb, argument.removeprefix(verb).strip(_ENDS)


def _words(context: Context, key: str) -> tuple[str, ...]:
    return tuple(context.say(f"schedule.{key}").split())


def _name(context: Context, name: str) -> str:
    return context.say(f"schedule.{name}")


def _note(context: Context, detail: str) -> None:
    audit.note(
        context.session, context.now, "schedule changed", actor=context.bound.person_id,
        community=context.bound.community.id, detail=detail,
    )  # fmt: skip
