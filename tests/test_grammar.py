"""The chat grammar: when a word is a command and when it is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.grammar import Kind, Said, Takes, named, read

COMMANDS = {"打卡": Takes.TEXT, "帮助": Takes.NOTHING, "会议": Takes.NOTHING, "同意": Takes.NUMBER,
            "开会": Takes.TEXT, "删除": Takes.NOTHING, "答": Takes.NUMBER, "我的": Takes.NOTHING,
            "我的数据": Takes.NOTHING, "参加": Takes.ONE_NUMBER, "请假": Takes.TEXT}  # fmt: skip
COURTESIES = {"谢谢", "收到", "你好", "ok"}


def said(text: str) -> Said:
    return read(text, COMMANDS, COURTESIES)


@pytest.mark.parametrize(
    ("text", "word", "argument"),
    [
        ("打卡", "打卡", ""),
        (" /打卡 ", "打卡", ""),
        ("／打卡！", "打卡", ""),
        ("打卡。", "打卡", ""),
        ("打卡 读完第3章", "打卡", "读完第3章"),
        ("打卡：读完第3章", "打卡", "读完第3章"),
        ("打卡，第三章", "打卡", "第三章"),
        ("打卡第3章", "打卡", "第3章"),
        ("打卡 需要多读几遍第三章", "打卡", "需要多读几遍第三章"),
        ("打卡 为什么要学党史——读后感", "打卡", "为什么要学党史——读后感"),
        ("@学伴 打卡 第三章", "打卡", "第三章"),
        ("打卡 学了什么是民主集中制", "打卡", "学了什么是民主集中制"),
        ("打卡：怎么办好主题党日", "打卡", "怎么办好主题党日"),
        ("帮助", "帮助", ""),
        ("我的数据", "我的数据", ""),
        ("我的", "我的", ""),
        ("同意", "同意", ""),
        ("同意 3", "同意", "3"),
        ("同意3", "同意", "3"),
        ("同意＃3", "同意", "＃3"),
        ("同意 3号", "同意", "3号"),
        ("答 12 可以的", "答", "12 可以的"),
        ("开会12月5日 19:00", "开会", "12月5日 19:00"),
        ("参加", "参加", ""),
        ("参加 4", "参加", "4"),
        ("参加4号会议", "参加", "4号会议"),
        ("参加＃4。", "参加", "＃4。"),
        ("请假 4 发烧", "请假", "4 发烧"),
        ("请假发烧了", "请假", "发烧了"),
        ("请假 单位有事", "请假", "单位有事"),
    ],
)
def test_commands(text: str, word: str, argument: str) -> None:
    found = said(text)
    assert (found.kind, found.word, found.argument) == (Kind.COMMAND, word, argument)


@pytest.mark.parametrize(
    "text",
    [
        "打卡怎么撤回？", "打卡 怎么撤回", "打卡规则", "打卡的时间", "会议多久开一次", "会议 多久开一次？",
        "帮助我写思想汇报", "删除记录怎么弄", "同意入党要多少票", "我的组织关系在哪", "今天打卡了吗",
        "打卡了吗", "打卡 可以补吗？", "党费怎么算", "什么是三会一课？", "打卡撤回", "打卡机在哪", "打卡忘了", "打卡失败", "打卡排行",
        "请假怎么办理", "请假 怎么办理", "请假条模板", "请假单在哪", "请假审批", "请假要提前几天", "参加3次会议才能转正",
        "参加党课", "参加 4 会早到",
    ],
)  # fmt: skip
def test_questions(text: str) -> None:
    assert said(text).kind is Kind.QUESTION


@pytest.mark.parametrize("text", ["1", "０", " 12 ", "#12", "＃12", "12号", "１２号"])
def test_numbers(text: str) -> None:
    assert said(text).kind is Kind.NUMBER
    assert said(text).number in (0, 1, 12)


@pytest.mark.parametrize(
    "text",
    [
        "谢谢",
        "谢谢！",
        "收到~",
        "OK",
        "你好。",
        "",
        "😀",
        "👍👍",
        "。。。",
        "[微笑]",
        "[微笑][强]",
        "！？",
    ],
)
def test_courtesies(text: str) -> None:
    assert said(text).kind is Kind.COURTESY


@pytest.mark.parametrize("text", ["谢谢，党费怎么交", "123456789012", "12.5", "收到的文件在哪"])
def test_what_is_no_courtesy_and_no_number(text: str) -> None:
    assert said(text).kind is Kind.QUESTION


@pytest.mark.parametrize(
    ("text", "number", "rest"),
    [
        ("4", 4, ""),
        ("4 发烧", 4, "发烧"),
        ("＃4，发烧", 4, "发烧"),
        ("4号会议，发烧", 4, "发烧"),
        ("4号 发烧", 4, "发烧"),
        ("4、发烧", 4, "发烧"),
        ("3天", None, "3天"),
        ("12月5日有事", None, "12月5日有事"),
        ("12.5 有事", None, "12.5 有事"),
        ("发烧 39 度", None, "发烧 39 度"),
    ],
)
def test_a_number_that_names_something(text: str, number: int | None, rest: str) -> None:
    assert named(text) == (number, rest)


@given(st.text(max_size=200))
def test_any_text_is_something(text: str) -> None:
    assert said(text).kind in Kind
