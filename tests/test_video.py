"""The monthly video: chosen, told, nudged for, seen; by a link or as a file of our own."""

import io
import json
from collections.abc import Iterator
from contextlib import chdir
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from bot.bootstrap import Application, build, default_community, prepare_database, tick_once
from bot.cli import main
from bot.cli.config_file import render
from bot.config import load_settings
from bot.domain.person import Role
from bot.domain.schedule import Rule
from bot.domain.schedule_text import parse_rule
from bot.domain.video import Draft, Question, month_come, month_coming, month_of, slot_of
from bot.domain.video_text import VideoProblem, parse_video, question_problem
from bot.errors import FileRefused
from bot.files import Files, type_of
from bot.services import community, files, firing, person, video
from bot.storage.models import StoredFile, Video, VideoView
from bot.web.app import create_app
from scheduler.kinds import KINDS
from tests.conftest import HandClock
from tests.members import Member, at_once, held, organiser, rows
from tests.platform import AES_KEY, APP_ID, TOKEN, enrol
from tests.routines import at, firings, run, told

TODAY, NEXT = date(2026, 11, 23), date(2026, 12, 1)
MP4 = b"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00isomiso2avc1mp41" + bytes(range(256)) * 8
PNG = b"\x89PNG\r\n\x1a\n" + b"picture"
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
    assert "说过看过了" in member.say("已看")
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


@pytest.mark.parametrize(
    ("text", "title", "url", "month"),
    [
        ("12月 榜样\nhttps://a.cn/1", "榜样", "https://a.cn/1", NEXT),
        ("榜样 https://a.cn/1", "榜样", "https://a.cn/1", NEXT),
        ("https://a.cn/1\n榜样", "榜样", "https://a.cn/1", NEXT),
        ("１２月：《榜样》（上）！\nHTTP://a.cn/1?b=2&c=%E4#d", "《榜样》（上）！", "HTTP://a.cn/1?b=2&c=%E4#d", NEXT),
        ("本月 榜样\nhttps://a.cn", "榜样", "https://a.cn", date(2026, 11, 1)),
        ("下个月，榜样\nhttps://a.cn。", "榜样", "https://a.cn", NEXT),
        ("2027年3月份 榜样\nhttps://a.cn", "榜样", "https://a.cn", date(2027, 3, 1)),
        ("三月 榜样\nhttps://a.cn", "榜样", "https://a.cn", date(2027, 3, 1)),
        ("1.5亿人的脱贫\nhttps://a.cn", "1.5亿人的脱贫", "https://a.cn", NEXT),
        ("看这个：https://a.cn/1", "看这个", "https://a.cn/1", NEXT),
    ],
)  # fmt: skip
def test_what_is_understood(text: str, title: str, url: str, month: date) -> None:
    assert parse_video(text, TODAY, NEXT) == Draft(month, title, url)


@pytest.mark.parametrize(
    "line",
    [
        "1. 谁？ A 甲 B 乙 C 丙 答案 B", "1、谁？A甲B乙C丙（答案：B）", "１）谁？　Ａ.甲　Ｂ.乙　Ｃ.丙　答案：Ｂ",
        "第1题：谁？ a. 甲 b. 乙 c. 丙 正确答案是b。", "(1) 谁？ ①甲 ②乙 ③丙 答案：2", "1. 谁？\nA 甲\nB 乙\nC 丙\n答案 ②",
        "一、谁？ A、甲； B、乙； C、丙； 答案为 B",
    ],
)  # fmt: skip
def test_one_question_in_many_forms(line: str) -> None:
    found = parse_video(f"榜样\nhttps://a.cn\n{line}\n{line}\n{line}", TODAY, NEXT)
    assert isinstance(found, Draft), found
    assert set(found.questions) == {Question("谁？", ("甲", "乙", "丙"), 2)}


GOOD = "2. 谁？ A 甲 B 乙 答案 A\n3. 谁？ A 甲 B 乙 答案 A"


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("榜样", "no_link"), ("https://a.cn", "no_title"), ("12月 https://a.cn", "no_title"),
        ("榜样\nwww.a.cn", "bad_link"), ("榜样\nftp://a.cn/1", "bad_link"), ("榜样\njavascript:alert(1)", "bad_link"),
        ("榜样\nhttps://a.cn\nfile:///etc/passwd", "bad_link"), ("榜样\nhttps://a@b.cn", "bad_link"),
        ("榜样\nhttps://[::1", "bad_link"), ("榜样\nhttps://a.cn:99999/", "bad_link"),
        ("榜样\nhttps://a.cn https://b.cn", "two_links"), ("榜样\nhttps://a.cn/" + "a" * 500, "long_link"),
        ("榜" * 61 + "\nhttps://a.cn", "long_title"), ("榜样\n第二行\nhttps://a.cn", "not_understood"),
        ("10月 榜样\nhttps://a.cn", "past_month"), ("2026年10月 榜样\nhttps://a.cn", "past_month"),
        ("2028年10月 榜样\nhttps://a.cn", "past_month"), ("13月 榜样\nhttps://a.cn", "no_month"), ("0月 榜样\nhttps://a.cn", "no_month"),
        (f"榜样\nhttps://a.cn\n{GOOD}", "count"), (f"榜样\nhttps://a.cn\n{GOOD}\n{GOOD}", "count"),
        (f"榜样\nhttps://a.cn\n1. 谁？\n{GOOD}", "no_options"), (f"榜样\nhttps://a.cn\n1. 谁？ A 甲 B 乙\n{GOOD}", "no_answer"),
        (f"榜样\nhttps://a.cn\n1. A 甲 B 乙 答案 A\n{GOOD}", "no_question"), (f"榜样\nhttps://a.cn\n1. 谁？ A 甲 答案 A\n{GOOD}", "options"),
        (f"榜样\nhttps://a.cn\n1. 谁？ A 1 B 2 C 3 D 4 E 5 答案 A\n{GOOD}", "options"),
        (f"榜样\nhttps://a.cn\n1. 谁？ A B 乙 答案 B\n{GOOD}", "empty_option"),
        (f"榜样\nhttps://a.cn\n1. 谁？ A 甲 B 甲 答案 B\n{GOOD}", "same_options"),
        (f"榜样\nhttps://a.cn\n1. 谁？ A 甲 B 乙 答案 C\n{GOOD}", "answer_range"),
        (f"榜样\nhttps://a.cn\n1. 谁？ A 甲 B 乙 答案 0\n{GOOD}", "answer_range"),
        (f"榜样\nhttps://a.cn\n1. {'谁' * 121}？ A 甲 B 乙 答案 A\n{GOOD}", "long_question"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_a_sentence(text: str, key: str, application: Application) -> None:
    found = parse_video(text, TODAY, NEXT)
    assert isinstance(found, VideoProblem)
    assert found.key == f"video.{key}"
    assert application.library.packs["party-branch"].messages.say(found.key, **found.fields)


@given(st.text(alphabet="选视频12月.、 \n:：/ABCDabc答案htps谁？①（）0９本下", max_size=120))
def test_any_text_is_a_draft_or_a_problem(text: str) -> None:
    found = parse_video(text, TODAY, NEXT)
    assert isinstance(found, Draft | VideoProblem)
    if isinstance(found, Draft):
        assert found.url.lower().startswith(("http://", "https://"))
        assert len(found.questions) in (0, 3)
        assert not any(question_problem(1, question) for question in found.questions)
        assert Draft.from_payload(json.loads(json.dumps(found.to_payload()))) == found


def rule(text: str) -> Rule:
    found = parse_rule(text)
    assert isinstance(found, Rule)
    return found


def utc(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+08:00").astimezone(UTC)


def test_the_month_is_that_of_the_date_before_a_holiday_moved_it() -> None:
    early, late = rule("每月1日 19:00 遇假日提前"), rule("每月最后一天 19:00 遇假日顺延")
    zone = "Asia/Shanghai"
    assert month_of(early, utc("2026-09-30T19:00"), zone) == date(2026, 10, 1)
    assert month_of(late, utc("2026-11-02T19:00"), zone) == date(2026, 10, 1)
    assert month_coming(early, utc("2026-09-20T12:00"), zone) == (
        date(2026, 10, 1),
        utc("2026-09-30T19:00"),
    )
    assert month_come(early, utc("2026-09-30T19:00"), zone) == date(2026, 10, 1)
    assert month_of(rule("每月5日 19:00"), utc("2026-12-05T19:00"), zone) == NEXT
    assert slot_of(rule("每月5日 19:00"), date(2027, 1, 1), utc("2026-11-23T09:00"), zone) == utc(
        "2027-01-05T19:00"
    )
    assert slot_of(rule("每月5日 19:00"), date(2026, 11, 1), utc("2026-11-23T09:00"), zone) is None


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
    assert "说过看过了" in member.say("已看")
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
    assert inside.say("已看").strip() == "已经记过了。"
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


# --- files


@pytest.mark.parametrize(
    ("head", "content_type"),
    [
        (MP4, "video/mp4"), (b"%PDF-1.7\n", "application/pdf"), (PNG, "image/png"), (b"\xff\xd8\xff\xe0JFIF", "image/jpeg"),
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic", None), (b"<html><script>", None), (b"GIF89a", None),
        (b"MZ\x90\x00", None), (b"PK\x03\x04", None), (b"", None), (b"\x00" * 64, None), (b"ftyp", None),
    ],
)  # fmt: skip
def test_the_type_is_what_the_bytes_say(head: bytes, content_type: str | None) -> None:
    assert type_of(head[:64]) == content_type


def test_bytes_are_kept_once_and_whole_or_not_at_all(tmp_path: Path) -> None:
    kept = Files(tmp_path / "files", limit=4096)
    one, two = kept.keep(io.BytesIO(MP4)), kept.keep(io.BytesIO(MP4))
    assert one == two
    assert one.size == len(MP4)
    path = kept.path(one.sha256)
    assert path is not None
    assert path.read_bytes() == MP4
    with pytest.raises(FileRefused, match="larger than"):
        kept.keep(io.BytesIO(MP4 * 3))
    with pytest.raises(FileRefused, match="no MP4"):
        kept.keep(io.BytesIO(b""))
    assert [file.name for file in (tmp_path / "files").iterdir()] == [one.sha256]


@pytest.mark.parametrize(
    "name", ["", "..", "../xueban.db", "/etc/passwd", "a" * 63, "A" * 64, f"{'a' * 64}\n"]
)
def test_no_other_file_has_a_path(tmp_path: Path, name: str) -> None:
    (tmp_path / "xueban.db").write_bytes(b"secret")
    folder = tmp_path / "files"
    folder.mkdir()
    assert Files(folder).path(name) is None


@pytest.fixture
def client(application: Application) -> Iterator[FlaskClient]:
    with create_app(application).test_client() as client:
        yield client


def stored(application: Application, content: bytes, name: str = "榜样 1.mp4") -> str:
    kept = Files(application.settings.storage.data_dir / "files").keep(io.BytesIO(content))
    with application.database.begin() as session:
        return files.add(session, 1, name, kept, None, application.clock.now()).token


def test_whoever_has_the_link_gets_the_bytes(application: Application, client: FlaskClient) -> None:
    token = stored(application, MP4)
    assert len(token) == 32
    answer = client.get(f"/files/{token}", buffered=True)
    assert answer.data == MP4
    assert answer.content_type == "video/mp4"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "private" in answer.headers["Cache-Control"]
    assert "public" not in answer.headers["Cache-Control"]
    again = client.get(
        f"/files/{token}", headers={"If-None-Match": answer.headers["ETag"]}, buffered=True
    )
    assert (again.status_code, again.data) == (304, b"")
    head = client.head(f"/files/{token}", buffered=True)
    assert (head.headers["Content-Length"], head.data) == (str(len(MP4)), b"")


@pytest.mark.parametrize(
    ("asked", "status", "begin", "end"),
    [("bytes=0-1", 206, 0, 2), ("bytes=100-199", 206, 100, 200), ("bytes=-10", 206, -10, None), ("bytes=2000-", 206, 2000, None)],
)  # fmt: skip
def test_a_player_gets_the_part_that_it_asks_for(
    application: Application,
    client: FlaskClient,
    asked: str,
    status: int,
    begin: int,
    end: int | None,
) -> None:
    answer = client.get(
        f"/files/{stored(application, MP4)}", headers={"Range": asked}, buffered=True
    )
    assert answer.status_code == status
    assert answer.data == MP4[begin:end]
    assert answer.headers["Content-Range"].endswith(f"/{len(MP4)}")


def test_a_range_beyond_the_end_is_refused(application: Application, client: FlaskClient) -> None:
    answer = client.get(
        f"/files/{stored(application, MP4)}", headers={"Range": "bytes=999999-"}, buffered=True
    )
    assert answer.status_code == 416


@pytest.mark.parametrize(
    "path",
    [
        "/files/", "/files", "/files/wrong", "/files/../xueban.db", "/files/%2e%2e%2fxueban.db", "/files/..%2f..%2fetc%2fpasswd",
        "/files/" + "a" * 64, "/files/" + "x" * 5000, "/files/%00", "/files/%F0%9F%8E%89",
    ],
)  # fmt: skip
def test_everything_else_is_404(application: Application, client: FlaskClient, path: str) -> None:
    stored(application, PNG)
    (application.settings.storage.data_dir / "xueban.txt").write_text("secret")
    answer = client.get(path, buffered=True)
    assert answer.status_code == 404
    assert b"secret" not in answer.data


def test_bytes_that_are_gone_are_404(application: Application, client: FlaskClient) -> None:
    token = stored(application, PNG)
    for file in (application.settings.storage.data_dir / "files").iterdir():
        file.unlink()
    assert client.get(f"/files/{token}").status_code == 404


# --- the command


def xueban(*arguments: str | Path, cwd: Path) -> Result:
    with chdir(cwd):
        return CliRunner().invoke(main, [str(argument) for argument in arguments])


def good(*arguments: str | Path, cwd: Path) -> str:
    done = xueban(*arguments, cwd=cwd)
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with a configuration and an empty database with its first community."""
    values: dict[str, dict[str, Any]] = {
        "server": {"public_url": "https://bot.example.edu"},
        "storage": {"data_dir": str(tmp_path / "data")},
        "defaults": {"community": "示例支部"},
        "official_account": {"app_id": APP_ID, "token": TOKEN, "encoding_aes_key": AES_KEY},
    }
    (tmp_path / "config.toml").write_text(render(values), encoding="utf-8")
    (tmp_path / "a.mp4").write_bytes(MP4)
    (tmp_path / "q.toml").write_text(
        '[[question]]\nquestion = "谁？"\noptions = ["甲", "乙"]\nright = 2\n' * 3, encoding="utf-8"
    )
    application = build(load_settings(tmp_path / "config.toml", {}), "command")
    prepare_database(application)
    application.database.dispose()
    return tmp_path


def test_a_file_is_chosen_and_listed(home: Path) -> None:
    month = ["--month", "2126-12"]
    said = good(
        "video", "choose", "a.mp4", "--title", "榜样", *month, "--questions", "q.toml", cwd=home
    )
    url = said.splitlines()[-1]
    assert url.startswith("https://bot.example.edu/files/")
    assert json.loads(good("video", "list", "--json", cwd=home)) == [
        {"month": "2126-12", "title": "榜样", "url": url, "questions": 3, "seen": 0, "people": 0}
    ]
    assert "榜样" in good("video", "list", "--community", "示例支部", cwd=home)
    assert len(list((home / "data" / "files").iterdir())) == 1


def test_the_default_month_is_the_one_that_is_due_next(home: Path) -> None:
    good("video", "choose", "a.mp4", "--title", "榜样", cwd=home)
    (listed,) = json.loads(good("video", "list", "--json", cwd=home))
    today = datetime.now(UTC).date()  # noqa: TID251
    assert listed["month"] >= f"{today:%Y-%m}"


def test_another_file_for_the_month_asks_first(home: Path) -> None:
    command = ["video", "choose", "a.mp4", "--month", "2126-12", "--title"]
    good(*command, "榜样", cwd=home)
    refused = xueban(*command, "另一部", cwd=home)
    assert refused.exit_code == 1
    assert "has a video: 榜样" in refused.output
    good(*command, "另一部", "--yes", cwd=home)
    (listed,) = json.loads(good("video", "list", "--json", cwd=home))
    assert listed["title"] == "另一部"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["a.mp4", "--title", " "], "--title: write 1 to 60"),
        (["a.mp4", "--title", "榜样", "--month", "2020-01"], "2020-01 is over"),
        (["a.mp4", "--title", "榜样", "--month", "13"], "'13' is no month"),
        (["a.mp4", "--title", "榜样", "--community", "某"], "There is no community '某'"),
        (["config.toml", "--title", "榜样"], "no MP4, PDF, JPEG or PNG"),
        (["a.mp4", "--title", "榜样", "--questions", "bad.toml"], "bad.toml: question"),
        (["a.mp4", "--title", "榜样", "--questions", "range.toml"], "range.toml: 第 1 题的答案不在 2 个选项里"),
        (["a.mp4", "--title", "榜样", "--questions", "a.mp4"], "a.mp4: "),
    ],
)  # fmt: skip
def test_what_cannot_be_chosen_is_said_plainly(
    home: Path, arguments: list[str], reason: str
) -> None:
    (home / "bad.toml").write_text('[[question]]\nquestion = "谁"\n')
    (home / "range.toml").write_text(
        (home / "q.toml").read_text().replace("right = 2", "right = 3")
    )
    done = xueban("video", "choose", *arguments, cwd=home)
    assert done.exit_code == 1, done.output
    assert isinstance(done.exception, SystemExit)
    assert reason in done.stderr
    assert json.loads(good("video", "list", "--json", cwd=home)) == []


def test_without_a_public_address_there_is_no_link(home: Path) -> None:
    config = home / "config.toml"
    config.write_text(config.read_text().replace("https://bot.example.edu", ""))
    done = xueban("video", "choose", "a.mp4", "--title", "榜样", cwd=home)
    assert done.exit_code == 2
    assert "server.public_url" in done.stderr
    assert "选视频" in done.stderr


def test_undoing_a_link_brings_a_file_back(application: Application) -> None:
    """A file that a command has chosen is replaced by a link in chat, and that taken back."""
    token = stored(application, MP4)
    packs = application.library.packs["party-branch"]
    with application.database.begin() as session:
        home = community.view(community.oldest(session))
        row = session.scalars(select(StoredFile)).one()
        draft = Draft(NEXT, "榜样", f"https://bot.example.edu/files/{token}")
        video.choose(
            session, home, draft, 0, None, application.clock.now(), packs.messages.say, row.id
        )
    boss = organiser(application, "oBoss")
    choose(boss, "选视频 12月 另一部 https://v.example.cn/other")
    boss.say("撤销")
    with application.database.read() as session:
        found = session.scalars(select(Video)).one()
        assert (found.title, found.file_id) == ("榜样", 1)
