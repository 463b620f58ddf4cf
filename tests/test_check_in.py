"""打卡 through signed, encrypted HTTP on both databases."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest
from sqlalchemy import func, select

from bot.bootstrap import Application
from bot.simulator.official_account import Platform
from bot.storage.models import Address, CheckIn, InboxMessage
from tests.conftest import HandClock
from tests.platform import OPENID, enrol, platform_of, serving


@pytest.fixture
def platform(application: Application) -> Iterator[Platform]:
    enrol(application, OPENID)
    with serving(application) as callback:
        yield platform_of(application, callback)


def test_a_check_in_is_kept_and_answered(platform: Platform, application: Application) -> None:
    answer = platform.text(OPENID, "打卡 读完第3章")

    assert answer.text.splitlines() == ["打卡成功，11月23日。这是第 1 天。", "记下了：读完第3章"]
    with application.database.read() as session:
        row = session.scalars(select(CheckIn)).one()
        assert (row.day, row.note) == (date(2026, 11, 23), "读完第3章")


def test_the_same_message_three_times_at_once_is_one_row_and_one_reply(
    platform: Platform, application: Application
) -> None:
    message = {"MsgType": "text", "Content": "打卡", "MsgId": platform.new_id()}

    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda _: platform.push(OPENID, message).text, range(3)))

    assert answers == ["打卡成功，11月23日。这是第 1 天。"] * 3
    with application.database.read() as session:
        for model in (CheckIn, InboxMessage, Address):
            assert session.scalar(select(func.count()).select_from(model)) == 1


def test_days_in_a_row_are_counted_and_a_gap_begins_anew(
    platform: Platform, clock: HandClock
) -> None:
    streaks = []
    for days in (1, 1, 2):
        streaks.append(platform.text(OPENID, "打卡").text)
        clock.forward(timedelta(days=days))
    streaks.append(platform.text(OPENID, "打卡").text)

    assert [text.split("。")[1] for text in streaks] == [
        "这是第 1 天", "连续 2 天", "连续 3 天", "这是第 1 天",
    ]  # fmt: skip


def test_a_long_streak_is_counted_over_several_reads(platform: Platform, clock: HandClock) -> None:
    for _ in range(70):
        platform.text(OPENID, "打卡")
        clock.forward(timedelta(days=1))

    assert "连续 71 天" in platform.text(OPENID, "打卡").text


def test_the_day_is_that_of_the_messages_own_time_in_the_communitys_zone(
    platform: Platform, application: Application, clock: HandClock
) -> None:
    sent = clock.now().replace(hour=15, minute=59, second=59)  # 23:59:59 in Shanghai
    clock.time = sent + timedelta(seconds=4)
    late = {
        "MsgType": "text",
        "Content": "打卡",
        "MsgId": "1",
        "CreateTime": str(int(sent.timestamp())),
    }

    assert "记到 11月23日 了" in platform.push(OPENID, late).text
    assert "11月24日。连续 2 天" in platform.text(OPENID, "打卡").text
    with application.database.read() as session:
        assert session.scalars(select(CheckIn.day).order_by(CheckIn.day)).all() == [
            date(2026, 11, 23), date(2026, 11, 24),
        ]  # fmt: skip


def test_a_second_note_of_the_day_is_added(platform: Platform, application: Application) -> None:
    platform.text(OPENID, "打卡 上午")
    again = platform.text(OPENID, "打卡 下午")
    same = platform.text(OPENID, "打卡 下午")

    assert "这句也记下了" in again.text
    assert "今天已经打过卡了" in same.text
    assert "也记下" not in same.text
    with application.database.read() as session:
        assert session.scalars(select(CheckIn.note)).one() == "上午\n下午"
