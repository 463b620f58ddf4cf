"""接龙: what is read out of a paste, and whom of a community it names. Every name is made up."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.check_in_list import LINE_LIMIT, Line, day_in, parse
from bot.domain.grammar import Kind, Takes, read
from bot.domain.name_matching import Known, Matching, Reason, match
from content.script import simplified

SENT = date(2026, 11, 23)
KNOWN = [
    Known("王小雨", "2026001", 1),
    Known("李明远", "2026002", 2),
    Known("陈静", "2026003", 3),
    Known("赵一舟", "2026004", None),
    Known("刘洋", "2026005", 5),
    Known("刘洋", "2026006", 6),
    Known("欧阳晴晴", "X20260077", 7),
    Known("阿依古丽·买买提", "2026008", 8),
    Known("John Smith", "", 9),
    Known("何苗", "", 10),
    Known("何苗苗", "", 11),
    Known("周扬", "2026012", 12),
]
NAMES = {one.person_id: one.name for one in KNOWN if one.person_id}


def matched(text: str) -> Matching:
    found = parse(text)
    assert found is not None
    return match(found.lines, KNOWN, simplified)


def people(text: str) -> dict[str, str]:
    """Name and note of everybody who was found."""
    return {NAMES[number]: note for number, note in matched(text).people.items()}


def reasons(text: str) -> list[tuple[str, Reason]]:
    return [(one.name, one.reason) for one in matched(text).unmatched]


# What people paste, and whom it names with which note.
PASTES: list[tuple[str, dict[str, str]]] = [
    ("#接龙\n11月23日学习打卡\n例 姓名 学了什么\n\n1. 王小雨 读完第3章\n2. 李明远 社论一篇\n3. 陈静",
     {"王小雨": "读完第3章", "李明远": "社论一篇", "陈静": ""}),
    ("#接龙\n1. 王小雨\n2. 陈静", {"王小雨": "", "陈静": ""}),
    ("＃接龙\n１．王小雨　第３章\n２．陈静", {"王小雨": "第３章", "陈静": ""}),
    ("接龙\n1、王小雨\n2、陈静", {"王小雨": "", "陈静": ""}),
    ("【接龙】学习打卡\n1）王小雨\n2）陈静", {"王小雨": "", "陈静": ""}),
    ("#接龙\n(1) 王小雨\n（2）陈静", {"王小雨": "", "陈静": ""}),
    ("1 王小雨\n2 陈静", {"王小雨": "", "陈静": ""}),
    ("1王小雨\n2陈静", {"王小雨": "", "陈静": ""}),
    ("1周扬\n2何苗苗", {"周扬": "", "何苗苗": ""}),
    ("1️⃣王小雨\n2️⃣ 陈静\n🔟周扬", {"王小雨": "", "陈静": "", "周扬": ""}),
    ("1️⃣1️⃣王小雨\n1️⃣2️⃣陈静", {"王小雨": "", "陈静": ""}),
    ("①王小雨\n②陈静 看视频", {"王小雨": "", "陈静": "看视频"}),
    ("⒈王小雨\n⑵陈静", {"王小雨": "", "陈静": ""}),
    ("一、王小雨\n二、陈静\n十一、周扬", {"王小雨": "", "陈静": "", "周扬": ""}),
    ("#接龙\n1. 王 小雨 读书\n2. 陈 静", {"王小雨": "读书", "陈静": ""}),
    ("#接龙\n1. 王小雨2026001\n2. 陈静 2026003 读完\n3. 2026012周扬\n4. 2026002 李明远",
     {"王小雨": "", "陈静": "读完", "周扬": "", "李明远": ""}),
    ("#接龙\n1. 王小雨（值班）\n2. 陈静(请假一半)\n3. 周扬【补】",
     {"王小雨": "（值班）", "陈静": "(请假一半)", "周扬": "【补】"}),
    ("#接龙\n1. 王小雨✅\n2. ✅陈静\n3. @周扬 👍👍", {"王小雨": "", "陈静": "", "周扬": ""}),
    ("#接龙\n1. 王小雨：第3章\n2. 陈静，第4章\n3. 周扬-第5章\n4. 李明远/第6章",
     {"王小雨": "第3章", "陈静": "第4章", "周扬": "第5章", "李明远": "第6章"}),
    ("#接龙\n1. 王小雨已打卡\n2. 陈静读完第3章\n3. 周扬同学\n4. 李明远第3章",
     {"王小雨": "已打卡", "陈静": "读完第3章", "周扬": "同学", "李明远": "第3章"}),
    ("#接龙\n1. 陳靜\n2. 歐陽晴晴X20260077\n3. 劉洋2026006", {"陈静": "", "欧阳晴晴": "", "刘洋": ""}),
    ("#接龙\n1. 阿依古丽•买买提 第3章\n2. john smith: chapter 3",
     {"阿依古丽·买买提": "第3章", "John Smith": "chapter 3"}),
    ("#接龙\n1. 王小雨\n2. \n3.\n5. 陈静\n9. 周扬", {"王小雨": "", "陈静": "", "周扬": ""}),
    ("#接龙\n1. 王小雨 上午\n2. 陈静\n3. 王小雨 下午\n3. 陈静", {"王小雨": "上午\n下午", "陈静": ""}),
    ("#接龙\n打卡\n1. 王小雨 读\n2. 陈静\n#接龙\n打卡\n1. 王小雨 读\n2. 陈静\n3. 周扬",
     {"王小雨": "读", "陈静": "", "周扬": ""}),
    ("#接龙\n1. 例：张三 读完第1章\n2. 王小雨\n3. 陈静", {"王小雨": "", "陈静": ""}),
    ("#接龙\n\n1. 王小雨 读完\n第3章的感想\n\n今晚12点截止，周扬别忘了\n2. 陈静",
     {"王小雨": "读完 第3章的感想", "陈静": ""}),
    ("接龙 1. 王小雨 2. 陈静 读完 3. 周扬", {"王小雨": "", "陈静": "读完", "周扬": ""}),
    ("> 1. 王小雨\r\n> 2. 陈静\r\n", {"王小雨": "", "陈静": ""}),
    ("#接龙\n1. 王小雨 +1\n2. 陈静+1", {"王小雨": "", "陈静": ""}),
    ("#接龙\n1. 2026001\n2. 2026003", {"王小雨": "", "陈静": ""}),
    ("#接龙\n1. 王小雨 13800000000\n2. 陈静", {"王小雨": "", "陈静": ""}),
    ("打卡接龙 11.22\n1. 王小雨\n2. 陈静", {"王小雨": "", "陈静": ""}),
    ("#接龙\n1.王小雨\n2.陈静\n3.何苗苗\n4.何苗", {"王小雨": "", "陈静": "", "何苗苗": "", "何苗": ""}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), PASTES)
def test_what_people_paste(text: str, expected: dict[str, str]) -> None:
    assert people(text) == expected
    assert matched(text).unmatched == ()


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("钱多多", Reason.UNKNOWN),
        ("赵一舟 读完", Reason.UNBOUND),
        ("刘洋", Reason.SEVERAL),
        ("刘洋 2026001", Reason.NUMBER),
        ("陈静 2026001", Reason.NUMBER),
        ("陈静2025999", Reason.NUMBER),
        ("何 苗 苗", Reason.SEVERAL),
        ("王小宇", Reason.NEAR),
        ("王晓雨 读完", Reason.NEAR),
        ("李远", Reason.NEAR),
        ("李明远航", Reason.NEAR),
        ("23级李明远", Reason.NEAR),
        ("一组 周扬", Reason.NEAR),
        ("陈静怡", Reason.NEAR),
        ("2099999", Reason.UNKNOWN),
        ("8", Reason.UNKNOWN),
    ],
)
def test_nobody_is_guessed(line: str, reason: Reason) -> None:
    text = f"#接龙\n1. 孙某某某\n2. {line}"
    assert reasons(text)[-1][1] is reason
    assert people(text) == {}


def test_who_is_near_is_asked_for_once_and_only_without_a_line_of_their_own() -> None:
    (asked,) = matched("#接龙\n1. 王小宇 读书").unmatched
    assert asked.maybe == KNOWN[0]
    assert asked.note == "读书"
    assert reasons("#接龙\n1. 王小宇\n2. 王小雨") == [("王小宇", Reason.UNKNOWN)]
    assert reasons("#接龙\n1. 王小宇\n2. 王晓雨") == [
        ("王小宇", Reason.UNKNOWN), ("王晓雨", Reason.UNKNOWN),
    ]  # fmt: skip
    # Nearly 何苗 and nearly 何苗苗 is neither.
    assert reasons("#接龙\n1. 何苗花") == [("何苗花", Reason.UNKNOWN)]


@pytest.mark.parametrize(
    "text",
    [
        "预备期多久",
        "1. 王小雨",
        "我想问：\n1. 预备期多久",
        "11月22日 读完\n1.5小时\n12:30 集合",
        "3章读完\n4月的总结",
        "2026年\n11-22 交材料",
        "5km跑步\n3组深蹲",
        "",
    ],
)
def test_what_is_no_list(text: str) -> None:
    assert parse(text) is None


def test_one_line_is_enough_after_the_word() -> None:
    found = parse("#接龙\n1. 王小雨 读书")
    assert found is not None
    assert found.marked
    assert found.lines == (Line("王小雨", "读书"),)
    empty = parse("#接龙\n今天没人")
    assert empty is not None
    assert empty.lines == ()


@pytest.mark.parametrize(
    ("title", "day"),
    [
        ("学习打卡", 23),
        ("11月22日学习打卡", 22),
        ("11.22 打卡", 22),
        ("2026-11-22", 22),
        ("2026/11/20 学习", 20),
        ("１１月２１日", 21),
        ("昨天的学习", 22),
        ("前天的补上", 21),
        ("11月23日", 23),
        ("11月24日预告", 23),
        ("11月1日起每天打卡", 23),
        ("11月20日-11月22日", 23),
        ("13月40日", 23),
        ("第3.2节", 23),
        ("2025年11月22日", 23),
    ],
)
def test_the_day_that_a_title_names(title: str, day: int) -> None:
    assert day_in(title, SENT) == date(2026, 11, day)


def test_a_day_of_last_year() -> None:
    assert day_in("12月31日学习", date(2027, 1, 2)) == date(2026, 12, 31)


def test_three_hundred_lines_and_no_more() -> None:
    rows = [f"{number}. 成员{number:03} 第{number}章" for number in range(1, LINE_LIMIT + 2)]
    whole = parse("#接龙\n" + "\n".join(rows[:LINE_LIMIT]))
    assert whole is not None
    assert len(whole.lines) == LINE_LIMIT
    assert not whole.too_long
    more = parse("#接龙\n" + "\n".join(rows))
    assert more is not None
    assert more.too_long
    assert more.lines == ()


COMMANDS = {"接龙": Takes.LIST, "打卡接龙": Takes.LIST, "打卡": Takes.TEXT}


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("接龙", "接龙"),
        ("接龙 3", "接龙"),
        ("接龙3", "接龙"),
        ("#接龙\n1. 王小雨", "接龙"),
        ("#接龙今天学了什么\n1. 王小雨 学了什么是民主", "接龙"),
        ("@学伴 #接龙 打卡\n1. 王小雨", "接龙"),
        ("打卡接龙\n1. 王小雨\n2. 陈静", "打卡接龙"),
        ("#打卡 读完第3章", "打卡"),
        ("接龙怎么用？", ""),
        ("接龙 怎么用", ""),
        ("接龙是什么\n谢谢", ""),
    ],
)
def test_when_it_is_the_command(text: str, word: str) -> None:
    said = read(text, COMMANDS, set())
    assert said.word == word
    assert (said.kind is Kind.COMMAND) == bool(word)


names = st.text(st.sampled_from("王李陈赵刘周小明静洋雨"), min_size=2, max_size=4)
notes = st.text(st.characters(exclude_categories=["C", "Z"]), max_size=20).map(
    lambda text: "读" + text
)
numbers = st.sampled_from(["{}. ", "{}、", "{}) ", "（{}）", "{}．", "{}："])


@given(
    st.lists(st.tuples(names, notes, numbers), min_size=2, max_size=12, unique_by=lambda x: x[0])
)
def test_every_line_is_found_whatever_stands_behind_it(
    rows: list[tuple[str, str, str]],
) -> None:
    text = "#接龙\n" + "\n".join(
        f"{form.format(number)}{name} {note}" for number, (name, note, form) in enumerate(rows, 1)
    )
    found = parse(text)
    assert found is not None
    assert [line.name for line in found.lines] == [name for name, _, _ in rows]


@given(st.text(st.sampled_from("1２.、 \n接龙#例王小雨陈静刘洋2026001读完✅()️⃣①一"), max_size=80))
def test_whatever_is_pasted_is_read_and_nobody_is_named_twice(text: str) -> None:
    found = parse(text)
    if found is None:
        return
    result = match(found.lines, KNOWN, simplified)
    assert set(result.people) <= set(NAMES)
    for one in result.unmatched:
        assert (one.maybe is not None) == (one.reason is Reason.NEAR)
        assert one.maybe is None or one.maybe.person_id not in result.people
    assert match(found.lines, KNOWN, simplified) == result


@given(st.permutations(KNOWN), st.sampled_from(PASTES))
def test_the_order_of_the_roster_makes_no_difference(
    known: list[Known], paste: tuple[str, dict[str, str]]
) -> None:
    found = parse(paste[0])
    assert found is not None
    assert match(found.lines, known, simplified) == match(found.lines, KNOWN, simplified)
