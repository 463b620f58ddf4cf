"""The matcher's parts: one spelling for many, what forbids an answer, and odd knowledge bases."""

import pytest

from content.matcher import Matcher, Normaliser
from content.matcher.normalise import bare, digits

PLAIN = Normaliser({}, ())
BASE = {
    "term": ("预备期是多长时间？", "预备期多久"),
    "start": ("预备期从哪一天算起？",),
    "meeting": ("党员大会多久开一次？", "支部大会一年开几次"),
    "refund": ("支付宝的钱怎么转到银行卡？",),
    "eight": ("孕8个月能坐飞机吗？",),
}


@pytest.mark.parametrize(
    ("numeral", "value"),
    [("三", "3"), ("十", "10"), ("二十", "20"), ("十二", "12"), ("一百二十", "120"), ("一九二一", "1921"),
     ("两", "2"), ("二百零五", "205")],
)  # fmt: skip
def test_numerals(numeral: str, value: str) -> None:
    assert digits(numeral) == value


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("黨員大會", "党员大会"),
        ("ＡＢＣ １２", "abc12"),
        ("党 员　大，会！😀", "党员大会"),
    ],
)
def test_one_spelling(one: str, other: str) -> None:
    assert bare(one) == bare(other)


def test_terms_fillers_and_counted_numerals() -> None:
    normalise = Normaliser({"入党积极分子": ["积极分子"], "书记": ["支书"]}, ["请问", "啊"])
    assert normalise("请问积极分子要三个人啊") == "入党积极分子要3个人"
    assert normalise("入党积极分子") == "入党积极分子"
    assert normalise("统一战线") == "统一战线"
    assert normalise("请问") == "请问"


@pytest.mark.parametrize(
    ("question", "entry"),
    [("预备期多久", "term"), ("请问预备期是多长时间呀", "term"), ("党员大会多久开一次", "meeting"),
     ("預備期從哪一天算起", "start")],
)  # fmt: skip
def test_an_answer(question: str, entry: str) -> None:
    match = Matcher(BASE, Normaliser({}, ["请问", "呀", "是"])).decide(question)
    assert (match.decision, match.candidates[0].entry) == ("answer", entry)


@pytest.mark.parametrize(
    "question",
    ["团员大会多久开一次？", "孕5个月能坐飞机吗？", "试用期是多长时间？", "孕8个月不能坐飞机吗？"],
)
def test_a_near_miss_is_no_answer(question: str) -> None:
    assert Matcher(BASE, PLAIN).decide(question).decision != "answer"


@pytest.mark.parametrize(
    "question",
    ["", " ", "党", "12", "20261123", "😀", "👨‍👩‍👧", "a" * 5000, "党员" * 2500, "？", "\x00\n\t", "\ud800",
     "党员DA会 дом مرحبا ค่ะ", "ｈｅｌｌｏ　１２", "预备期" + "多久" * 2500],
)  # fmt: skip
def test_any_text_gets_a_decision(question: str) -> None:
    for base in (
        {},
        {"one": ("一个问题？",)},
        {str(n): ("一样的问题？",) for n in range(200)},
        {"none": ()},
        {"empty": ("", "？")},
        BASE,
    ):
        match = Matcher(base, PLAIN).decide(question)
        assert match.decision in ("clarify", "escalate")
        assert len(match.candidates) <= 4


def test_small_and_even_knowledge_bases() -> None:
    assert Matcher({}, PLAIN).decide("预备期多久").decision == "escalate"
    alone = Matcher({"one": ("校园卡怎么补办？",)}, PLAIN)
    assert alone.decide("校园卡怎么补办").decision == "answer"
    assert alone.decide("校园卡怎么充值").decision != "answer"
    alike = Matcher({str(n): ("校园卡怎么补办？",) for n in range(200)}, PLAIN)
    for asked in ("校园卡怎么补办", "怎么补办校园卡"):
        assert alike.decide(asked).decision == "clarify"
    assert alike.decide("食堂几点关门").decision == "escalate"


def test_two_entries_with_one_question_are_both_named() -> None:
    match = Matcher({"a": ("怎么退款？",), "b": ("如何退款？",)}, PLAIN).decide("退款怎么退？")
    assert match.decision == "clarify"
    assert {item.entry for item in match.candidates} == {"a", "b"}


@pytest.mark.parametrize(
    ("said", "asked"),
    [("弱弱地问一句，护照怎么办", "护照怎么办"), ("护照怎么办，跪谢", "护照怎么办"),
     ("各位前辈打搅了，护照怎么办，有懂的吗", "护照怎么办"), ("我有高血压，能喝酒吗", "我有高血压，能喝酒吗"),
     ("我怀孕了，能吃螃蟹吗", "我怀孕了，能吃螃蟹吗"), ("什么时候、为谁讲的", "什么时候、为谁讲的"), ("谢谢，麻烦了", "谢谢，麻烦了")],
)  # fmt: skip
def test_clauses_that_ask_nothing(said: str, asked: str) -> None:
    assert Normaliser({}, ()).asked(said) == asked
