"""What the matcher learns of a knowledge base, what it changes without building anew, and why."""

import json
from pathlib import Path
from random import Random

import pytest
from click.testing import CliRunner

from benchmarks.matching import own
from bot.cli.main import main
from content import loader
from content.evaluation import Asked, measure
from content.matcher import Calibration, Matcher, Normaliser, calibrate, differences, noise
from content.matcher.calibrate import Outcome, lower_bound, threshold
from content.matcher.explain import explain
from content.matcher.follow_up import new_part, resolve
from content.matcher.hearing import Hearing
from content.matcher.polite import without_politeness
from content.matcher.sound import alike, repaired
from content.script import traditional

NORMALISER = loader.load().packs["base"].knowledge.normaliser
WRITTEN = own.written()
PACK = loader.load().packs["party-branch"].knowledge


@pytest.fixture(scope="module")
def matcher() -> Matcher:
    """Over our own questions without the last way to ask each, and calibrated on them."""
    found = Matcher({entry: texts[:-1] for entry, texts in WRITTEN.texts.items()}, NORMALISER)
    found.calibration = calibrate(found)
    return found


def test_right_or_none(matcher: Matcher) -> None:
    """2026-11-24: of 460 near misses and 119 questions worded as differently as can be 2 are
    answered, both rightly; top-1 98 %, right or among the near ones 67 %.
    """
    asked = [Asked(texts[-1], entry) for entry, texts in WRITTEN.texts.items()]
    near = [Asked(text, None) for _, text in WRITTEN.near]
    shares = measure(matcher, [*asked, *near]).shares()
    assert shares["top1"] >= 0.95
    assert shares["refused"] >= 0.99
    assert shares["right"] > 0
    assert shares["precision"] >= 0.97
    assert shares["right"] + shares["clarified"] >= 0.63


def test_what_is_known_is_answered_however_it_is_said(matcher: Matcher) -> None:
    chance = Random(1)  # noqa: S311 - a sample, not a secret
    for entry, texts in list(WRITTEN.texts.items())[:40]:
        for text in (
            traditional(texts[0]),
            noise.polite(texts[0], chance),
            f"各位老师好，想咨询一下，{texts[0]}，多谢啦",
        ):
            match = matcher.decide(text)
            assert (match.decision, match.candidates[0].entry) == ("answer", entry), text


def test_a_calibration_survives_json(matcher: Matcher) -> None:
    kept = Calibration.from_json(json.loads(json.dumps(matcher.calibration.to_json())))
    assert kept == matcher.calibration
    assert kept.sampled > 200


def test_a_small_knowledge_base_keeps_the_defaults() -> None:
    small = Matcher({"a": ("怎么退款", "如何退款"), "b": ("怎么换货",)}, NORMALISER)
    assert calibrate(small) == small.calibration
    assert calibrate(small, target=0.9).target == 0.9


def test_the_threshold_is_where_the_lower_bound_is_enough() -> None:
    right = [Outcome(0.9 + n / 10_000, True, 1.0) for n in range(300)]
    wrong = [Outcome(0.85, False, 1.0) for _ in range(30)]
    assert threshold([*right, *wrong], 0.97) == 0.9
    assert threshold(wrong, 0.97) == threshold(right[:10], 0.97) == 0.985
    assert lower_bound(1.0, 10) < lower_bound(1.0, 100) < 1.0
    assert lower_bound(0.9, 100) < 0.9


def test_one_entry_changes_and_the_rest_stays() -> None:
    texts = {f"e{number}": (f"第{number}号仓库在哪里？",) for number in range(3, 60)}
    changed = Matcher(texts, NORMALISER)
    assert changed.decide("打印店几点关门").decision == "escalate"
    changed.put("new", ("打印店几点关门？", "打印店什么时候关门"))
    assert changed.decide("打印店几点关门呀").candidates[0].entry == "new"
    changed.put("new", ("游泳馆几点开门？",))
    for gone in ("打印店几点关门", "打印店什么时候关门"):
        assert changed.decide(gone).decision == "escalate"
    assert changed.decide("游泳馆几点开门").candidates[0].entry == "new"
    changed.put("other", ("打印店几点关门？",))
    changed.put("third", ("理发店几点关门？",))
    changed.remove("other")
    assert changed.decide("打印店几点关门").decision != "answer"
    assert changed.decide("理发店几点关门").candidates[0].entry == "third"
    changed.put("third", ())
    assert changed.decide("理发店几点关门").decision == "escalate"
    changed.remove("new")
    changed.remove("new")
    assert changed.decide("游泳馆几点开门").decision == "escalate"
    changed.remove("e7")
    assert changed.decide("第7号仓库在哪里").decision != "answer"
    assert changed.decide("第8号仓库在哪里").candidates[0].entry == "e8"


def test_many_changes_build_it_anew() -> None:
    changed = Matcher({"a": ("怎么退款？",)}, NORMALISER)
    for number in range(210):
        changed.put(f"n{number}", (f"第{number + 3}号仓库几点开门？",))
    assert changed.decide("怎么退款").candidates[0].entry == "a"
    assert changed.decide("第150号仓库几点开门").candidates[0].entry == "n147"


@pytest.mark.parametrize(
    ("known", "asked"),
    [("感冒药有什么作用", "感冒药有什么副作用"), ("怎么把支付宝的钱转到银行卡", "怎么把银行卡的钱转到支付宝"),
     ("5个月的孩子可以坐飞机吗", "8个月的孩子可以坐飞机吗"), ("入党介绍人要几名", "入团介绍人要几名"),
     ("左脸比右脸大怎么办", "右脸比左脸大怎么办"), ("男生追女生怎么追", "女生追男生怎么追"),
     ("色彩斑斓是什么意思", "色彩斑斓的斑是什么意思"),
     ("身份证怎么补办", "身份证补办要多少钱"), ("打印店几点关门", "游泳馆几点开门"),
     ("校园卡怎么挂失", "校园卡为什么挂失"), ("社团怎么加入", "社团怎么退出"), ("党员可以带薪休假吗", "党员不可以带薪休假吗")],
)  # fmt: skip
def test_near_misses(known: str, asked: str) -> None:
    match = Matcher({"it": (known,), "far": ("食堂几点关门",)}, NORMALISER).decide(asked)
    assert match.decision != "answer"


@pytest.mark.parametrize(
    ("known", "asked"),
    [("杭州今年什么时候下雪", "今年杭州什么时候下雪"), ("校园卡怎么补办", "怎么补办校园卡"),
     ("色彩斑斓是什么意思", "什么意思是色彩斑斓"), ("校园网一个月多少钱", "校园网多少钱一个月"),
     ("奖学金怎么申请", "奖学金怎么申请谢谢"), ("助学贷款怎么还款", "助学贷款怎么还款，急"),
     ("手脚发麻怎么办", "首脚发麻怎么办"), ("手脚发麻是什么原因", "手脚发麻是什么源因")],
)  # fmt: skip
def test_the_same_in_another_order_politely_or_misheard(known: str, asked: str) -> None:
    match = Matcher({"it": (known,), "far": ("食堂几点关门",)}, NORMALISER).decide(asked)
    assert (match.decision, match.candidates[0].entry) == ("answer", "it")


@pytest.mark.parametrize(
    "text",
    ["很着急", "脾气为什么很急", "事情紧急", "快递能加急", "宴请", "怎么申请", "退休金怎么领先"],
)
def test_what_only_looks_polite_stays(text: str) -> None:
    assert without_politeness(text) == text


@pytest.mark.parametrize(
    ("first", "second", "turned"),
    [("左脸比右脸大", "右脸比左脸大", True), ("男生追女生", "女生追男生", True),
     ("从支付宝转到银行卡", "从银行卡转到支付宝", True), ("男生追女生怎么追", "女生追男生怎么追", True),
     ("杭州今年什么时候下雪", "今年杭州什么时候下雪", False), ("男生和女生", "女生和男生", False),
     ("男生追女生", "男生追女生", False), ("男生追女生", "老师教学生", False)],
)  # fmt: skip
def test_nouns_that_change_places(first: str, second: str, turned: bool) -> None:
    one, other = NORMALISER.plain(first), NORMALISER.plain(second)
    kind = NORMALISER.segmenter.kind
    assert differences.turned(one.words, other.words, kind) is turned
    assert differences.turned(other.words, one.words, kind) is turned


@pytest.mark.parametrize(
    ("written", "meant"),
    [("源因", "原因"), ("预备起多久", "预备期多久"), ("四个校圆卡", "四个校园卡"), ("什么时后开", "什么时候开"),
     ("十个人", "十个人"), ("预备期多久", "预备期多久"), ("预备队", "预备队"), ("", ""), ("abc12", "abc12")],
)  # fmt: skip
def test_words_that_were_misheard_are_mended(written: str, meant: str) -> None:
    hearing = Hearing(["预备期"], NORMALISER.segmenter)
    hearing.learn(["校园卡"])
    assert hearing.mended(written) == meant


def test_numerals_are_never_taken_for_each_other() -> None:
    assert alike("源", "原")
    assert alike("十", "四") is alike("四", "事") is alike("时", "十") is False
    assert repaired("十个人", "四个人") is None
    match = Matcher({"it": ("四个人能不能开会",), "far": ("食堂几点关门",)}, NORMALISER)
    assert match.decide("十个人能不能开会").decision != "answer"


def test_characters_that_sound_alike() -> None:
    assert repaired("预备起多久", "预备期多久") == "预备期多久"
    assert repaired("预备队多久", "预备期多久") is None
    match = PACK.matcher.decide("预备起是多长时间")
    assert (match.decision, match.candidates[0].entry) == ("answer", "D29")


def test_why(matcher: Matcher) -> None:
    lines = "\n".join(explain(matcher, "图书馆几点开门呢"))
    for part in ("compared as: ", "rule: ", "probability: ", "target 0.97", "only asked: "):
        assert part in lines
    assert "same words" in "\n".join(explain(matcher, "图书馆几点关门？"))


@pytest.mark.parametrize(
    ("text", "new"),
    [("那转正呢", "转正"), ("支委会呢？", "支委会"), ("那么在哪里开的", "在哪里开的"), ("预备期多久", None), ("那", None)],
)  # fmt: skip
def test_what_a_follow_up_names(text: str, new: str | None) -> None:
    assert new_part(text) == new


def test_a_follow_up_is_resolved_or_asked_back() -> None:
    found = resolve(PACK.matcher, "那党小组会呢", "党员大会多久开一次")
    assert found is not None
    assert (found.decision, found.candidates[0].entry) == ("answer", "B09")
    found = resolve(PACK.matcher, "那转正呢", "发展对象公示几天")
    assert found is not None
    assert (found.decision, found.candidates[0].entry) == ("answer", "D40-notice")
    asked_back = resolve(PACK.matcher, "那转正呢", "食堂几点关门")
    assert asked_back is not None
    assert asked_back.decision == "clarify"
    assert 2 <= len(asked_back.candidates) <= 4
    alone = resolve(PACK.matcher, "那党小组会呢", None)
    assert alone is not None
    assert alone.decision != "answer"
    assert resolve(PACK.matcher, "党小组会多久开一次", "党员大会多久开一次") is None


def test_entries_that_would_be_confused_are_found() -> None:
    confused = Matcher(
        {"a": ("校园卡丢了怎么补办", "怎么补办校园卡"), "b": ("校园卡遗失了如何补办", "请问怎么补办校园卡")},
        NORMALISER,
    )  # fmt: skip
    assert confused.rivals("b", "请问怎么补办校园卡") == ["a"]
    assert confused.rivals("a", "今天几号") == []


def test_an_unfilled_normaliser_does() -> None:
    assert Matcher({"a": ("怎么退款",)}, Normaliser({}, ())).decide("怎么退款").decision == "answer"


def test_kb_eval(tmp_path: Path) -> None:
    base, queries = tmp_path / "kb.jsonl", tmp_path / "queries.jsonl"
    rows = [
        {"id": entry, "question": texts[0], "variants": texts[1:-1], "answer": ""}
        for entry, texts in list(WRITTEN.texts.items())[:20]
    ]
    asked: list[dict[str, str | None]] = [
        {"query": texts[-1], "id": entry} for entry, texts in list(WRITTEN.texts.items())[:20]
    ]
    asked.append({"query": "哪里可以看极光", "id": None})
    for file, lines in ((base, rows), (queries, asked)):
        file.write_text("\n".join(json.dumps(line, ensure_ascii=False) for line in lines), "utf-8")

    run = CliRunner().invoke(
        main, ["kb", "eval", "--kb", str(base), "--queries", str(queries), "--json"]
    )
    figures = json.loads(run.stdout)
    assert list(figures) == [
        "top1", "top3", "mrr", "answered", "precision", "right", "clarified", "refused",
        "p50_ms", "p99_ms", "build_s", "rss_mb",
    ]  # fmt: skip
    assert figures["top3"] >= 0.9
    assert figures["refused"] == 1.0

    queries.write_text('{"query": "x", "id": "nobody"}\n', "utf-8")
    run = CliRunner().invoke(main, ["kb", "eval", "--kb", str(base), "--queries", str(queries)])
    assert run.exit_code == 1
    assert "nobody" in run.stderr
