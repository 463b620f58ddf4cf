"""视频 and 已看 for members, 选视频 for organisers: the monthly video."""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from bot.domain.grammar import Takes
from bot.domain.messages import Link, Notice
from bot.domain.person import Role
from bot.domain.video import Draft, first_of
from bot.domain.video_text import VideoProblem, letter_of, parse_video
from bot.routing import Context, Payload, Router
from bot.routing.phrases import by_way, moment_of
from bot.services import audit, community, opt_out, person, routine, schedule, video
from bot.services.video import ChosenVideo, Seen

router = Router("video")
_UNSEE = timedelta(minutes=10)
# Whoever has just begun has missed nothing.
_MONTH = timedelta(days=31)


@router.command("视频", help="video.help", member=True)
def show(context: Context) -> Notice:
    """In a group title and link alone; organisers read in private how many have seen it."""
    member = context.bound
    current = _current(context)
    if current is None:
        return _not_yet(context) or context.notice("video.none")
    title = video.title_of(context.say, current)
    link = Link(context.say("video.link"), current.url)
    if context.message.in_group:
        return Notice("video", title, link=link)
    lines = _older(context, current)
    seen = video.seen(context.session, current.id, member.person_id)
    if seen:
        lines += (context.say("video.seen_on", date=_day(context, seen)),)
    else:
        lines += (context.say("video.how_seen"),)
    if Role.ORGANISER in member.roles:
        count, people = video.counts(context.session, member.community, current.id)
        lines += (context.say("video.counts", seen=count, count=people),)
    return Notice("video", title, lines, link=link)


@router.command("已看", help="video.seen_help", member=True)
def see(context: Context) -> Notice:
    member = context.bound
    current = _current(context)
    if current is None:
        return _not_yet(context) or context.notice("video.none")
    seen = video.see(context.session, member.community, current.id, member.person_id, context.now)
    if seen.is_new:
        context.undoable("video.unsee", {"video": current.id}, _UNSEE)
    if context.message.in_group:
        # The same the second time: who said so in private has not said so here.
        return context.notice("video.seen_in_group")
    return _ask_next(context, current, seen.answers, _seen_line(context, current, seen))


def _seen_line(context: Context, current: ChosenVideo, seen: Seen) -> str:
    if seen.is_new:
        month = video.month_name(current.month)
        return context.say("video.seen", month=month, title=current.title)
    zone = ZoneInfo(context.bound.community.timezone)
    if seen.seen_at.astimezone(zone).date() == context.local_now.date():
        return context.say("video.seen_today")
    return context.say("video.seen_again", date=_day(context, seen))


@router.action("video.unsee", member=True)
def unsee(context: Context, payload: Payload) -> Notice:
    done = video.unsee(context.session, payload["video"], context.bound.person_id)
    return context.notice("video.unseen" if done else "video.unsee_late")


@router.action("video.answer", member=True)
def answer(context: Context, payload: Payload) -> Notice:
    member = context.bound
    found = video.find(context.session, member.community.id, payload["video"])
    if found is None or found.version != payload["version"]:
        return context.notice("video.answer_gone")
    index, choice = payload["index"], payload["choice"]
    answers = video.answer(context.session, found, member.person_id, index, choice)
    if answers is None:
        return context.notice("video.answer_gone")
    question = found.questions[index]
    right = question.options[question.right - 1]
    key = "video.right" if choice == question.right else "video.wrong"
    return _ask_next(context, found, answers, context.say(key, right=right))


@router.command(
    "选视频", help="video.choose_help", takes=Takes.ANYTHING, role=Role.ORGANISER, private=True
)
def choose(context: Context) -> Notice:
    if not context.argument:
        return context.notice("video.how")
    home, today = context.bound.community, context.local_now.date()
    coming = video.coming(context.session, home, context.pack, context.now)
    month = coming[0] if coming else first_of(today)
    draft = parse_video(context.argument, today, month)
    if isinstance(draft, VideoProblem):
        return context.notice(draft.key, **draft.fields)
    before = video.of_month(context.session, home.id, draft.month)
    payload = {"draft": draft.to_payload(), "expected": before.version if before else 0}
    lines = (
        *_read_back(context, draft),
        *_consequences(context, draft, before),
        *_missed(context, draft),
        context.confirm("video.choose", payload),
    )
    return Notice("video", lines=lines)


@router.action("video.choose", role=Role.ORGANISER)
def chosen(context: Context, payload: Payload) -> Notice:
    member, home = context.bound, context.bound.community
    draft = Draft.from_payload(payload["draft"])
    before = video.of_month(context.session, home.id, draft.month)
    done = video.choose(
        context.session, home, draft, payload["expected"], member.person_id, context.now,
        context.say,
    )  # fmt: skip
    month = _month(context, draft.month)
    if done is None:
        return context.notice("video.faster", month=month)
    audit.note(
        context.session, context.now, "video chosen", actor=member.person_id, community=home.id,
        detail=f"video {done.id}, version {done.version}, for {done.month:%Y-%m}",
    )  # fmt: skip
    _let_undo(context, done, before)
    return context.notice("video.chosen", month=month, title=done.title)


@router.action("video.undo", role=Role.ORGANISER)
def undo(context: Context, payload: Payload) -> Notice:
    before = Draft.from_payload(payload["before"]) if payload["before"] else None
    month = _month(context, date.fromisoformat(payload["month"]))
    if not video.take_back(
        context.session, context.bound.community, payload["video"], payload["version"], before,
        payload["file"],
    ):  # fmt: skip
        return context.notice("video.undo_late")
    if before is None:
        return context.notice("video.undone", month=month)
    return context.notice("video.undone_before", month=month, title=before.title)


def _current(context: Context) -> ChosenVideo | None:
    return video.current(context.session, context.bound.community, context.pack, context.now)


def _older(context: Context, current: ChosenVideo) -> tuple[str, ...]:
    if current.month >= first_of(context.local_now.date()):
        return ()
    last = context.say("video.last", month=video.month_name(current.month))
    coming = _not_yet(context)
    return (last, *coming.lines) if coming else (last,)


def _not_yet(context: Context) -> Notice | None:
    """When the next one comes; None while none is chosen, or the routine is stopped."""
    session, home = context.session, context.bound.community
    coming = video.coming(session, home, context.pack, context.now)
    if coming is None or not routine.runs(session, home, video.ROUTINE):
        return None
    month, at = coming
    if video.of_month(session, home.id, month) is None:
        return None
    return context.notice(
        "video.not_yet", month=_month(context, month), when=moment_of(context, at)
    )


def _day(context: Context, seen: Seen) -> str:
    return moment_of(context, seen.seen_at)


def _ask_next(
    context: Context, current: ChosenVideo, answers: tuple[int, ...], line: str
) -> Notice:
    """The next check question, or after the last one how many were right."""
    questions, index = current.questions, len(answers)
    if not questions:
        return Notice("video", lines=(line,))
    if index >= len(questions):
        right = video.right_ones(current, answers)
        result = context.say("video.result", count=len(questions), right=right)
        return Notice("video", lines=(line, result))
    payload = {"video": current.id, "version": current.version, "index": index}
    asked = questions[index]
    options = context.offer(
        [
            (option, "video.answer", {**payload, "choice": number})
            for number, option in enumerate(asked.options, start=1)
        ],
        none="video.later",
        zero="video.later_said",
        explicit=True,
    )
    text = context.say(
        "video.question", number=index + 1, count=len(questions), question=asked.question
    )
    return Notice("video", lines=(line, text), options=options)


def _read_back(context: Context, draft: Draft) -> list[str]:
    lines = [
        context.say("video.read_back", month=_month(context, draft.month), title=draft.title),
        context.say("video.read_back_link", url=draft.url),
    ]
    for number, asked in enumerate(draft.questions, start=1):
        options = " ".join(
            f"{letter_of(at)} {one}" for at, one in enumerate(asked.options, start=1)
        )
        lines.append(
            context.say(
                "video.read_back_question",
                number=number,
                question=asked.question,
                options=options,
                right=letter_of(asked.right),
            )
        )
    return lines if draft.questions else [*lines, context.say("video.no_questions")]


def _consequences(context: Context, draft: Draft, before: ChosenVideo | None) -> list[str]:
    """When it goes out and to how many; what becomes of the one whose place it takes."""
    session, home = context.session, context.bound.community
    at = video.goes_out(session, home, context.pack, draft.month, context.now)
    told = before is not None and video.was_told(session, home, before)
    lines = []
    if at is not None:
        lines.append(_goes_out(context, at))
    elif not told:
        lines.append(context.say("video.goes_not", month=_month(context, draft.month)))
    if before is None:
        return lines
    lines.append(context.say("video.replaces", title=before.title))
    if told:
        lines.append(context.say("video.replaces_told"))
    if count := video.counts(session, home, before.id)[0]:
        lines.append(context.say("video.replaces_seen", count=count))
    return lines


def _goes_out(context: Context, at: datetime) -> str:
    """To how many and when: what can be pushed goes with that day's digest."""
    session, home = context.session, context.bound.community
    if not routine.runs(session, home, video.ROUTINE):
        return context.say("video.goes_stopped")
    people = opt_out.without(session, person.people_of(session, home.id), video.TOPIC)
    key = by_way(context, "video.goes_out")
    if not people:
        key = "video.goes_to_nobody"
    elif key != "video.goes_out":
        at = schedule.hours_of(session, home.id).digest(at)
    return context.say(key, when=moment_of(context, at), count=len(people))


def _missed(context: Context, draft: Draft) -> list[str]:
    """This month has gone by without one: whoever chooses for the next should know."""
    home, this = context.bound.community, first_of(context.local_now.date())
    if draft.month <= this or video.of_month(context.session, home.id, this):
        return []
    if video.goes_out(context.session, home, context.pack, this, context.now):
        return []
    if community.since(context.session, home.id) > context.now - _MONTH:
        return []
    return [context.say("video.missed", month=video.month_name(this))]


def _let_undo(context: Context, done: ChosenVideo, before: ChosenVideo | None) -> None:
    """Until it goes out; what does not go out by itself any more, for as long as other things."""
    at = video.goes_out(
        context.session, context.bound.community, context.pack, done.month, context.now
    )
    payload: dict[str, Any] = {
        "video": done.id, "version": done.version, "month": done.month.isoformat(),
        "before": before.draft.to_payload() if before else None,
        "file": before.file_id if before else None,
    }  # fmt: skip
    life = max(at - context.now, _UNSEE) if at else _UNSEE
    context.undoable("video.undo", payload, life)


def _month(context: Context, month: date) -> str:
    """12月; with its year where that is not this one."""
    name = video.month_name(month)
    return name if month.year == context.local_now.year else f"{month.year}年{name}"
