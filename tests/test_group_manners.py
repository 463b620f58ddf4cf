"""A group hears what was said there and nothing about anybody; over the WeCom bot's callback."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from bot.config import Settings
from bot.domain.delivery import Way
from bot.domain.messages import Channel, Notice
from bot.domain.roster import RosterRow
from bot.services import community, conversation, outlet, registry, roster
from bot.storage.models import (
    AuditEntry,
    CheckIn,
    CheckInList,
    Delivery,
    GroupChat,
    InboxMessage,
    OpenQuestion,
    Person,
)
from handlers import ROUTERS
from tests.conftest import HandClock
from tests.members import at_once
from tests.wecom_callback import Wecom, in_group, wecom_of

LEADER, DEPUTY, MENTOR, RAIN, FAR, QUIET = "许知行", "顾念安", "沈怀瑾", "王小雨", "李明远", "陈静"
ROLES = {LEADER: ("member", "organiser"), DEPUTY: ("member", "organiser"), MENTOR: ("mentor",)}
PEOPLE = (LEADER, DEPUTY, MENTOR, RAIN, FAR, QUIET)
LIST = "#接龙\n学习打卡\n例 姓名 内容\n\n1. 王小雨 读完第3章\n2. 李明远\n3. 路人甲 也读了\n4. 陈京"
TODAY = date(2026, 11, 23)


class Branch:
    """People of a branch, each with a userid of the bot, and their group G1."""

    def __init__(self, wecom: Wecom, clock: HandClock) -> None:
        self.wecom, self.clock = wecom, clock
        self.database = wecom.application.database
        rows = [
            RosterRow(name, f"20260{number:02}", ROLES.get(name))
            for number, name in enumerate(PEOPLE, 1)
        ]
        with self.database.begin() as session:
            home = community.oldest(session)
            roster.apply(session, home.id, rows, "roster", clock.now())
            codes = {name: code for name, _, code in roster.new_codes(session, home.id)}
            chat = GroupChat(
                channel=Channel.WECOM_BOT, account="BOT", value="G1", community_id=home.id,
                linked_by=None, linked_at=clock.now(),
            )  # fmt: skip
            session.add(chat)
        for name in PEOPLE:
            self.alone(name, f"绑定 {codes[name]}")
            assert "绑定好了" in self.alone(name, "1")

    def alone(self, who: str, text: str) -> str:
        return self.wecom.says(text, **{"from": {"userid": who}})

    def group(self, who: str, text: str, chat: str = "G1") -> str:
        return self.wecom.says(f"@学习 助手 {text}", **{"from": {"userid": who}}, **in_group(chat))

    def pushing(self) -> None:
        with self.database.begin() as session:
            outlet.configure(session, Channel.OFFICIAL_ACCOUNT, [Way.CUSTOMER], self.clock.now())

    def check_ins(self) -> dict[str, CheckIn]:
        with self.database.read() as session:
            rows = session.execute(
                select(Person.name, CheckIn).join(CheckIn, CheckIn.person_id == Person.id)
            ).all()
            return {str(name): row for name, row in rows}

    def lists(self) -> list[CheckInList]:
        with self.database.read() as session:
            return list(session.scalars(select(CheckInList).order_by(CheckInList.id)))

    def told(self, topic: str) -> list[tuple[str, str, str, str]]:
        """Who is to be told what of this topic, the menu, and the state."""
        with self.database.read() as session:
            rows = session.execute(
                select(Person.name, Delivery)
                .join(Delivery, Delivery.person_id == Person.id)
                .where(Delivery.topic == topic)
                .order_by(Delivery.id)
            ).all()
        notices = [(name, Notice.from_json(row.notice), row) for name, row in rows]
        return [
            (str(name), "\n".join([notice.title, *notice.lines]), row.ask, row.state)
            for name, notice, row in notices
        ]

    def texts(self) -> list[str]:
        """What the inbox still holds of what was written."""
        with self.database.read() as session:
            rows = session.scalars(select(InboxMessage.text).order_by(InboxMessage.id))
            return [text for text in rows if text is not None]


@pytest.fixture
def branch(settings: Settings, clock: HandClock) -> Iterator[Branch]:
    with wecom_of(settings, clock) as wecom:
        yield Branch(wecom, clock)


@pytest.fixture
def dialect() -> str:
    """The database makes a difference only where two things happen at once."""
    return "sqlite"


def pictures(text: str, count: int, **fields: Any) -> dict[str, Any]:
    """A mixed message: words, and pictures around them."""
    words = [{"msgtype": "text", "text": {"content": text}}] if text else []
    images = [
        {"msgtype": "image", "image": {"url": f"https://i.example.cn/{n}"}} for n in range(count)
    ]
    items = [*images[:1], *words, *images[1:]]
    return {"msgtype": "mixed", "mixed": {"msg_item": items}, **fields}


def said(reply: dict[str, Any]) -> str:
    return str(reply["stream"]["content"])


# Pictures


def test_pictures_in_a_mixed_message_are_counted_and_said_only_in_private(branch: Branch) -> None:
    who = {"from": {"userid": RAIN}}
    mixed = pictures("@学习 助手 打卡 读完第3章", 2, **who, **in_group())
    assert said(branch.wecom.answer(**mixed)) == "打卡成功。"
    assert branch.check_ins()[RAIN].pictures == 2
    again = said(branch.wecom.answer(**pictures("打卡 做了笔记", 1, **who)))
    assert "这句也记下了" in again
    assert "做了笔记（3 张图）" in again
    assert "不下载也不保存" in again
    more = said(branch.wecom.answer(**pictures("打卡", 1, **who)))
    assert "图也记上了" in more
    row = branch.check_ins()[RAIN]
    assert (row.pictures, row.note) == (4, "读完第3章\n做了笔记")
    assert "图片：4 张，没有存图" in branch.alone(RAIN, "导出")
    assert "图片" not in branch.alone(FAR, "导出").split("【打卡】")[-1]


@pytest.mark.parametrize("where", ["private", "group"])
def test_a_lone_picture_may_be_a_check_in(branch: Branch, where: str) -> None:
    place = in_group() if where == "group" else {}
    text = "@学习 助手" if where == "group" else ""
    sent = pictures(text, 1, **{"from": {"userid": RAIN}}, **place)
    assert "要作为今天的打卡吗" in said(branch.wecom.answer(**sent))
    answer = branch.group(RAIN, "1") if where == "group" else branch.alone(RAIN, "1")
    assert answer == "打卡成功。" if where == "group" else "记下了（1 张图）" in answer
    assert branch.check_ins()[RAIN].pictures == 1


def test_pictures_outlive_the_question_for_consent(branch: Branch) -> None:
    who = {"from": {"userid": "新来的"}}
    assert "要先记住你" in said(branch.wecom.answer(**pictures("打卡", 2, **who)))
    assert "记下了（2 张图）" in branch.alone("新来的", "1")


def test_a_check_in_of_the_group_is_taken_back_there(branch: Branch) -> None:
    branch.group(RAIN, "打卡 读完")
    assert branch.group(RAIN, "撤销") == "撤回了。"
    assert branch.check_ins() == {}


# 接龙


def test_a_list_of_the_group_waits_for_an_organiser(branch: Branch) -> None:
    assert branch.group(FAR, LIST) == "收到接龙，等组织者确认。"
    assert branch.check_ins() == {}
    told = branch.told("desk")
    assert [name for name, *_ in told] == [LEADER, DEPUTY]
    for _, text, _, _ in told:
        assert "4 行" in text
        assert "接龙 1" in text
        assert not any(name in text for name in (*PEOPLE, "路人甲"))
    assert not any(RAIN in text for text in branch.texts())

    assert "接龙 1：4 行" in branch.alone(LEADER, "待办")
    shown = branch.alone(LEADER, "接龙 1")
    assert "4 行，对上 2 人" in shown
    assert "路人甲：名册里没有" in shown
    assert "陈京：是 陈静 吗？" in shown
    assert "1 记下 2 人" in shown
    assert "2 记下 3 人，连同上面问到的" in shown
    assert "0 不记" in shown
    assert branch.check_ins() == {}

    assert "记下了 2 人，11月23日（周一）" in branch.alone(LEADER, "1")
    made = branch.check_ins()
    assert {(name, row.note, row.list_id, row.day) for name, row in made.items()} == {
        (RAIN, "读完第3章", 1, TODAY), (FAR, "", 1, TODAY),
    }  # fmt: skip
    (kept,) = branch.lists()
    assert (kept.state, kept.lines) == ("taken", "[]")
    assert {state for *_, state in branch.told("desk")} == {"cancelled"}
    assert "已经有人处理" in branch.alone(DEPUTY, "接龙 1")


def test_who_is_asked_for_is_taken_only_when_the_organiser_says_so(branch: Branch) -> None:
    branch.alone(LEADER, LIST)
    assert "记下了 3 人" in branch.alone(LEADER, "2")
    assert set(branch.check_ins()) == {RAIN, FAR, QUIET}


def test_nothing_comes_of_it_after_0(branch: Branch) -> None:
    branch.alone(LEADER, LIST)
    assert "名单清空" in branch.alone(LEADER, "0")
    (kept,) = branch.lists()
    assert (kept.state, kept.lines) == ("dropped", "[]")
    assert branch.check_ins() == {}
    assert "已经有人处理" in branch.alone(DEPUTY, "接龙 1")


def test_own_check_ins_stay_and_become_own(branch: Branch) -> None:
    branch.alone(RAIN, "打卡 自己写的")
    branch.alone(LEADER, LIST)
    shown = branch.alone(LEADER, "接龙 1")
    assert "11月23日（周一） 已经打过卡的 1 人，不动" in shown
    assert "1 记下 1 人" in shown
    branch.alone(LEADER, "1")
    assert branch.check_ins()[RAIN].list_id is None
    assert branch.check_ins()[RAIN].note == "自己写的"

    assert "现在算你自己打的" in branch.alone(FAR, "打卡 我也读了")
    assert branch.check_ins()[FAR].list_id is None
    assert "撤回了 0 人" in branch.alone(LEADER, "撤销")
    assert set(branch.check_ins()) == {RAIN, FAR}


def test_undo_takes_back_what_the_list_made_for_ten_minutes(
    branch: Branch, clock: HandClock
) -> None:
    branch.alone(LEADER, LIST)
    branch.alone(LEADER, "1")
    branch.group(RAIN, "打卡")
    assert "撤回了 1 人" in branch.alone(LEADER, "撤销")
    assert set(branch.check_ins()) == {RAIN}
    branch.alone(LEADER, LIST)
    branch.alone(LEADER, "1")
    clock.forward(timedelta(minutes=11))
    assert "没有可以撤销" in branch.alone(LEADER, "撤销")
    assert set(branch.check_ins()) == {RAIN, FAR}


def test_the_same_list_again_records_nobody_twice(branch: Branch) -> None:
    branch.group(RAIN, LIST)
    branch.group(FAR, LIST)
    assert len(branch.lists()) == 1
    assert len(branch.told("desk")) == 2
    branch.group(RAIN, f"{LIST}\n5. 陈静")
    assert [row.state for row in branch.lists()] == ["dropped", "open"]
    branch.alone(LEADER, "接龙 2")
    assert "记下了 3 人" in branch.alone(LEADER, "1")
    shown = branch.alone(LEADER, LIST)
    assert "1 " not in shown.splitlines()
    assert "记下" not in shown.replace("记下的会标", "")
    assert len(branch.check_ins()) == 3


def test_the_day_of_the_title_is_proposed(branch: Branch) -> None:
    shown = branch.alone(LEADER, "#接龙\n11月22日学习\n1. 王小雨\n2. 李明远")
    assert "1 记下 2 人，算 11月23日（周一）" in shown
    assert "2 记下 2 人，算 11月22日（周日）" in shown
    branch.alone(LEADER, "2")
    assert {row.day for row in branch.check_ins().values()} == {date(2026, 11, 22)}
    assert "连续 2 天" in branch.alone(RAIN, "打卡")


def test_a_member_sees_the_mark_and_can_take_it_back(branch: Branch) -> None:
    branch.alone(LEADER, LIST)
    branch.alone(LEADER, "1")
    assert "其中 1 天是接龙代录" in branch.alone(RAIN, "我的")
    exported = branch.alone(RAIN, "导出")
    assert "接龙代录：是" in exported
    assert "按接龙替你打了卡" in exported
    assert "1 撤回 11月23日（周一） 的" in branch.alone(RAIN, "接龙")
    assert "撤回了 11月23日" in branch.alone(RAIN, "1")
    assert set(branch.check_ins()) == {FAR}
    assert "没有按接龙替你记" in branch.alone(RAIN, "接龙")
    assert "接龙代录" not in branch.alone(RAIN, "我的")


def test_lists_that_nobody_can_answer_for_are_not_kept(branch: Branch) -> None:
    assert branch.group(FAR, LIST, "G2") == "请组织者把接龙私聊发给我。"
    assert branch.group("外人", LIST) == "请组织者把接龙私聊发给我。"
    assert "请组织者发给我" in branch.alone(FAR, LIST)
    assert "请组织者发给我" in branch.alone("外人", LIST)
    assert "没看到名单" in branch.group(FAR, "#接龙\n今天没人")
    assert "没看到名单" in branch.alone(LEADER, "#接龙\n今天没人")
    assert branch.group(LEADER, "接龙 1") == "请私聊我发「接龙」。"
    assert branch.lists() == []
    assert not any("王小雨" in text for text in branch.texts())


def test_too_many_lines_are_said_to_be(branch: Branch) -> None:
    rows = "\n".join(f"{n}. 甲{n}" for n in range(1, 302))
    assert "分成几段" in branch.alone(LEADER, f"#接龙\n{rows}")
    assert "太长" in branch.alone(LEADER, LIST + "很长" * 2000)
    assert branch.lists() == []
    assert not any("王小雨" in text for text in branch.texts())


@pytest.mark.parametrize(
    "text",
    [
        "今天的名单\n1. 王小雨 读完\n2. 李明远\n3. 路人甲",
        "打卡\n1. 王小雨 读完\n2. 李明远",
        "【接龙】学习\n1. 路人甲\n2. 王小雨\n3. 路人乙",
    ],
)
def test_an_organiser_need_not_write_the_word(branch: Branch, text: str) -> None:
    assert "对上" in branch.alone(LEADER, text)
    assert len(branch.lists()) == 1
    assert not any("王小雨" in kept for kept in branch.texts())


@pytest.mark.parametrize(
    ("who", "text"),
    [
        (RAIN, "我想问：\n1. 王小雨\n2. 李明远"),
        (RAIN, "1. 预备期多久\n2. 转正要什么材料"),
        (LEADER, "1. 预备期多久\n2. 转正要什么材料"),
        (LEADER, "名单\n1. 路人甲\n2. 路人乙\n3. 王小雨"),
        (LEADER, "发通知 值班：\n1. 王小雨\n2. 李明远"),
        (LEADER, "接龙怎么用？"),
    ],
)
def test_what_is_no_list_is_not_taken_for_one(branch: Branch, who: str, text: str) -> None:
    assert "对上" not in branch.alone(who, text)
    assert branch.lists() == []


def test_a_note_with_numbers_is_a_members_own(branch: Branch) -> None:
    assert "打卡成功" in branch.alone(RAIN, "打卡\n1. 读完第3章\n2. 写了笔记")
    assert "写了笔记" in branch.check_ins()[RAIN].note


def test_old_lists_are_cleared_but_the_mark_stays(branch: Branch, clock: HandClock) -> None:
    branch.alone(LEADER, LIST)
    branch.alone(LEADER, "1")
    branch.group(RAIN, "#接龙\n1. 陈静\n2. 路人乙")
    clock.forward(timedelta(days=8))
    (rule,) = [rule for rule in registry.TABLES if rule.model is CheckInList]
    with branch.database.begin() as session:
        assert registry.clear(session, rule, clock.now(), 10) == 1
    assert [row.state for row in branch.lists()] == ["taken"]
    assert branch.check_ins()[RAIN].list_id == 1


def test_whoever_has_left_in_between_is_not_checked_in(branch: Branch) -> None:
    branch.alone(LEADER, LIST)
    branch.alone(FAR, "删除")
    branch.alone(FAR, "确认")
    assert "记下了 1 人" in branch.alone(LEADER, "1")
    assert set(branch.check_ins()) == {RAIN}
    assert "李明远：还没绑定" in branch.alone(LEADER, "#接龙\n1. 李明远\n2. 陈静")


def test_organisers_help_names_it_and_nobody_elses(branch: Branch) -> None:
    assert "接龙 把群里的接龙记成打卡" in branch.alone(LEADER, "帮助")
    assert "接龙" not in branch.alone(RAIN, "帮助")
    assert "接龙" not in branch.group(LEADER, "帮助")


class TestAtOnce:
    """Real threads, on both databases."""

    @pytest.fixture(params=["sqlite", "postgresql"])
    def dialect(self, request: pytest.FixtureRequest) -> str:
        return str(request.param)

    def test_of_two_organisers_one_records_it(self, branch: Branch) -> None:
        branch.group(FAR, LIST)
        for who in (LEADER, DEPUTY):
            assert "1 记下 2 人" in branch.alone(who, "接龙 1")
        answers = at_once(lambda: branch.alone(LEADER, "1"), lambda: branch.alone(DEPUTY, "1"))
        assert sum("记下了 2 人" in answer for answer in answers) == 1
        assert sum("已经有人处理" in answer for answer in answers) == 1
        assert len(branch.check_ins()) == 2
        with branch.database.read() as session:
            taken = session.scalars(
                select(AuditEntry).where(AuditEntry.action == "check_in_list taken")
            ).all()
        assert len(taken) == 1

    def test_a_member_checks_in_while_the_list_is_taken(self, branch: Branch) -> None:
        branch.alone(LEADER, LIST)
        answers = at_once(
            lambda: branch.alone(LEADER, "1"), lambda: branch.alone(RAIN, "打卡 自己写的")
        )
        assert "记下了" in answers[0]
        row = branch.check_ins()[RAIN]
        assert row.list_id is None
        assert "自己写的" in row.note

    def test_a_member_checks_in_while_the_list_is_undone(self, branch: Branch) -> None:
        branch.alone(LEADER, LIST)
        branch.alone(LEADER, "1")
        answers = at_once(
            lambda: branch.alone(LEADER, "撤销"), lambda: branch.alone(RAIN, "打卡 自己写的")
        )
        assert "撤回了" in answers[0]
        assert "打" in answers[1]
        assert set(branch.check_ins()) == {RAIN}
        assert branch.check_ins()[RAIN].list_id is None


# Personal commands


def test_what_is_personal_is_said_in_private_where_that_can_be(branch: Branch) -> None:
    assert branch.group(RAIN, "我的") == "请私聊我发「我的」。"
    assert branch.told("answer") == []
    branch.pushing()
    assert branch.group(RAIN, "我的") == "私聊发你了。没看到就私聊我发「我的」。"
    assert branch.group(RAIN, "我连续打卡几天了") == "私聊发你了。没看到就私聊我发「我的」。"
    first, _ = branch.told("answer")
    assert first[0] == RAIN
    assert "王小雨，「" in first[1]
    assert first[3] == "queued"


def test_its_menu_is_open_where_it_was_pushed_and_the_groups_stays(branch: Branch) -> None:
    branch.pushing()
    near = branch.group(RAIN, "党费怎么交多少")
    assert "1 " in near
    assert "私聊发你了" in branch.group(RAIN, "退订")
    ((_, text, ask, _),) = branch.told("answer")
    assert "要退订哪一类" in text
    with branch.database.read() as session:
        places = session.scalars(select(OpenQuestion.conversation)).all()
    assert list(places) == ["G1"]
    assert "没有可选的编号" in branch.alone(RAIN, "1")
    now, life = branch.clock.now(), conversation.LIFE
    with branch.database.begin() as session:
        conversation.open_menu(session, Channel.WECOM_BOT, "BOT", RAIN, ask, now, life)
    assert "不再告诉你：会议" in branch.alone(RAIN, "1")
    assert branch.group(RAIN, "1").startswith("问：")


def test_not_at_night_nor_to_who_is_not_to_be_disturbed(branch: Branch, clock: HandClock) -> None:
    branch.pushing()
    branch.alone(RAIN, "免打扰")
    assert branch.group(RAIN, "我的") == "请私聊我发「我的」。"
    branch.alone(RAIN, "免打扰 关")
    clock.forward(timedelta(hours=14))
    assert branch.group(RAIN, "我的") == "请私聊我发「我的」。"
    assert branch.told("answer") == []


@pytest.mark.parametrize(
    ("who", "text", "word"),
    [
        (RAIN, "绑定 王芳 2026099", "绑定"),
        (RAIN, "匿名提问 我和书记有矛盾", "匿名提问"),
        (RAIN, "提问 我要不要退学", "提问"),
        (LEADER, "发通知 王小雨没交材料", "发通知"),
        (RAIN, "退订 会议", "退订"),
        (MENTOR, "待答", "待答"),
        (LEADER, "待办", "待办"),
        (RAIN, "导出", "导出"),
        (RAIN, "删除", "删除"),
        (RAIN, "收件箱", "收件箱"),
        (RAIN, "安排", "安排"),
        ("外人", "我的", "我的"),
    ],
)
def test_what_has_an_effect_or_speaks_of_others_is_not_pushed(
    branch: Branch, who: str, text: str, word: str
) -> None:
    branch.pushing()
    assert branch.group(who, text) == f"请私聊我发「{word}」。"
    assert branch.told("answer") == []
    argument = text.removeprefix(word).strip()
    assert not argument or not any(argument in kept for kept in branch.texts())


def test_every_command_that_shows_can_be_pushed(branch: Branch) -> None:
    """It confirms nothing and can be taken back by nothing: those would fail."""
    branch.pushing()
    shows = [
        word
        for router in ROUTERS
        for word, (command, _) in router.commands.items()
        if command.shows
    ]
    assert "我的" in shows
    for word in shows:
        assert "私聊发你了" in branch.group(LEADER, word)
    assert len(branch.told("answer")) == len(shows)


def test_a_group_is_not_told_that_somebody_leaves(branch: Branch) -> None:
    branch.alone(RAIN, "删除")
    branch.alone(RAIN, "确认")
    for text in ("打卡 读完", "撤销", "我的数据", "会议"):
        answer = branch.group(RAIN, text)
        assert "删" not in answer
        assert "清除" not in answer
        assert "恢复" not in answer
    assert "恢复了" in branch.alone(RAIN, "撤销")


# Questions


def test_an_answer_has_question_answer_and_source(branch: Branch) -> None:
    lines = branch.group(RAIN, "预备期多久").splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("问：")
    assert "1 年" in lines[1]
    assert lines[2].startswith("依据：")


def test_near_questions_are_for_who_asked(branch: Branch) -> None:
    near = branch.group(RAIN, "党费怎么交多少")
    assert "你想问的是" in near
    assert "没有可选的编号" in branch.group(FAR, "1")
    assert "没有可选的编号" in branch.alone(RAIN, "1")
    assert "没有可选的编号" in branch.group(RAIN, "1", "G2")
    assert len(branch.group(RAIN, "1").splitlines()) == 3
    branch.group(RAIN, "党费怎么交多少")
    branch.group(RAIN, "预备期多久")
    assert "没有可选的编号" in branch.group(RAIN, "0")


# Everything


SECRETS = (
    *PEOPLE,
    *(f"20260{number:02}" for number in range(1, 7)),
    "连续",
    "腰疼",
    "悄悄话",
    "路人甲",
)


def lived(branch: Branch, clock: HandClock) -> None:
    """Everybody has something that a group must not hear of."""
    for _ in range(3):
        for who in PEOPLE:
            branch.alone(who, "打卡 悄悄话")
        clock.forward(timedelta(days=1))
    branch.alone(LEADER, "开会 12月5日 19:00 302 党课")
    branch.alone(LEADER, "确认")
    branch.alone(RAIN, "请假 1 腰疼")
    branch.alone(RAIN, "提问 悄悄话该不该说")
    branch.alone(RAIN, "1")
    branch.alone(LEADER, "选视频 11月 榜样 https://v.example.cn/x")
    branch.alone(LEADER, "确认")
    branch.alone(RAIN, "已看")
    branch.alone(FAR, "退订 会议")
    branch.alone(LEADER, LIST)
    branch.group(RAIN, LIST)


@pytest.mark.parametrize("pushes", [False, True])
def test_nothing_about_anybody_is_said_in_a_group(
    branch: Branch, clock: HandClock, pushes: bool
) -> None:
    lived(branch, clock)
    if pushes:
        branch.pushing()
    words = [word for router in ROUTERS for word in router.commands]
    assert len(words) > 30
    for who in (RAIN, MENTOR, LEADER):
        for word in words:
            heard(branch, clock, who, [word, f"{word} 1"])
        heard(branch, clock, who, ["1", "0", "9", "确认", "撤销", "王小雨打卡了吗", "我的打卡"])


def heard(branch: Branch, clock: HandClock, who: str, texts: Sequence[str]) -> None:
    for text in texts:
        clock.forward(timedelta(seconds=3))
        answer = branch.group(who, text)
        for secret in SECRETS:
            assert secret not in f"{answer}{branch.wecom.card}", (who, text, answer)
        assert "出错" not in answer, (who, text)
