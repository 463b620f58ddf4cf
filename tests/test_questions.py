"""What is answered, what never is, and how much of what nobody has taught is recognised."""

import json
import tomllib
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.bootstrap import COMMANDS, ROUTINES, Application
from bot.domain.paging import as_text
from bot.routing.answers import answer_lines
from bot.services import community
from bot.storage.models import QuestionCount
from content import loader
from content.check import check
from content.questions import REFUSALS
from content.schema import ExampleFile
from tests.conftest import START, HandClock
from tests.members import ACCOUNT, Member, held, mentor
from tests.platform import enrol

LIBRARY = loader.load()
PACK = LIBRARY.packs["party-branch"]
HELD_OUT = ExampleFile.model_validate(
    tomllib.loads((Path(__file__).parent / "held_out.toml").read_text(encoding="utf-8"))
)
LEARNED = {text for texts in PACK.questions.examples.values() for text in texts}


def declined(text: str) -> str | None:
    decision = PACK.questions.decide(text)
    return decision.name if decision.kind == "decline" else None


def test_every_example_and_every_entry_is_recognised() -> None:
    assert check(LIBRARY, COMMANDS, ROUTINES) == []


@pytest.mark.parametrize("name", REFUSALS)
def test_there_are_examples_enough_of_each_class(name: str) -> None:
    assert len(set(PACK.questions.examples[name])) >= 40


def test_there_are_harmless_examples_enough() -> None:
    entries = PACK.knowledge.entries.values()
    asked = {text for entry in entries for text in (entry.question, *entry.variants)}
    assert len(set(PACK.questions.examples["look up"]) - asked) >= 6 * 40


def test_what_nobody_has_taught_is_recognised() -> None:
    """2026-11-23: crisis 40 of 42; declined at all 93 %, as its class 89 %; harmless 87 of 90."""
    for texts in (HELD_OUT.look_up, *HELD_OUT.refusal.values(), *HELD_OUT.wish.values()):
        assert LEARNED.isdisjoint(texts)
    found = {name: [declined(text) for text in texts] for name, texts in HELD_OUT.refusal.items()}
    everything = [answer for answers in found.values() for answer in answers]
    assert found["crisis"].count("crisis") >= 0.94 * len(found["crisis"])
    assert sum(answer is not None for answer in everything) >= 0.92 * len(everything)
    right = sum(answers.count(name) for name, answers in found.items())
    assert right >= 0.88 * len(everything)
    harmless = [declined(text) for text in HELD_OUT.look_up]
    assert harmless.count(None) >= 0.95 * len(harmless)


def test_a_wish_in_other_words_is_its_command() -> None:
    right = total = 0
    for command, texts in HELD_OUT.wish.items():
        for text in texts:
            decision = PACK.questions.decide(text)
            right += decision.kind == "command" and decision.name == command
            total += 1
    assert right >= 0.8 * total


def test_entries_rest_on_documents_that_were_read() -> None:
    facts = [entry for entry in PACK.knowledge.entries.values() if entry.topic != "学伴的用法"]
    assert len(facts) >= 40
    for entry in PACK.knowledge.entries.values():
        for document, clause in PACK.knowledge.sources(entry):
            assert clause
            assert document.checked_against in ("reprint", "official")
        shown = "\n".join(answer_lines(PACK.messages.say, PACK.knowledge, entry, START.date()))
        assert len(shown) <= 600, entry.id


def test_numbers_for_people_in_need_have_a_source_and_a_date() -> None:
    lines = {(line.name, line.number) for line in PACK.knowledge.help_lines}
    assert lines == {("crisis", "12356"), ("complaint", "12388"), ("complaint", "12380")}
    assert all(line.source and line.checked_on for line in PACK.knowledge.help_lines)


def test_a_group_gets_three_lines_and_nothing_about_anybody(application: Application) -> None:
    mentor(application, "oMentor")
    enrol(application, "oA", account=ACCOUNT)
    group = Member(application, "oA", group="G")

    lines = group.say("学生党员每月交多少党费").strip().splitlines()
    assert [line[:2] for line in lines] == ["问：", "学生", "依据"]
    assert "没有可选的编号" in group.say("0")
    assert group.say("我挂了一门课还能入党吗").strip() == "请私聊我。"
    assert group.say("支书收了我五百块").strip() == "请私聊我。"
    crisis = group.say("我不想活了，活着没意思")
    assert "12356" in crisis
    assert "活" not in crisis
    assert "导师" not in crisis
    assert "没有可选的编号" in group.say("1")
    assert "不评论" in group.say("你怎么看文革")
    assert "别人的情况" in group.say("李明转正了吗")
    unsure = group.say("党徽上的锤子代表什么")
    assert "私聊我问" in unsure
    assert "署名" not in unsure
    near = group.say("会议多久开一次")
    assert "1 " in near
    assert "依据" in group.say("1")


def test_a_community_says_its_own_line_first(application: Application) -> None:
    with application.database.begin() as session:
        values = {"crisis_line": "校心理中心 8800", "complaint_line": "学院纪委信箱"}
        community.change(session, "示例支部", dict(values), ("party-branch",))
    member = Member(application, "oA")
    said = member.say("我不想活了")
    assert said.index("校心理中心 8800") < said.index("12356")
    said = member.say("我要举报支书")
    assert said.index("学院纪委信箱") < said.index("12388")


def test_nothing_is_kept_of_a_complaint_or_a_cry_for_help(application: Application) -> None:
    mentor(application, "oMentor")
    enrol(application, "oA", account=ACCOUNT)
    member = Member(application, "oA")
    assert "12388" in member.say("支书张三收了我五百块钱")
    assert "12356" in member.say("我从楼顶跳下去算了")
    assert "12356" in member.say("打卡 今晚就从楼顶跳下去")
    assert "12388" in member.say("提问 支书张三收了钱该跟谁说")
    assert held(application, "五百块", "张三", "楼顶") == set()


@pytest.mark.parametrize("word", ["提问", "匿名提问"])
def test_a_command_to_ask_is_no_way_around(application: Application, word: str) -> None:
    """Whether there is a mentor or not, in private and in a group."""
    enrol(application, "oA", account=ACCOUNT)
    private, group = Member(application, "oA"), Member(application, "oA", group="G")
    for with_mentor in (False, True):
        if with_mentor:
            mentor(application, "oMentor")
        assert "12356" in private.say(f"{word} 我不想活了")
        assert "12388" in private.say(f"{word} 支书收了我五百块")
        assert "12356" in group.say(f"{word} 我不想活了")
        assert "请私聊我" in group.say(f"{word} 支书收了我五百块")
    assert held(application, "不想活", "五百块") == set()


def test_a_check_in_counts_without_what_is_not_kept(application: Application) -> None:
    enrol(application, "oA", account=ACCOUNT)
    member = Member(application, "oA")
    said = member.say("打卡 支书张三收了我五百块")
    for part in ("12388", "打卡成功", "那句话没有记下"):
        assert part in said
    assert "12356" in member.say("打卡 我不想活了")
    group = Member(application, "oA", group="G").say("打卡 我不想活了")
    assert "12356" in group
    assert "打卡成功" in group
    assert held(application, "张三", "不想活") == set()


def test_nobody_agrees_to_what_is_not_on_the_screen(application: Application) -> None:
    stranger = Member(application, "oStranger")
    stranger.say("打卡")
    stranger.say("打卡 我不想活了")
    stranger.say("好")
    stranger.say("1")
    assert held(application, "oStranger") <= {"inbox"}


def test_counts_are_by_topic_and_about_nobody(application: Application) -> None:
    for openid in ("oA", "oB"):
        member = Member(application, openid)
        member.say("学生党员每月交多少党费")
        member.say("0")
    Member(application, "oC").say("我不想活了")
    with application.database.read() as session:
        rows = session.scalars(select(QuestionCount)).all()
        counted = {(row.outcome, row.topic): row.count for row in rows}
    assert counted == {("answered", "F01"): 2, ("taken back", "F01"): 2}


@pytest.mark.parametrize(
    "text",
    ["党" * 5000, "😀" * 40, "？！…" * 30, "<script>alert(1)</script>", "' OR 1=1; --",
     "Привет 你好 مرحبا", "\u200b", "{0}{x}%s", "党", "12" * 30, "党员" * 2000],
)  # fmt: skip
def test_odd_input_gets_a_plain_sentence(application: Application, text: str) -> None:
    said = Member(application, "oA").say(text)
    assert said.strip()
    assert "出错" not in said
    assert "Traceback" not in said


def test_a_refusal_before_an_answer_and_an_answer_before_a_menu(application: Application) -> None:
    """Each class has its own sentence, and none a menu of near questions."""
    member = Member(application, "oA")
    for name in REFUSALS:
        for text in PACK.questions.examples[name][:10]:
            said = member.say(text)
            assert PACK.messages.say("question.near") not in said, text
            assert PACK.messages.say("question.unsure") not in said, text


def test_the_time_of_day_does_not_matter(application: Application, clock: HandClock) -> None:
    clock.time = clock.now().replace(hour=19, minute=30)  # 03:30 in Shanghai
    assert "12356" in Member(application, "oA").say("不想活了")


def test_a_reply_is_a_notice_that_can_be_stored(application: Application) -> None:
    member = Member(application, "oA")
    reply = application.dispatcher.dispatch(
        member.message("遵义会议是什么时候召开的"), application.clock.now()
    ).reply
    assert reply.notice is not None
    assert json.loads(reply.notice.to_json())["kind"] == "answer"
    assert as_text(reply.notice).startswith("问：")
