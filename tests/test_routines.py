"""Routines: declared once for each community, moved and stopped by its organisers, said plainly."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, select

from bot.bootstrap import ROUTINES, Application, default_community, tick_once
from bot.domain.manner import plain, plain_text
from bot.domain.messages import Link, Notice, Option
from bot.domain.routine import routine_rule
from bot.domain.schedule import Rule
from bot.domain.schedule_text import RuleProblem
from bot.errors import ContentError
from bot.services import community, routine
from bot.storage.models import AuditEntry, Schedule
from content import loader
from content.check import unknown_kinds
from scheduler.kinds import KINDS
from tests.conftest import HandClock
from tests.members import Member, organiser
from tests.routines import at, firings, run, told
from tests.test_content import pack, problems

KINDS_BY_NAME = {kind.name: kind for kind in KINDS}
DAILY = {"study_card", "monthly_video", "monthly_video_check", "monthly_video_nudge"}


def schedules(application: Application) -> dict[str, tuple[str, str, datetime | None]]:
    """Rule, state and next slot by key."""
    with application.database.read() as session:
        return {
            row.key: (row.rule, row.state, row.next_slot)
            for row in session.scalars(select(Schedule))
        }


def slot(application: Application, kind: str) -> datetime:
    found = schedules(application)[f"routine:1:{kind}"][2]
    assert found is not None
    return found


def declare(application: Application, now: datetime) -> int:
    with application.database.begin() as session:
        return routine.declare_all(session, application.library.packs, KINDS_BY_NAME, now)


def test_each_community_gets_its_packs_routines_once(
    application: Application, clock: HandClock
) -> None:
    tick_once(application)
    first = schedules(application)
    assert set(first) == {f"routine:1:{kind}" for kind in DAILY}
    with application.database.begin() as session:
        settings = default_community(application.settings)
        community.add(session, "二支部", settings, clock.now(), packs=(settings.pack,))
    clock.forward(timedelta(hours=1))
    tick_once(application)
    assert set(schedules(application)) - set(first) == {f"routine:2:{kind}" for kind in DAILY}
    assert {key: schedules(application)[key] for key in first} == first
    assert declare(application, clock.now()) == 0


def test_what_follows_a_routine_is_due_before_and_after_it(application: Application) -> None:
    tick_once(application)
    video = slot(application, "monthly_video")
    assert video == datetime(2026, 12, 5, 11, 0, tzinfo=UTC)
    assert slot(application, "monthly_video_check") == video - timedelta(days=5)
    # 8 November is over: the first reminder is December's.
    assert slot(application, "monthly_video_nudge") == video + timedelta(days=3)


def test_with_nothing_to_declare_it_is_one_query(
    application: Application, clock: HandClock
) -> None:
    declare(application, clock.now())
    statements: list[str] = []

    def count(*arguments: Any) -> None:
        statements.append(arguments[2])

    with application.database.begin() as session:
        event.listen(session.core, "before_cursor_execute", count)
        assert (
            routine.declare_all(session, application.library.packs, KINDS_BY_NAME, clock.now()) == 0
        )
        event.remove(session.core, "before_cursor_execute", count)
    assert len(statements) == 1


def test_a_restart_does_not_move_what_is_due(application: Application, clock: HandClock) -> None:
    """Nothing ran for a day: the slot that was missed is still the next one, and is then skipped."""
    tick_once(application)
    missed = slot(application, "study_card")
    clock.forward(timedelta(days=1, hours=2))
    assert declare(application, clock.now()) == 0
    assert slot(application, "study_card") == missed
    run(application)
    assert firings(application, "study_card") == [("2026-11-23", "skipped", "too late", 0)]
    assert slot(application, "study_card") == missed + timedelta(days=1)


def test_a_new_rule_moves_what_follows_too_and_stays(
    application: Application, clock: HandClock
) -> None:
    boss = organiser(application, "oBoss")
    boss.say("安排 视频 每月10日 12:00")
    assert "改好了，视频：每月10日 12:00，下次 12月10日（周四）12:00" in boss.say("确认")
    video = slot(application, "monthly_video")
    assert video == datetime(2026, 12, 10, 4, 0, tzinfo=UTC)
    assert slot(application, "monthly_video_check") == video - timedelta(days=5)
    assert slot(application, "monthly_video_nudge") == video + timedelta(days=3)
    tick_once(application)
    assert slot(application, "monthly_video") == video
    with application.database.read() as session:
        notes = session.scalars(select(AuditEntry.action)).all()
    assert notes.count("schedule changed") == 1


def test_what_is_stopped_is_not_told_until_it_is_started(
    application: Application, clock: HandClock
) -> None:
    boss = organiser(application, "oBoss")
    boss.say("安排 学习卡 停")
    at(application, clock, "2026-11-24T19:30")
    assert told(application, "study_card") == []
    assert "下次 11月25日（周三）19:00" in boss.say("安排 学习卡 开")
    at(application, clock, "2026-11-25T19:30")
    assert [state for _, state, _ in told(application, "study_card")] == ["held"]


def test_a_stopped_routine_with_a_new_rule_goes_on_and_撤销_stops_it_again(
    application: Application,
) -> None:
    boss = organiser(application, "oBoss")
    boss.say("安排 学习卡 停")
    boss.say("安排 学习卡 每天 8:00")
    boss.say("确认")
    assert schedules(application)["routine:1:study_card"][:2] == ("每天 08:00", "active")
    boss.say("撤销")
    assert schedules(application)["routine:1:study_card"] == ("每天 19:00", "stopped", None)


def test_what_was_not_sent_is_shown_with_the_reason(
    application: Application, clock: HandClock
) -> None:
    boss = organiser(application, "oBoss")
    run(application)
    at(application, clock, "2026-12-05T19:01")
    said = boss.say("安排")
    assert "上次（12月5日（周六）19:00）没有发：没有选视频" in said
    assert "1月视频还没选" in said


def test_an_organiser_of_two_communities_moves_only_the_current_one(
    application: Application, clock: HandClock
) -> None:
    with application.database.begin() as session:
        settings = default_community(application.settings)
        community.add(session, "二支部", settings, clock.now(), packs=(settings.pack,))
    boss = organiser(application, "oBoss")
    tick_once(application)
    boss.say("安排 学习卡 每天 7:00")
    boss.say("确认")
    assert schedules(application)["routine:1:study_card"][0] == "每天 07:00"
    assert schedules(application)["routine:2:study_card"][0] == "每天 19:00"


def test_only_organisers_in_private(application: Application) -> None:
    organiser(application, "oBoss")
    assert "请私聊我" in Member(application, "oBoss", group="g1").say("安排")
    assert "要先绑定" in Member(application, "oStranger").say("安排 学习卡 停")


def test_every_routine_has_its_name(application: Application) -> None:
    for one in application.library.packs.values():
        for name in ROUTINES:
            assert f"schedule.{name}" in one.messages


@pytest.mark.parametrize(
    ("kind", "text", "key"),
    [
        ("study_card", "每天 12:30", ""),
        ("study_card", "每周五 19:00", ""),
        ("study_card", "常常", "schedule.none"),
        ("study_card", "每天", "schedule.no_time"),
        ("study_card", "提前1天 19:00", "schedule.from_event"),
        ("monthly_video", "每月最后一天 19:00", ""),
        ("monthly_video", "每月第二个周五 19:00", ""),
        ("monthly_video", "每月第一个工作日 9:00", ""),
        ("monthly_video", "每天 19:00", "schedule.not_monthly"),
        ("monthly_video", "每年7月1日 19:00", "schedule.not_monthly"),
    ],
)  # fmt: skip
def test_which_rules_a_routine_may_have(kind: str, text: str, key: str) -> None:
    found = routine_rule(kind, text)
    assert found.key == key if isinstance(found, RuleProblem) else not key
    assert isinstance(found, Rule) or application_says(found.key)


@pytest.mark.parametrize(
    ("before", "text", "after"),
    [
        ("每月5日 19:00", "每月最后一天", "每月最后一天 19:00"),
        ("每月5日 19:00 遇假日顺延", "8点", "每月5日 08:00 遇假日顺延"),
        ("每天 19:00", "改到早上8点", "每天 08:00"),
        ("每天 19:00", "周一到周五 12:30", "每周一、二、三、四、五 12:30"),
        ("每天 19:00", "工作日", "每个工作日 19:00"),
        ("每天 19:00", "工作日每天 7:30", "每个工作日 07:30"),
        ("每天 19:00", "每天早上", "schedule.no_time"),
        ("每天 19:00", "25点", "dates.no_time"),
        ("每天 19:00", "12:30 左右吧", "schedule.none"),
        ("每天 19:00", "常常", "schedule.none"),
    ],
)
def test_what_a_change_leaves_out_stays(before: str, text: str, after: str) -> None:
    rule = routine_rule("study_card", before)
    assert isinstance(rule, Rule)
    found = routine_rule("study_card", text, rule)
    assert (found.text if isinstance(found, Rule) else found.key) == after


def application_says(key: str) -> bool:
    return key in loader.load().packs["party-branch"].messages


def test_a_pack_moves_single_routines_and_replaces_the_reminders(tmp_path: Path) -> None:
    pack(tmp_path, "base", """
[[routine]]
kind = "study_card"
rule = "每天 19:00"
[[routine]]
kind = "monthly_video"
rule = "每月5日 19:00"
[[reminder]]
kind = "meeting_reminder"
rule = "提前1小时"
[[day]]
date = "01-02"
name = "甲"
manner = "plain"
source = "某"
checked_on = "2026-11-23"
[study_card]
skipped_topics = ["t"]
""", "routines.toml")  # fmt: skip
    pack(
        tmp_path,
        "club",
        '[[routine]]\nkind = "study_card"\nrule = "每周一 8:00"\n',
        "routines.toml",
    )
    pack(tmp_path, "class", "reminder = []\n", "routines.toml")
    packs = loader.load(tmp_path).packs
    club, klass = packs["club"].routines, packs["class"].routines
    assert club.rules == {"study_card": "每周一 8:00", "monthly_video": "每月5日 19:00"}
    assert [one.rule for one in club.reminders] == ["提前1小时"]
    assert klass.reminders == ()
    assert club.is_plain(date(2027, 1, 2))
    assert not club.is_plain(date(2027, 1, 3))
    assert club.skipped_topics == {"t"}


def test_every_problem_of_a_packs_routines_is_named(tmp_path: Path) -> None:
    pack(tmp_path, "base", '[[routine]]\nkind = "study_card"\nrule = "常常"\n', "routines.toml")
    pack(tmp_path, "club", """
[[routine]]
kind = "monthly_video"
rule = "每天 19:00"
[[day]]
date = "02-30"
name = "甲"
manner = "loud"
source = ""
checked_on = "2026-11-23"
[[reminder]]
kind = "meeting_reminder"
rule = "每天 19:00"
[[reminder]]
kind = "party"
rule = "提前1天"
""", "routines.toml")  # fmt: skip
    pack(
        tmp_path,
        "twice",
        '[[routine]]\nkind = "study_card"\nrule = "每天 19:00"\n' * 2,
        "routines.toml",
    )
    found = problems(tmp_path)
    for part in (
        "base/routines.toml: routine: study_card: rule: '常常' is no rule for it (schedule.none)",
        "club/routines.toml: routine: monthly_video: rule: '每天 19:00' is no rule for it (schedule.not_monthly)",
        "day: 0: date", "day: 0: manner", "day: 0: source",
        "reminder: meeting_reminder: rule: '每天 19:00' does not count from a meeting",
        "reminder: party: kind", "twice/routines.toml: routine: study_card: used twice",
    ):  # fmt: skip
        assert part in found


def test_a_routine_that_nobody_brings_about_is_refused(tmp_path: Path) -> None:
    pack(tmp_path, "base", "")
    pack(
        tmp_path,
        "club",
        '[[routine]]\nkind = "meeting_plan"\nrule = "每天 19:00"\n',
        "routines.toml",
    )
    library = loader.load(tmp_path)
    assert list(unknown_kinds(library.packs["club"], ROUTINES)) == [
        "club/routines.toml: routine: meeting_plan: is none of monthly_video, study_card"
    ]


def test_bootstrap_refuses_an_unknown_routine(application: Application, tmp_path: Path) -> None:
    from bot.bootstrap import load_content

    pack(tmp_path, "base", "")
    pack(
        tmp_path,
        "party-branch",
        '[[routine]]\nkind = "party"\nrule = "每天 19:00"\n',
        "routines.toml",
    )
    settings = application.settings.model_copy(
        update={"content": application.settings.content.model_copy(update={"dir": tmp_path})}
    )
    with pytest.raises(ContentError, match="party: is none of"):
        load_content(settings)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("今天开会！🎉", "今天开会。"),
        ("加油!!! 冲🚀吧", "加油。 冲吧"),
        ("好！记得带书。！", "好。记得带书。"),
        ("真的吗？！", "真的吗？"),
        ("看 https://x.cn/!a?b=! 吧！", "看 https://x.cn/!a?b=! 吧。"),
        ("1️⃣ 甲 ❤️ 乙 🇨🇳", "1 甲 乙"),
        ("①《可爱的中国》“清贫”（1935）", "①《可爱的中国》“清贫”（1935）"),
        ("", ""),
    ],
)  # fmt: skip
def test_plain_wording(text: str, said: str) -> None:
    assert plain_text(text) == said
    assert plain_text(said) == said


def test_a_plain_notice_keeps_its_link_and_what_is_sent() -> None:
    notice = Notice(
        "k", "题！", ("行🎉",), "据！", Link("点！", "https://x.cn/!"), (Option("1", "好！"),)
    )
    assert plain(notice) == Notice(
        "k", "题。", ("行",), "据。", Link("点。", "https://x.cn/!"), (Option("1", "好。"),)
    )


def test_days_of_remembrance_of_the_party_pack_have_their_source(application: Application) -> None:
    days = application.library.packs["party-branch"].routines.days
    assert set(days) == {"09-18", "09-30", "12-13"}
    assert all(day.source and day.manner == "plain" for day in days.values())
    assert not application.library.packs["base"].routines.days


def test_on_a_day_of_remembrance_what_is_pushed_is_plain(
    application: Application, clock: HandClock
) -> None:
    boss = organiser(application, "oBoss")
    for rule, when in (
        ("每月13日 19:00", "2026-12-13T19:05"),
        ("每月14日 19:00", "2027-01-14T19:05"),
    ):
        boss.say(f"安排 视频 {rule}")
        boss.say("确认")
        boss.say("选视频 榜样！🎉 https://v.example.cn/!a")
        assert "选好了" in boss.say("确认")
        at(application, clock, when)
    plainly, as_chosen = [notice for _, _, notice in told(application, "video")]
    assert plainly.title == "12月视频：榜样。"
    assert plainly.link is not None
    assert plainly.link.url == "https://v.example.cn/!a"
    assert as_chosen.title == "1月视频：榜样！🎉"
