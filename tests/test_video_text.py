"""选视频: what is understood of it, what is wrong with it, and which month a slot is for."""

import json
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.schedule import Rule
from bot.domain.schedule_text import parse_rule
from bot.domain.video import Draft, Question, month_come, month_coming, month_of, slot_of
from bot.domain.video_text import VideoProblem, parse_video, question_problem
from content import loader

TODAY, NEXT = date(2026, 11, 23), date(2026, 12, 1)
MESSAGES = loader.load().packs["party-branch"].messages


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
        ("榜样\nwww.a.cn", "bare_link"), ("榜样 v.qq.com/x/1", "bare_link"), ("榜样\nftp://a.cn/1", "bad_link"), ("榜样\njavascript:alert(1)", "bad_link"),
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
def test_what_is_wrong_is_said_in_a_sentence(text: str, key: str) -> None:
    found = parse_video(text, TODAY, NEXT)
    assert isinstance(found, VideoProblem)
    assert found.key == f"video.{key}"
    assert MESSAGES.say(found.key, **found.fields)


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
