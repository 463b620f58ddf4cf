"""The monthly video (每月一视频): chosen, told, seen, with three questions to check oneself."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import delete, exists, select, update

from bot.domain.dates import spoken
from bot.domain.messages import Link, Notice
from bot.domain.person import CommunityView
from bot.domain.schedule import Rule
from bot.domain.video import (
    Draft,
    Question,
    first_of,
    month_come,
    month_coming,
    month_of,
    questions_from_json,
    questions_to_json,
    slot_of,
)
from bot.services import deliveries, firing, person, routine
from bot.services.firing import Call, CatchUp, Chunk, Kind, Occasion, Skip
from bot.services.schedule import Timing
from bot.storage.models import Membership, Person, Video
from bot.storage.models import VideoView as View
from bot.storage.session import UnitOfWork, insert_new
from content.citing import Say
from content.loader import Pack

ROUTINE = "monthly_video"
TOPIC = "video"
NO_VIDEO, CHOSEN, SENT = "no video", "chosen already", "already sent"
# Until the next month's slot has come the last one is shown; an older one is not.
_BACK = timedelta(days=62)


@dataclass(frozen=True, slots=True)
class ChosenVideo:
    """`month` is its first day; `version` rises when another takes its place."""

    id: int
    month: date
    title: str
    url: str
    file_id: int | None
    questions: tuple[Question, ...]
    version: int

    @property
    def about(self) -> str:
        """What deliveries say that they speak of."""
        return f"video:{self.id}"

    @property
    def draft(self) -> Draft:
        return Draft(self.month, self.title, self.url, self.questions)


@dataclass(frozen=True, slots=True)
class Seen:
    """That somebody has seen it, and since when; `answers` are their choices so far, from 1."""

    is_new: bool
    seen_at: datetime
    answers: tuple[int, ...]


def rule_of(session: UnitOfWork, home: CommunityView, pack: Pack) -> Rule | None:
    return routine.rule_of(session, home, pack, ROUTINE)


def of_month(session: UnitOfWork, community_id: int, month: date) -> ChosenVideo | None:
    row = session.scalar(
        select(Video).where(Video.community_id == community_id, Video.month == month)
    )
    return _view(row) if row else None


def find(session: UnitOfWork, community_id: int, video_id: int) -> ChosenVideo | None:
    row = session.get(Video, video_id)
    return _view(row) if row and row.community_id == community_id else None


def all_of(session: UnitOfWork, community_id: int) -> list[ChosenVideo]:
    """Newest month first."""
    rows = session.scalars(
        select(Video).where(Video.community_id == community_id).order_by(Video.month.desc())
    )
    return [_view(row) for row in rows]


def current(
    session: UnitOfWork, home: CommunityView, pack: Pack, now: datetime
) -> ChosenVideo | None:
    """What members can see: this month's once its slot has come, before that last month's."""
    rule = rule_of(session, home, pack)
    come = rule and month_come(rule, now, home.timezone)
    rows = session.scalars(
        select(Video)
        .where(Video.community_id == home.id, Video.month >= first_of((now - _BACK).date()))
        .order_by(Video.month.desc())
    )
    for row in rows:
        video = _view(row)
        if (come and video.month <= come) or routine.told(session, home.id, video.about):
            return video
    return None


def coming(
    session: UnitOfWork, home: CommunityView, pack: Pack, now: datetime
) -> tuple[date, datetime] | None:
    """The next month whose video was not told yet, and its slot; None without such a routine."""
    rule = rule_of(session, home, pack)
    found = month_coming(rule, now, home.timezone) if rule else None
    while rule and found:
        video = of_month(session, home.id, found[0])
        if video is None or not was_told(session, home, video):
            return found
        found = month_coming(rule, found[1], home.timezone)
    return None


def goes_out(
    session: UnitOfWork, home: CommunityView, pack: Pack, month: date, now: datetime
) -> datetime | None:
    """When this month's will be told; None when its slot has come, or it was told before."""
    rule, video = rule_of(session, home, pack), of_month(session, home.id, month)
    if rule is None or (video and routine.told(session, home.id, video.about)):
        return None
    return slot_of(rule, month, now, home.timezone)


def was_told(session: UnitOfWork, home: CommunityView, video: ChosenVideo) -> bool:
    return routine.told(session, home.id, video.about)


def choose(
    session: UnitOfWork, home: CommunityView, draft: Draft, expected: int, by: int | None,
    now: datetime, say: Say, file_id: int | None = None,
) -> ChosenVideo | None:  # fmt: skip
    """Choose it for its month; it takes the place of the one whose version is `expected` (0: of
    none), also in what was not read yet. None when somebody else was faster.
    """
    month = [Video.community_id == home.id, Video.month == draft.month]
    row = session.scalar(select(Video).where(*month).with_for_update())
    if (row.version if row else 0) != expected:
        return None
    if row is None:
        new = insert_new(
            session, Video, community_id=home.id, month=draft.month, title=draft.title,
            url=draft.url, file_id=file_id, questions=questions_to_json(draft.questions),
            version=1, chosen_by=by, created_at=now,
        )  # fmt: skip
        if new is None:
            return None
        row = session.get_one(Video, new)
    else:
        _replace(session, row, draft, file_id, by)
        for about, notice in _notices(say, _view(row)):
            firing.reword(session, about, notice)
    deliveries.cancel(session, _missing(home.id, draft.month), "chosen")
    return _view(row)


def take_back(
    session: UnitOfWork, home: CommunityView, video_id: int, version: int, before: Draft | None,
    file_id: int | None = None,
) -> bool:  # fmt: skip
    """Undo the choice that had this version: `before` is there again, or nothing.

    False when it has gone out, or another was chosen since.
    """
    row = session.get(Video, video_id, with_for_update=True)
    if row is None or row.community_id != home.id or row.version != version:
        return False
    if routine.told(session, home.id, _view(row).about):
        return False
    if before is not None:
        _replace(session, row, before, file_id, row.chosen_by)
        return True
    missing = _missing(home.id, row.month)
    session.delete(row)
    session.flush()
    deliveries.reopen(session, missing, "chosen")
    return True


def see(
    session: UnitOfWork, home: CommunityView, video_id: int, person_id: int, now: datetime
) -> Seen:
    """Somebody says that they have seen it; they are not reminded any more."""
    new = insert_new(session, View, video_id=video_id, person_id=person_id, answers="", seen_at=now)
    if new is not None:
        deliveries.cancel_for(session, person_id, "seen", TOPIC, home.id)
    row = session.scalars(_mine(video_id, person_id)).one()
    return Seen(new is not None, row.seen_at, _numbers(row.answers))


def seen(session: UnitOfWork, video_id: int, person_id: int) -> Seen | None:
    row = session.scalar(_mine(video_id, person_id))
    return Seen(False, row.seen_at, _numbers(row.answers)) if row else None


def unsee(session: UnitOfWork, video_id: int, person_id: int) -> bool:
    """Take it back, answers and all; False when there is nothing to take back."""
    gone = session.scalars(
        delete(View)
        .where(View.video_id == video_id, View.person_id == person_id)
        .returning(View.id),
        execution_options={"synchronize_session": False},
    )
    return bool(gone.all())


def answer(
    session: UnitOfWork, video: ChosenVideo, person_id: int, index: int, choice: int
) -> tuple[int, ...] | None:
    """Keep somebody's choice for the question `index` (from 0): their choices so far.

    None when it is not that question's turn.
    """
    row = session.scalar(_mine(video.id, person_id).with_for_update())
    answers = _numbers(row.answers) if row else ()
    if row is None or len(answers) != index or index >= len(video.questions):
        return None
    answers = (*answers, choice)
    row.answers = ",".join(map(str, answers))
    session.flush()
    return answers


def right_ones(video: ChosenVideo, answers: tuple[int, ...]) -> int:
    return sum(
        question.right == choice for question, choice in zip(video.questions, answers, strict=False)
    )


def counts(session: UnitOfWork, home: CommunityView, video_id: int) -> tuple[int, int]:
    """How many of those who belong here now have seen it, and how many they are."""
    people = set(person.people_of(session, home.id))
    viewers = session.scalars(select(View.person_id).where(View.video_id == video_id))
    return len(people.intersection(viewers)), len(people)


def told_notice(say: Say, video: ChosenVideo) -> Notice:
    """What everybody is sent; short, since it may be merged into the day's digest."""
    return Notice(
        "video", title=title_of(say, video), lines=(say("video.how_seen"),),
        link=Link(say("video.link"), video.url),
    )  # fmt: skip


def title_of(say: Say, video: ChosenVideo) -> str:
    return say("video.title", month=month_name(video.month), title=video.title)


def month_name(month: date) -> str:
    return f"{month.month}月"


def announce(occasion: Occasion) -> Call | Skip:
    """KINDS: the month's video to everybody; nothing where none was chosen."""
    video = _of_occasion(occasion)
    if video is None:
        return Skip(NO_VIDEO)
    if routine.told(occasion.session, occasion.home.id, video.about):
        return Skip(SENT)
    return Call(video.about, told_notice(occasion.say, video))


def warn(occasion: Occasion) -> Call | Skip:
    """KINDS: to the organisers, in good time, that none has been chosen yet."""
    month = _month(occasion)
    if of_month(occasion.session, occasion.home.id, month):
        return Skip(CHOSEN)
    about = _missing(occasion.home.id, month)
    if routine.told(occasion.session, occasion.home.id, about):
        return Skip(SENT)
    due = occasion.base.astimezone(ZoneInfo(occasion.hours.timezone))
    line = occasion.say("video.missing_how", when=spoken(due.date(), due.time()))
    notice = Notice("video", title=occasion.say("video.missing"), lines=(line,))
    return Call(about, notice, expires_at=occasion.base)


def nudge(occasion: Occasion) -> Call | Skip:
    """KINDS: once more to those who have not said that they have seen it."""
    video = _of_occasion(occasion)
    if video is None:
        return Skip(NO_VIDEO)
    (_, _), (about, notice) = _notices(occasion.say, video)
    if routine.told(occasion.session, occasion.home.id, about):
        return Skip(SENT)
    return Call(about, notice, content={"video": video.id})


def unseen(
    session: UnitOfWork, home: CommunityView, content: Mapping[str, Any], chunk: Chunk
) -> list[int]:
    """KINDS: who belongs here and has not said that they have seen the video in `content`."""
    view = exists().where(View.video_id == content["video"], View.person_id == Person.id)
    return list(
        session.scalars(
            select(Membership.person_id)
            .join(Person, Person.id == Membership.person_id)
            .where(
                Membership.community_id == home.id,
                Membership.until.is_(None),
                Membership.person_id > chunk.after,
                Person.hidden_at.is_(None),
                ~view,
            )
            .distinct()
            .order_by(Membership.person_id)
            .limit(chunk.limit)
        )
    )


def _of_occasion(occasion: Occasion) -> ChosenVideo | None:
    return of_month(occasion.session, occasion.home.id, _month(occasion))


def _month(occasion: Occasion) -> date:
    """The month that the routine's own slot is for, however long before or after it this is."""
    rule = rule_of(occasion.session, occasion.home, occasion.pack)
    if rule is None:
        return first_of(occasion.hours.day(occasion.base))
    return month_of(rule, occasion.base, occasion.hours.timezone)


def _notices(say: Say, video: ChosenVideo) -> tuple[tuple[str, Notice], tuple[str, Notice]]:
    """What is told of it, and what reminds of it, each with what it is about."""
    title = say("video.nudge", month=month_name(video.month), title=video.title)
    told = told_notice(say, video)
    reminder = Notice("video", title=title, lines=told.lines, link=told.link)
    return (video.about, told), (f"{video.about}:nudge", reminder)


def _replace(
    session: UnitOfWork, row: Video, draft: Draft, file_id: int | None, by: int | None
) -> None:
    """Who has seen the older one has still seen it; their answers were to other questions."""
    row.title, row.url, row.file_id = draft.title, draft.url, file_id
    row.questions, row.chosen_by = questions_to_json(draft.questions), by
    row.version += 1
    session.flush()
    session.execute(
        update(View).where(View.video_id == row.id).values(answers=""),
        execution_options={"synchronize_session": False},
    )


def _missing(community_id: int, month: date) -> str:
    return f"video_missing:{community_id}:{month:%Y-%m}"


def _mine(video_id: int, person_id: int) -> Any:
    return select(View).where(View.video_id == video_id, View.person_id == person_id)


def _numbers(stored: str) -> tuple[int, ...]:
    return tuple(int(one) for one in stored.split(",") if one)


def _view(row: Video) -> ChosenVideo:
    return ChosenVideo(
        row.id, row.month, row.title, row.url, row.file_id, questions_from_json(row.questions),
        row.version,
    )  # fmt: skip


ANNOUNCEMENT = Kind(ROUTINE, TOPIC, announce, CatchUp.LATEST, routine=ROUTINE, in_groups=True)
# 退订 视频 is a member's wish: an organiser still has a video to choose.
WARNING = Kind(
    "monthly_video_check", "desk", warn, CatchUp.LATEST, firing.organisers,
    Timing(lead=timedelta(days=-5)), ROUTINE,
)  # fmt: skip
NUDGE = Kind(
    "monthly_video_nudge", TOPIC, nudge, CatchUp.LATEST, unseen, Timing(lead=timedelta(days=3)),
    ROUTINE,
)  # fmt: skip
