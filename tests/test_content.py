"""Packs load; a broken one is described file by file."""

import shutil
from importlib.resources import files
from pathlib import Path

import pytest

from bot.errors import ContentError
from bot.routing.answers import answer_lines
from content import loader
from content.messages import fields_of
from handlers import ROUTERS
from tests.conftest import START

PACKS = loader.load()


def pack(folder: Path, name: str, text: str, file: str = "messages.toml") -> None:
    path = folder / name / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def problems(folder: Path) -> str:
    with pytest.raises(ContentError) as caught:
        loader.load(folder)
    return "\n".join(caught.value.problems)


def test_the_shipped_packs_load() -> None:
    assert PACKS.names == ("party-branch", "reading-club")
    for name in PACKS.names:
        assert len(PACKS.packs[name].dialogues) >= 1


@pytest.mark.parametrize("file", ["messages", "menu", "routines", "sources", "lexicon"])
@pytest.mark.parametrize("name", ["base", "reading-club"])
def test_words_of_a_party_branch_are_in_its_own_pack_alone(name: str, file: str) -> None:
    text = (files("content") / "packs" / name / f"{file}.toml").read_text(encoding="utf-8")
    assert "主题党日" not in text
    assert "支部" not in text


def test_packs_share_the_base_and_nothing_else() -> None:
    party, club = (PACKS.packs[name].knowledge for name in PACKS.names)
    base = PACKS.packs["base"].knowledge
    assert party.entries.keys() & club.entries.keys() == base.entries.keys()
    assert party.documents.keys() & club.documents.keys() == base.documents.keys()


def test_every_command_has_its_line_of_help_in_every_pack() -> None:
    for name in PACKS.names:
        for router in ROUTERS:
            for word, (command, _) in router.commands.items():
                if not command.help:
                    continue
                assert PACKS.packs[name].messages.say(command.help).startswith(word)


def test_a_pack_says_it_in_its_own_words(tmp_path: Path) -> None:
    pack(tmp_path, "base", '[a]\nb = "你好 {name}"\nc = "再见"')
    pack(tmp_path, "club", '[a]\nb = "{name}，来啦"')
    messages = loader.load(tmp_path).packs["club"].messages

    assert messages.say("a.b", name="甲") == "甲，来啦"
    assert messages.say("a.c") == "再见"
    with pytest.raises(KeyError):
        messages.say("a.d")


def test_every_problem_of_a_pack_is_listed(tmp_path: Path) -> None:
    pack(tmp_path, "base", '[a]\nb = "{name}"\nc = "{"\nd = 5')
    pack(tmp_path, "club", '[a]\nb = "{nme}"\nc = "}"\nx = "new"')
    pack(tmp_path, "club", "", "source.toml")
    pack(tmp_path, "club", "", "card/a.toml")
    pack(tmp_path, "club", '[[routine]]\nkind = "study_card"\nrule = "x"', "routines.toml")
    pack(tmp_path, "class", "[a")
    pack(tmp_path, "class", 'title = "t"\nturns = []\ncolour = 1', "dialogues/1.toml")
    found = problems(tmp_path)

    for part in ("base/messages.toml: a.c:", "club/messages.toml: a.c:", "a.d: must be a text",
                 "club/source.toml: no file of a pack", "club/card: no file of a pack",
                 "routines.toml: routine: study_card: rule: 'x' is no rule", "unknown fields nme", "no such message",
                 "class/messages.toml", "turns", "colour"):  # fmt: skip
        assert part in found


def test_files_that_cannot_be_read_are_named_all_at_once(tmp_path: Path) -> None:
    knowledge = tmp_path / "club" / "knowledge"
    knowledge.mkdir(parents=True)
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "messages.toml").write_bytes(b'a = "x"\nb = "\xff"')
    (knowledge / "gbk.toml").write_bytes('question = "谁？"'.encode("gbk"))
    (knowledge / "deep.toml").write_text(f"entry = {'[' * 100_000}")
    with (knowledge / "long.toml").open("wb") as stream:
        stream.truncate(10_000_000)
    pack(tmp_path, "club", ENTRY.format(id="a", question="甲？", variants="", document="none"), "knowledge/k.toml")  # fmt: skip
    said = problems(tmp_path)
    for part in (
        "base/messages.toml: line 2: is not UTF-8",
        "knowledge/gbk.toml: line 1: is not UTF-8; save the file in that encoding",
        "knowledge/deep.toml: its lists or tables stand too deep in one another",
        "knowledge/long.toml: the file has more than 1 MB; it was not read",
        "knowledge/k.toml: a: sources: nobody has read none",
    ):
        assert part in said


def test_a_mark_of_windows_before_the_text_is_no_problem(tmp_path: Path) -> None:
    pack(tmp_path, "base", '\ufeff[a]\nb = "你好"\r\n')
    pack(tmp_path, "club", "")
    assert loader.load(tmp_path).packs["club"].messages.say("a.b") == "你好"


def test_wrong_dates_and_ids_name_their_entry_and_field(tmp_path: Path) -> None:
    pack(tmp_path, "base", DOCUMENT.format(id="d", issued="2020", against="reprint"), "sources.toml")  # fmt: skip
    pack(tmp_path, "club", DOCUMENT.format(id="d", issued="2020", against="reprint")
         + DOCUMENT.format(id="e", issued="2020", against="reprint")
         + DOCUMENT.format(id="e", issued="2020", against="reprint"), "sources.toml")  # fmt: skip
    pack(tmp_path, "class", DOCUMENT.format(id="f", issued="2020-13", against="reprint")
         + DOCUMENT.format(id="g", issued="2020-1-1", against="reprint")
         + DOCUMENT.format(id="h", issued="2020", against="own")
         + DOCUMENT.format(id="i", issued="2020", against="unreviewed"), "sources.toml")  # fmt: skip
    day = ENTRY.format(id="a", question="甲？", variants="", document="d")
    pack(tmp_path, "class", day.replace("2026-11-23", "2026-02-30"), "knowledge/k.toml")
    event = '[[entry]]\nevent = { date = "1921-07-32", what = "x" }\nid = "b"\n'
    pack(tmp_path, "class", event, "knowledge/l.toml")
    said = problems(tmp_path)
    for part in (
        "club/sources.toml: d: id: used twice",
        "club/sources.toml: e: id: used twice",
        "class/sources.toml: document: f: issued_on",
        "class/sources.toml: document: g: issued_on",
        "class/sources.toml: document: h: checked_against: only a by_law can be own",
        "class/sources.toml: document: i: checked_against: only a by_law can be unreviewed",
        "k.toml: entry: a: checked_on",
        "l.toml: entry: b: event: date",
        "l.toml: entry: b: question",
    ):
        assert part in said


def test_a_by_law_in_a_pack_says_whose_it_is(tmp_path: Path) -> None:
    shutil.copytree(str(files("content") / "packs" / "base"), tmp_path / "base")
    by_law = DOCUMENT.format(id="d", issued="2026-11-01", against="own") + 'kind = "by_law"\n'
    pack(tmp_path, "club", by_law, "sources.toml")
    pack(tmp_path, "club", ENTRY.format(id="a", question="甲？", variants="", document="d"), "knowledge/k.toml")  # fmt: skip
    found = loader.load(tmp_path).packs["club"]
    lines = answer_lines(
        found.messages.say, found.knowledge, found.knowledge.entries["a"], START.date()
    )
    assert "2026-11-01 录入 · 自己录入，2026-11-23 核对" in lines[2]


def test_fields_of_a_template() -> None:
    assert fields_of("{a} 和 {b}，{{不是}}") == {"a", "b"}


ENTRY = """
[[entry]]
id = "{id}"
question = "{question}"
variants = [{variants}]
answer = "答。"
topic = "t"
sources = [{{ document = "{document}", clause = "第一条" }}]
checked_on = "2026-11-23"
"""
DOCUMENT = """
[[document]]
id = "{id}"
title = "文件"
issuer = "某"
issued_on = "{issued}"
checked_on = "2026-11-23"
checked_against = "{against}"
"""


def test_what_an_entry_names_must_be_there(tmp_path: Path) -> None:
    pack(tmp_path, "base", "")
    pack(
        tmp_path,
        "club",
        DOCUMENT.format(id="d", issued="2020-02-30", against="title"),
        "sources.toml",
    )
    pack(tmp_path, "club", ENTRY.format(id="a", question="甲？", variants='"同问"', document="none")
         + ENTRY.format(id="a", question="乙？", variants='"同问"', document="d"), "knowledge/k.toml")  # fmt: skip
    found = problems(tmp_path)
    assert "document: d: issued_on" in found
    assert "a: this id is used twice" in found
    assert "a: sources: nobody has read none" in found


DRAFT = """
[[entry]]
id = "draft"
question = "退社要交表吗？"
variants = ["退社需要交表吗"]
answer = "要交一张表。"
topic = "t"
draft = "没有对照过"
checked_on = "2026-11-23"
"""
QUESTION = """
[[question]]
id = "{id}"
kind = "{kind}"
text = "题"
{rest}
entry = "{entry}"
explanation = "因为"
"""
CARD = '[[card]]\nid = "{id}"\nfront = "问"\nback = "答"\nentry = "{entry}"\n'
TWO = 'options = ["甲", "乙"]\nright = [{right}]'


def club(folder: Path, entry: str = "") -> None:
    """A pack with the entry `a`, a draft, and the document `d`."""
    pack(folder, "base", "")
    pack(folder, "club", DOCUMENT.format(id="d", issued="2020", against="reprint"), "sources.toml")
    known = ENTRY.format(id="a", question="怎么入社？", variants='"如何入社"', document="d")
    pack(folder, "club", known + DRAFT + entry, "knowledge/k.toml")


def test_a_draft_is_found_and_is_no_answer(tmp_path: Path) -> None:
    club(tmp_path)
    questions = loader.load(tmp_path).packs["club"].questions
    assert list(questions.knowledge.entries) == ["a"]
    assert list(questions.knowledge.drafts) == ["draft"]
    decision = questions.decide("退社需要交表吗")
    assert (decision.kind, decision.name, decision.entry) == ("escalate", "draft", "draft")


def test_an_entry_without_a_source_can_only_be_a_draft(tmp_path: Path) -> None:
    club(tmp_path, DRAFT.replace('draft = "没有对照过"\n', "").replace('"draft"', '"bare"'))
    [found] = problems(tmp_path).splitlines()
    assert found.startswith(f"{tmp_path}/club/knowledge/k.toml: entry: bare: ")
    assert "an entry without a source can only be a draft" in found


def test_quiz_and_cards_of_a_pack(tmp_path: Path) -> None:
    club(tmp_path)
    asked = QUESTION.format(id="q1", kind="single", rest=TWO.format(right=2), entry="a")
    pack(tmp_path, "club", asked, "quiz/q.toml")
    pack(tmp_path, "club", CARD.format(id="c1", entry="a"), "cards/c.toml")
    study = loader.load(tmp_path).packs["club"].study
    assert study.quiz["q1"].right == (2,)
    assert study.cards["c1"].back == "答"


@pytest.mark.parametrize(
    ("kind", "rest", "reason"),
    [
        ("single", 'options = ["甲"]\nright = [1]', "there are at least 2 options"),
        ("single", TWO.format(right="1, 2"), "only of `multiple` several options are right"),
        ("single", TWO.format(right=""), "no option is right"),
        ("single", TWO.format(right="3"), "`right` are numbers of the options"),
        ("single", TWO.format(right="0"), "`right` are numbers of the options"),
        ("single", 'options = ["甲", "甲"]\nright = [1]', "two options are the same"),
        ("single", TWO.format(right="1") + '\naccepted = ["x"]', "only a question to fill in has"),
        ("multiple", TWO.format(right="1"), "of `multiple` at least 2 options are right"),
        ("multiple", TWO.format(right="1, 1"), "an option is named twice"),
        ("true_false", TWO.format(right="1"), "true or false has no options"),
        ("true_false", "right = [3]", "`right` are numbers of the options"),
        ("fill_in", "", "a question to fill in has `accepted`"),
        ("fill_in", 'accepted = ["x"]\nright = [1]', "a question to fill in has `accepted`"),
        ("essay", "", "kind"),
    ],
)
def test_a_question_that_cannot_be_answered_is_a_problem(
    tmp_path: Path, kind: str, rest: str, reason: str
) -> None:
    club(tmp_path)
    good = QUESTION.format(id="q0", kind="true_false", rest="right = [1]", entry="a")
    broken = QUESTION.format(id="q1", kind=kind, rest=rest, entry="a")
    pack(tmp_path, "club", good + broken, "quiz/q.toml")
    [found] = problems(tmp_path).splitlines()
    assert found.startswith(f"{tmp_path}/club/quiz/q.toml: question: q1: ")
    assert reason in found


def test_questions_and_cards_rest_on_an_entry_that_may_be_given(tmp_path: Path) -> None:
    club(tmp_path)
    right = TWO.format(right=1)
    named = (("q1", "a"), ("q1", "a"), ("q2", "draft"), ("q3", "nobody"))
    quiz = [QUESTION.format(id=i, kind="single", rest=right, entry=entry) for i, entry in named]
    pack(tmp_path, "club", "".join(quiz), "quiz/q.toml")
    cards = [CARD.format(id=i.replace("q", "c"), entry=entry) for i, entry in named]
    pack(tmp_path, "club", "".join(cards), "cards/c.toml")
    found = problems(tmp_path).splitlines()
    for file, item in (("quiz/q.toml", "q"), ("cards/c.toml", "c")):
        for line in ("1: this id is used twice", "2: entry: draft is a draft",
                     "3: entry: there is no entry nobody"):  # fmt: skip
            assert f"{tmp_path}/club/{file}: {item}{line}" in found
    assert len(found) == 6


def test_a_card_that_is_too_long_is_a_problem(tmp_path: Path) -> None:
    club(tmp_path)
    card = CARD.format(id="c1", entry="a").replace("答", "答" * 141).replace("问", "问" * 61)
    pack(tmp_path, "club", card, "cards/c.toml")
    found = problems(tmp_path)
    for part in ("cards/c.toml: card: c1: front: ", "cards/c.toml: card: c1: back: "):
        assert part in found


def test_two_entries_may_not_be_asked_for_alike(tmp_path: Path) -> None:
    pack(tmp_path, "base", "")
    pack(
        tmp_path, "club", DOCUMENT.format(id="d", issued="2020", against="reprint"), "sources.toml"
    )
    pack(tmp_path, "club", ENTRY.format(id="a", question="甲？", variants='"同问"', document="d")
         + ENTRY.format(id="b", question="乙？", variants='"同问"', document="d"), "knowledge/k.toml")  # fmt: skip
    assert "b: variants: 同问: already asks for a" in problems(tmp_path)


def test_rules_with_a_mistake_are_named(tmp_path: Path) -> None:
    pack(tmp_path, "base", "")
    pack(tmp_path, "club", '[[refusal]]\nname = "crisis"\nrules = ["{who}想"]\n'
         '[[pointer]]\nname = "personal"\nwhen = "("\nentry = "x"\n', "refusals.toml")  # fmt: skip
    pack(tmp_path, "club", '[names]\nperson = "{person}"\n', "words.toml")
    pack(tmp_path, "club", '[[wish]]\ncommand = "打卡"\nrules = ["["]\n', "wishes.toml")
    found = problems(tmp_path)
    for part in (
        "no words are called 'who'",
        "there is no entry x",
        "name themselves",
        "wishes.toml",
    ):
        assert part in found


def test_a_pack_of_nothing_answers_nothing(tmp_path: Path) -> None:
    pack(tmp_path, "base", "")
    pack(tmp_path, "club", "")
    questions = loader.load(tmp_path).packs["club"].questions
    for text in ("", "党", "预备期多久", "我不想活了", "x" * 5000):
        assert questions.decide(text).kind == "escalate"
