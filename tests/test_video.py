"""The monthly video: chosen, told, nudged for, seen."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from bot.bootstrap import Application, default_community, tick_once
from bot.domain.person import Role
from bot.services import community, firing, person
from bot.storage.models import Video, VideoView
from scheduler.kinds import KINDS
from tests.conftest import HandClock
from tests.members import Member, at_once, held, organiser, rows
from tests.platform import enrol
from tests.routines import at, firings, run, told

LINK = "https://v.example.cn/12"
ASKED = f"选视频 12月 榜样\n{LINK}\n1. 谁？ A 甲 B 乙 答案 B\n2. 哪年？ A 1 B 2 C 3 答案 C\n3. 哪里？ A 东 B 西 答案 A"


def joined(application: Application, *openids: str) -> list[Member]:
    enrol(application, *openids, account="gh_1")
    return [Member(application, openid) for openid in openids]


def choose(boss: Member, text: str = ASKED) -> str:
    assert "回复 确认" in boss.say(text)
    return boss.say("确认")


def people(application: Application, topic: str) -> list[int | None]:
    return [person_id for person_id, _, _ in told(application, topic)]


# --- what is told, and when


def test_with_none_chosen_nothing_is_sent_and_that_is_shown(
    application: Application, clock: HandClock
) -> None:
    boss, _ = organiser(application, "oBoss"), joined(application, "oA")
    run(application)
    at(application, clock, "2026-12-05T19:00")
    assert firings(application, "monthly_video") == [("2026-12-05", "skipped", "no video", 0)]
    at(application, clock, "2026-12-08T19:00")
    assert firings(application, "monthly_video_nudge") == [("2026-12-08", "skipped", "no video", 0)]
    assert told(application, "video") == []
    assert "没有选视频" in boss.say("安排")


def test_five_days_before_only_the_organisers_hear_that_it_is_missing(
    application: Application, clock: HandClock
) -> None:
    boss, (member,) = organiser(application, "oBoss"), joined(application, "oA")
    boss.say("退订 全部")
    run(application)
    at(application, clock, "2026-11-30T19:00")
    ((person_id, _, notice),) = told(application, "desk")
    assert person_id == 1
    assert notice.title == "本月视频还没选"
    assert notice.lines == ("12月5日（周六）19:00 要发，请发 选视频 选一个。",)
    assert "本月视频还没选" in boss.say("帮助")
    assert "本月视频" not in member.say("帮助")


def test_the_warning_goes_when_one_is_chosen_and_is_not_sent_when_one_was(
    application: Application, clock: HandClock
) -> None:
    boss = organiser(application, "oBoss")
    run(application)
    at(application, clock, "2026-11-30T19:00")
    choose(boss)
    assert [state for _, state, _ in told(application, "desk")] == ["cancelled"]
    assert "又没有选了" in boss.say("撤销")
    # It stands again, and has ridden on the answer.
    assert [state for _, state, _ in told(application, "desk")] == ["shown"]
    choose(boss)
    choose(boss, "选视频 1月 开年 https://v.example.cn/1")
    at(application, clock, "2026-12-31T19:00")
    assert firings(application, "monthly_video_check")[-1] == (
        "2026-12-31",
        "skipped",
        "chosen already",
        0,
    )
    assert len(told(application, "desk")) == 1


def test_it_is_told_once_and_whoever_has_not_seen_it_is_nudged_once(
    application: Application, clock: HandClock
) -> None:
    boss = organiser(application, "oBoss")
    a, b, c = joined(application, "oA", "oB", "oC")
    run(application)
    choose(boss)
    c.say("退订 视频")
    at(application, clock, "2026-12-05T19:00")
    run(application)
    assert people(application, "video") == [1, 2, 3]
    notice = told(application, "video")[0][2]
    assert (notice.title, notice.lines) == ("12月视频：榜样", ("看完回复 已看",))
    assert notice.link is not None
    assert notice.link.url == LINK
    a.say("已看")
    assert [state for _, state, _ in told(application, "video")] == ["held", "cancelled", "held"]
    at(application, clock, "2026-12-08T19:00")
    run(application)
    nudged = told(application, "video")[3:]
    assert [person_id for person_id, _, _ in nudged] == [1, 3]
    assert nudged[0][2].title == "还没看12月视频：榜样"
    b.say("已看")
    at(application, clock, "2026-12-31T12:00")
    assert len(told(application, "video")) == 5


def test_the_nudge_reaches_everybody_in_chunks(application: Application, clock: HandClock) -> None:
    """A chunk is as many as are left to be told, not as many as were looked at."""
    members = joined(application, *(f"o{number}" for number in range(9)))
    boss = organiser(application, "oBoss")
    run(application)
    choose(boss)
    at(application, clock, "2026-12-05T19:00")
    for member in members[:4]:
        member.say("已看")
    clock.forward(timedelta(days=3))
    tick_once(application)
    kinds = {kind.name: kind for kind in KINDS}
    told_now: int | None = 0
    while told_now is not None:
        with application.database.begin() as session:
            told_now = firing.expand(session, kinds, clock.now(), chunk=2)
    assert people(application, "video")[10:] == [5, 6, 7, 8, 9, 10]


def test_late_by_two_days_it_is_sent_late_by_four_it_is_skipped(
    application: Application, clock: HandClock
) -> None:
    boss = organiser(application, "oBoss")
    run(application)
    choose(boss)
    choose(boss, "选视频 1月 开年 https://v.example.cn/1")
    at(application, clock, "2026-12-07T18:00")
    assert firings(application, "monthly_video") == [("2026-12-05", "done", "", 1)]
    at(application, clock, "2027-01-09T19:01")
    assert firings(application, "monthly_video")[-1] == ("2027-01-05", "skipped", "too late", 0)


def test_the_month_goes_over_the_end_of_the_year(
    application: Application, clock: HandClock
) -> None:
    boss, (member,) = organiser(application, "oBoss"), joined(application, "oA")
    run(application)
    choose(boss)
    at(application, clock, "2026-12-20T10:00")
    assert "1月5日（周二）19:00 发给 2 人" in boss.say("选视频 1月 开年 https://v.example.cn/1")
    assert "选好了，2027年1月的视频：开年" in boss.say("确认")
    at(application, clock, "2027-01-03T10:00")
    assert "本月还没有视频，这是12月的。" in member.say("视频")
    at(application, clock, "2027-01-05T19:00")
    assert "1月视频：开年" in member.say("视频")
    assert [notice.title for person_id, _, notice in told(application, "video") if person_id == 1][
        -1
    ] == "1月视频：开年"


def test_a_rule_that_is_moved_within_the_month_does_not_tell_twice(
    application: Application, clock: HandClock
) -> None:
    boss = organiser(application, "oBoss")
    run(application)
    choose(boss)
    at(application, clock, "2026-12-05T19:00")
    boss.say("安排 视频 每月20日 19:00")
    boss.say("确认")
    at(application, clock, "2026-12-20T19:00")
    assert [found[1:3] for found in firings(application, "monthly_video")] == [
        ("done", ""),
        ("skipped", "already sent"),
    ]
    assert "12月视频：榜样" in boss.say("视频")
    assert "1月的视频要选" in boss.say("选视频 开年 https://v.example.cn/1")


def test_nobody_elses_community_is_told_or_shown(
    application: Application, clock: HandClock
) -> None:
    boss = organiser(application, "oBoss")
    (guest,) = joined(application, "oGuest")
    with application.database.begin() as session:
        settings = default_community(application.settings)
        other = community.add(session, "二支部", settings, clock.now(), packs=(settings.pack,))
        person.revoke(session, 2, 1, Role.MEMBER, clock.now())
        person.grant(session, 2, other.id, Role.MEMBER, clock.now())
    run(application)
    choose(boss)
    at(application, clock, "2026-12-05T19:00")
    assert people(application, "video") == [1]
    assert "本月还没有视频" in guest.say("视频")
    assert "本月还没有视频" in guest.say("已看")


def test_the_preview_says_what_will_be_told_to_how_many(
    application: Application, clock: HandClock
) -> None:
    boss, (member, _) = organiser(application, "oBoss"), joined(application, "oA", "oB")
    run(application)
    choose(boss, "选视频 本月 补上的 https://v.example.cn/11")
    choose(boss)
    member.say("已看")
    kinds = {kind.name: kind for kind in KINDS}
    with application.database.read() as session:
        coming = firing.preview(
            session, kinds, application.library.packs, clock.now(), clock.now() + timedelta(days=45)
        )
    found = [(one.kind, one.reason, len(one.people)) for one in coming if "video" in one.kind]
    assert found == [
        ("monthly_video_check", "chosen already", 0),
        ("monthly_video", "", 3),
        ("monthly_video_nudge", "", 3),
        ("monthly_video_check", "", 1),
        ("monthly_video", "no video", 0),
    ]


# --- choosing


def test_the_second_choice_for_a_month_takes_the_place_of_the_first(
    application: Application, clock: HandClock
) -> None:
    boss, (member,) = organiser(application, "oBoss"), joined(application, "oA")
    run(application)
    choose(boss)
    at(application, clock, "2026-12-05T19:00")
    member.say("已看")
    read_back = boss.say("选视频 12月 另一部 https://v.example.cn/other")
    assert "会换掉原来的：榜样" in read_back
    assert "收到的人不另行通知" in read_back
    assert "1 人看过原来的" in read_back
    assert "不会再自动发" not in read_back
    boss.say("确认")
    assert rows(application, Video) == 1
    # Who had not read it yet reads of the new one; who had is told nothing.
    assert [(state, notice.title) for _, state, notice in told(application, "video")] == [
        ("shown", "12月视频：另一部"), ("cancelled", "12月视频：榜样"),
    ]  # fmt: skip
    assert "12月视频：另一部" in member.say("视频")
    assert "今天已经记过了" in member.say("已看")
    assert "撤不回" in boss.say("撤销")


def test_of_two_organisers_the_second_is_told_of_the_first(application: Application) -> None:
    one, two = organiser(application, "oBoss"), organiser(application, "oOther")
    one.say(ASKED)
    two.say("选视频 12月 另一部 https://v.example.cn/other")
    assert "选好了" in one.say("确认")
    assert "没有动" in two.say("确认")
    assert "会换掉原来的：榜样" in two.say("选视频 12月 另一部 https://v.example.cn/other")


def test_two_confirmations_at_once_choose_one(application: Application) -> None:
    one, two = organiser(application, "oBoss"), organiser(application, "oOther")
    one.say(ASKED)
    two.say("选视频 12月 另一部 https://v.example.cn/other")
    said = at_once(lambda: one.say("确认"), lambda: two.say("确认"))
    assert sorted("选好了" in text for text in said) == [False, True]
    assert rows(application, Video) == 1


def test_撤销_until_it_has_gone_out(application: Application, clock: HandClock) -> None:
    boss = organiser(application, "oBoss")
    run(application)
    choose(boss)
    at(application, clock, "2026-12-05T18:59")
    assert "又没有选了" in boss.say("撤销")
    choose(boss)
    at(application, clock, "2026-12-05T19:00")
    assert "撤不回" in boss.say("撤销")
    assert rows(application, Video) == 1


def test_undoing_a_replacement_after_somebody_elses_does_nothing(application: Application) -> None:
    one, two = organiser(application, "oBoss"), organiser(application, "oOther")
    choose(one)
    choose(two, "选视频 12月 另一部 https://v.example.cn/other")
    assert "撤不回" in one.say("撤销")
    assert "12月的视频还是：榜样" in two.say("撤销")


# --- seeing


@pytest.fixture
def shown(application: Application, clock: HandClock) -> Member:
    """An organiser; December's video with its questions has been told."""
    boss = organiser(application, "oBoss")
    run(application)
    choose(boss)
    at(application, clock, "2026-12-05T19:00")
    return boss


def test_seen_twice_at_once_is_one_row(application: Application, shown: Member) -> None:
    (member,) = joined(application, "oA")
    said = at_once(*[lambda: member.say("已看")] * 3)
    assert sum("记下了" in text for text in said) == 1
    assert rows(application, VideoView) == 1


def test_answers_count_once_and_only_for_the_questions_that_were_asked(
    application: Application, shown: Member, clock: HandClock
) -> None:
    (member,) = joined(application, "oA")
    member.say("已看")
    assert "答对了" in member.say("2")
    assert "第 3 题" in member.say("1")
    choose(shown, "选视频 12月 另一部 https://v.example.cn/other")
    assert "题目换了" in member.say("1")
    assert "今天已经记过了" in member.say("已看")
    with application.database.read() as session:
        assert session.scalars(select(VideoView.answers)).all() == [""]


def test_撤销_takes_it_back_for_ten_minutes(
    application: Application, shown: Member, clock: HandClock
) -> None:
    (member,) = joined(application, "oA")
    member.say("已看")
    assert "收回了" in member.say("撤销")
    assert "答过了" in member.say("1")
    assert rows(application, VideoView) == 0
    member.say("已看")
    clock.forward(timedelta(minutes=11))
    assert "没有可以撤销的事" in member.say("撤销")
    assert rows(application, VideoView) == 1


def test_organisers_read_counts_and_never_names(application: Application, shown: Member) -> None:
    a, _ = joined(application, "oA", "oB")
    a.say("已看")
    assert "看过 1 人，共 3 人。" in shown.say("视频")
    assert "人，共" not in a.say("视频")


def test_a_group_gets_title_and_link_alone(application: Application, shown: Member) -> None:
    joined(application, "oA")
    inside = Member(application, "oA", group="g1")
    assert Member(application, "oBoss", group="g1").say("视频") == "12月视频：榜样"
    assert inside.say("已看").strip() == "记下了。"
    assert inside.say("已看").strip() == "记下了。"
    assert inside.say("视频") == "12月视频：榜样"
    assert "第 1 题" in Member(application, "oA").say("已看")


def test_it_is_in_the_mailbox_with_its_link(application: Application, shown: Member) -> None:
    assert f"12月视频：榜样\n看完回复 已看\n点开看：{LINK}" in shown.say("收件箱")


def test_what_somebody_has_seen_is_exported_and_deleted_with_them(
    application: Application, shown: Member, clock: HandClock
) -> None:
    shown.say("已看")
    shown.say("1")
    assert "看过的视频" in shown.say("我的数据")
    shown.say("删除")
    shown.say("确认")
    clock.forward(timedelta(days=15))
    run(application)
    assert rows(application, VideoView) == 0
    assert rows(application, Video) == 1
    assert held(application, "oBoss") == set()
