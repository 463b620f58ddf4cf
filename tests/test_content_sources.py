"""What answers rest on: versions, dates, and what a person found who compared the documents."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import pytest

from bot.bootstrap import Application, build, prepare_database
from bot.cli.config_file import render
from bot.config import Settings
from bot.services import content_review, study_card
from bot.storage.models import AuditEntry, ContentReview
from content import loader
from content.check import still_to_come
from content.freshness import (
    Differs,
    Review,
    Stale,
    Superseded,
    due,
    flags_of,
    is_stale,
    newest,
    reviewed,
    withheld,
)
from content.knowledge import Knowledge
from tests.conftest import START, HandClock
from tests.members import ACCOUNT, Member, mentor, rows
from tests.platform import enrol
from tests.test_commands import bad, good, xueban
from tests.test_content import pack, problems

TODAY = START.date()
SOURCES = """
[[document]]
id = "rules-2010"
title = "细则"
issuer = "某办公厅"
issued_on = "2010"
checked_on = "2026-06-01"
checked_against = "official"

[[document]]
id = "rules-2020"
title = "细则"
issuer = "某办公厅"
issued_on = "2020-05"
effective_from = "2020-06-01"
supersedes = "rules-2010"
checked_on = "2026-06-01"
checked_against = "reprint"
official = "https://example.org/rules"

[[document]]
id = "rules-2027"
title = "新细则"
issuer = "某办公厅"
issued_on = "2026-11"
effective_from = "2027-01-01"
supersedes = "rules-2020"
checked_on = "2026-11-02"
checked_against = "reprint"

[[document]]
id = "fees"
title = "会费规定"
issuer = "某部"
issued_on = "2008"
checked_on = "2025-11-23"
checked_against = "reprint"
"""
ENTRY = """
[[entry]]
id = "{id}"
question = "{question}"
answer = "{answer}"
topic = "规定"
sources = [{sources}]
checked_on = "2026-06-01"
"""
ENTRIES = (
    ("pool", "泳池几点开门？", "早上 8 点。", ("rules-2010",)),
    ("boats", "船票多少钱一张？", "3 元。", ("rules-2020",)),
    ("change", "新旧细则差在哪里？", "加了第五条。", ("rules-2010", "rules-2020")),
    ("fee", "会费每个月交多少？", "1 元。", ("fees",)),
    ("both", "锦旗由谁来保管？", "由秘书保管。", ("rules-2010", "fees")),
)


def club(folder: Path, documents: str = SOURCES) -> Path:
    """The base pack as it is, and a small one of a club over it."""
    with as_file(files("content") / "packs" / "base") as base:
        shutil.copytree(base, folder / "base")
    texts = [
        ENTRY.format(
            id=key, question=question, answer=answer,
            sources=", ".join(f'{{ document = "{one}", clause = "第一条" }}' for one in cited),
        )
        for key, question, answer, cited in ENTRIES
    ]  # fmt: skip
    pack(folder, "club", "".join(texts), "knowledge/k.toml")
    pack(folder, "club", documents, "sources.toml")
    return folder


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> loader.Library:
    return loader.load(club(tmp_path_factory.mktemp("packs")))


@pytest.fixture
def knowledge(library: loader.Library) -> Knowledge:
    return library.packs["club"].knowledge


@pytest.fixture
def application(
    settings: Settings, library: loader.Library, clock: HandClock
) -> Iterator[Application]:
    """A bot of the club."""
    own = settings.model_copy(
        update={"defaults": settings.defaults.model_copy(update={"pack": "club"})}
    )
    built = replace(build(own, "web", library=library), clock=clock)
    prepare_database(built)
    yield built
    built.database.dispose()


def kinds(knowledge: Knowledge, entry: str, today: date = TODAY) -> list[str]:
    flags = flags_of(knowledge, knowledge.entries[entry], today)
    return [f"{type(flag).__name__} {flag.document.id}" for flag in flags]


def test_every_problem_of_the_documents_is_listed_at_once(tmp_path: Path) -> None:
    document = (
        '[[document]]\nid = "{id}"\ntitle = "t"\nissuer = "i"\nissued_on = "{issued}"\n'
        'checked_on = "2020-01-01"\nchecked_against = "reprint"\n{more}\n'
    )
    pack(tmp_path, "base", "")
    pack(tmp_path, "club", "".join(
        document.format(id=key, issued=issued, more=more)
        for key, issued, more in (
            ("a", "2010", 'supersedes = "c"'), ("b", "2010", 'supersedes = "a"'),
            ("c", "2010", 'supersedes = "b"'), ("d", "2010", 'supersedes = "nothing"'),
            ("e", "2010-05", 'effective_from = "2010-04-30"'), ("e", "2010", ""),
            ("f", "2020-01-02", ""), ("g", "2009", 'supersedes = "d"'),
            ("h", "2010-05-01", 'effective_from = "2010"'), ("i", "2010", 'supersedes = "i"'),
        )
    ), "sources.toml")  # fmt: skip
    pack(tmp_path, "club", ENTRY.format(
        id="k", question="问？", answer="答。", sources='{ document = "none", clause = "1" }'
    ), "knowledge/k.toml")  # fmt: skip
    found = problems(tmp_path).splitlines()
    shown = [line.split("sources.toml: ")[1] for line in found if "sources.toml: " in line]
    assert sorted(shown) == [
        "a: supersedes: goes round in a circle: a -> c -> b -> a",
        "b: supersedes: goes round in a circle: b -> a -> c -> b",
        "c: supersedes: goes round in a circle: c -> b -> a -> c",
        "d: supersedes: there is no document nothing",
        "e: effective_from: 2010-04-30 is before issued_on (2010-05)",
        "e: id: used twice",
        "f: checked_on: 2020-01-01 is before issued_on (2020-01-02)",
        "g: supersedes: d was issued later (2010)",
        "i: supersedes: goes round in a circle: i -> i",
    ]
    assert any(line.endswith("k.toml: k: sources: nobody has read none") for line in found)


def test_an_address_is_one(tmp_path: Path) -> None:
    pack(tmp_path, "base", "")
    text = SOURCES.replace("https://example.org/rules", "see the site")
    pack(tmp_path, "club", text, "sources.toml")
    assert "document: rules-2020: official" in problems(tmp_path)


def test_a_day_that_has_not_come_is_a_problem_where_the_day_is_known(
    library: loader.Library,
) -> None:
    """Of the pack's own documents and entries: the base's are named once, as the base's."""
    assert still_to_come(library, date(2026, 11, 23)) == []
    found = still_to_come(library, date(2026, 5, 31))
    assert found[0].startswith("base/sources.toml: guide: checked_on: ")
    assert "club/sources.toml: rules-2020: checked_on: 2026-06-01 is still to come" in found
    assert any(
        line.endswith("k.toml: pool: checked_on: 2026-06-01 is still to come") for line in found
    )
    assert not any("fees" in line for line in found)
    assert len(found) == len(set(found))


def test_a_version_counts_from_the_day_it_is_in_force(knowledge: Knowledge) -> None:
    documents = knowledge.documents
    assert newest(knowledge, documents["rules-2010"], TODAY).id == "rules-2020"
    assert newest(knowledge, documents["rules-2010"], date(2020, 5, 31)).id == "rules-2010"
    assert newest(knowledge, documents["rules-2010"], date(2027, 1, 1)).id == "rules-2027"
    assert newest(knowledge, documents["fees"], TODAY).id == "fees"


def test_what_rests_on_an_old_version_is_flagged(knowledge: Knowledge) -> None:
    assert kinds(knowledge, "pool") == ["Superseded rules-2010"]
    assert kinds(knowledge, "boats") == []
    assert kinds(knowledge, "change") == []
    assert kinds(knowledge, "both") == ["Superseded rules-2010"]
    later = date(2027, 1, 1)
    assert kinds(knowledge, "change", later) == ["Superseded rules-2010", "Superseded rules-2020"]
    (flag,) = flags_of(knowledge, knowledge.entries["boats"], later)
    assert flag == Superseded(knowledge.documents["rules-2020"], knowledge.documents["rules-2027"])


def test_what_rests_on_old_versions_alone_is_not_given(knowledge: Knowledge) -> None:
    def given(today: date) -> set[str]:
        return {
            key
            for key, entry in knowledge.entries.items()
            if not withheld(knowledge, entry, today) and entry.topic == "规定"
        }

    assert given(TODAY) == {"boats", "change", "fee", "both"}
    assert given(date(2027, 1, 1)) == {"fee", "both"}


def test_stale_is_older_than_twelve_months(knowledge: Knowledge) -> None:
    fees = knowledge.documents["fees"]
    assert not is_stale(fees, date(2026, 11, 23))
    assert is_stale(fees, date(2026, 11, 24))
    leap = fees.model_copy(update={"checked_on": date(2024, 2, 29)})
    assert not is_stale(leap, date(2025, 3, 1))
    assert is_stale(leap, date(2025, 3, 2))
    (flag,) = flags_of(knowledge, knowledge.entries["fee"], date(2027, 2, 22))
    assert flag == Stale(fees, 14)


def test_reviews_stand_over_the_files(knowledge: Knowledge) -> None:
    day = date(2026, 11, 22)
    found = reviewed(knowledge, {
        "rules-2020": Review(day, "official"), "fees": Review(day, "official", "第二条改了"),
        "unknown": Review(day, "official"),
    })  # fmt: skip
    rules = found.documents["rules-2020"]
    assert (rules.checked_against, rules.checked_on) == ("official", day)
    assert found.documents["fees"] == knowledge.documents["fees"]
    assert kinds(found, "fee") == ["Differs fees"]
    assert withheld(found, found.entries["fee"], TODAY) == (Differs(found.documents["fees"]),)
    assert [one.id for one in due(found, TODAY)] == ["rules-2027", "fees"]
    assert [one.id for one in due(knowledge, TODAY)] == ["rules-2020", "rules-2027", "fees"]
    assert reviewed(knowledge, {}) is knowledge


def test_what_was_built_is_not_built_again(knowledge: Knowledge) -> None:
    built = knowledge.matcher
    assert reviewed(knowledge, {"fees": Review(TODAY, "official")}).matcher is built


def test_files_that_were_checked_later_win(knowledge: Knowledge) -> None:
    """A corrected pack takes back what was found of the one before."""
    old = {"rules-2020": Review(date(2026, 5, 31), "official", "第一条不对")}
    assert reviewed(knowledge, old) is knowledge
    same_day = {"rules-2020": Review(date(2026, 6, 1), "official", "第一条不对")}
    assert reviewed(knowledge, same_day).differing == {"rules-2020"}


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_the_answer_says_what_is_wrong_with_its_source(
    application: Application, clock: HandClock
) -> None:
    mentor(application, "oMentor")
    enrol(application, "oA", account=ACCOUNT)
    private, group = Member(application, "oA"), Member(application, "oA", group="G")
    assert "注意" not in private.say("会费每个月交多少")
    clock.forward(timedelta(days=1))
    stale = "注意：《会费规定》上次核对是 2025-11-23，已超过一年。"
    for said in (private.say("会费每个月交多少"), group.say("会费每个月交多少")):
        lines = said.strip().splitlines()
        assert lines[0] == "问：会费每个月交多少？"
        assert lines[3] == stale
    newer = "注意：所依据的文件已有新版（《细则》，2020-06-01 施行），请以新版为准。"
    for said in (private.say("锦旗由谁来保管"), group.say("锦旗由谁来保管")):
        assert said.strip().splitlines()[3:5] == [newer, stale]
    assert "注意" not in private.say("新旧细则差在哪里")


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_what_is_out_of_date_is_found_and_not_given(application: Application) -> None:
    enrol(application, "oA", account=ACCOUNT)
    for member in (Member(application, "oA"), Member(application, "oA", group="G")):
        said = member.say("泳池几点开门")
        for part in ("问：泳池几点开门？", "已有新版（《细则》，2020-06-01 施行）", "组织者"):
            assert part in said
        assert "8 点" not in said


def test_a_review_counts_in_the_answer(application: Application, clock: HandClock) -> None:
    member = Member(application, "oA")
    assert "转载文本，2026-06-01 核对" in member.say("船票多少钱一张")
    recorded(application, "rules-2020", Review(TODAY, "official"))
    assert "官方原文，2026-11-23 核对" in member.say("船票多少钱一张")
    recorded(application, "rules-2020", Review(TODAY, "official", "第一条是 5 元"))
    said = member.say("船票多少钱一张")
    assert "3 元" not in said
    assert "不一致" in said
    assert "组织者" in said
    recorded(application, "rules-2020", Review(TODAY, "reprint"))
    assert "3 元" in member.say("船票多少钱一张")
    assert rows(application, ContentReview) == 1
    assert rows(application, AuditEntry) >= 3


def recorded(application: Application, document: str, review: Review) -> None:
    now = application.clock.now()
    with application.database.begin() as session:
        content_review.record(session, "club", document, review, "张三", now)


def test_another_process_hears_of_a_review_within_half_a_minute(
    application: Application, clock: HandClock
) -> None:
    other = build(application.settings, "command", library=application.library)
    member = Member(application, "oA")
    assert "转载文本" in member.say("船票多少钱一张")
    recorded(replace(other, clock=clock), "rules-2020", Review(TODAY, "official"))
    other.database.dispose()
    clock.forward(timedelta(seconds=29))
    assert "转载文本" in member.say("船票多少钱一张")
    clock.forward(timedelta(seconds=1))
    assert "官方原文" in member.say("船票多少钱一张")


@pytest.mark.parametrize("dialect", ["sqlite"])
@pytest.mark.parametrize(("by", "note"), [("", ""), ("名" * 41, ""), ("张三", "错" * 501)])
def test_a_review_needs_a_name(application: Application, by: str, note: str) -> None:
    with pytest.raises(ValueError, match="characters"), application.database.begin() as session:
        review = Review(TODAY, "official", note)
        content_review.record(session, "club", "fees", review, by, START)
    assert rows(application, ContentReview) == 0


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_study_cards_say_so_too(application: Application, clock: HandClock) -> None:
    own = application.library.packs["club"]
    cards = set()
    for number in range(8):
        day = TODAY + timedelta(days=number)
        entry = study_card.of_day(own.knowledge, own.routines, 1, day)
        assert entry is not None
        cards.add(entry.id)
    assert cards == {"boats", "change", "fee", "both"}
    enrol(application, "oA", account=ACCOUNT)
    clock.forward(timedelta(days=1))
    member, shown = Member(application, "oA"), ""
    for _ in range(4):
        shown += member.say("学习卡")
        clock.forward(timedelta(days=1))
    assert "注意：《会费规定》上次核对是 2025-11-23，已超过一年。" in shown
    assert "泳池" not in shown


# The command line goes by the machine's clock: these documents are due on any day.
OLD = SOURCES[
    SOURCES.index('[[document]]\nid = "rules-2020"') : SOURCES.index(
        '[[document]]\nid = "rules-2027"'
    )
]
OLD = OLD.replace('supersedes = "rules-2010"\n', "").replace("2026-06-01", "2020-06-02")
FEES = SOURCES[SOURCES.index('[[document]]\nid = "fees"') :].replace("2025-11-23", "2019-01-02")


@pytest.fixture
def place(tmp_path: Path, database_url: str) -> Path:
    """A folder with a configuration, a database, and a club of two entries."""
    folder = club(tmp_path / "packs", OLD + FEES)
    texts = (folder / "club" / "knowledge" / "k.toml").read_text(encoding="utf-8")
    kept = [part for part in texts.split("[[entry]]") if '"boats"' in part or '"fee"' in part]
    pack(folder, "club", "".join(f"[[entry]]{part}" for part in kept), "knowledge/k.toml")
    values: dict[str, dict[str, Any]] = {
        "storage": {"data_dir": str(tmp_path / "data"), "url": database_url},
        "content": {"dir": str(folder)},
        "defaults": {"pack": "club"},
    }
    (tmp_path / "config.toml").write_text(render(values), encoding="utf-8")
    return tmp_path


def asked(place: Path, text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(good("ask", text, "--json", cwd=place))
    return found


def sat(place: Path, typed: str, *options: str) -> str:
    """What content review says to somebody who types this."""
    done = xueban("content", "review", *options, cwd=place, typed=typed)
    assert done.exit_code == 0, done.output
    return done.stdout


def counted(place: Path) -> str:
    found = json.loads(xueban("doctor", "--json", cwd=place).stdout)
    return str(next(row["finding"] for row in found if row["subject"] == "sources"))


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_a_person_is_led_through_what_is_due(place: Path) -> None:
    before = asked(place, "船票多少钱一张")
    assert "转载文本，2020-06-02 核对" in before["answer"]
    assert counted(place).startswith("2 of 3 documents are due")
    assert "2 documents are due for review" in good("content", "check", cwd=place)

    said = sat(place, "yes\n\n张三\ndiffers\n现在是 2 元\n")
    for part in ("club：2 份文件要核对", "[1/2] 《细则》", "某办公厅", "2020-06-01 施行",
                 "转载文本，2020-06-02 核对", "https://example.org/rules", "依据它的问答 1 条",
                 "第一条  船票多少钱一张？", "[2/2] 《会费规定》", "没有记下地址",
                 "记下了 2 份：官方原文 1，转载文本 0，不一致 1"):  # fmt: skip
        assert part in said, part
    assert said.count("你的名字（只问这一次") >= 1
    after = asked(place, "船票多少钱一张")
    assert "官方原文" in after["answer"]
    assert after.keys() == before.keys()
    assert after["sources"] == before["sources"]
    fee = asked(place, "会费每个月交多少")
    assert (fee["decision"], fee["class"], fee["entry"], fee["sources"]) == (
        "escalate", None, None, [],
    )  # fmt: skip
    assert "不一致" in fee["answer"]
    assert counted(place).startswith("1 of 3")
    checked = good("content", "check", cwd=place)
    assert "1 entries are not given" in checked
    assert ": fee" in checked

    again = sat(place, "reprint\n李四\n")
    assert "发现不一致：现在是 2 元" in again
    assert "1 元" in asked(place, "会费每个月交多少")["answer"]


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_what_is_not_compared_is_not_recorded(place: Path) -> None:
    assert "记下了 0 份" in sat(place, "no\nquit\n")
    assert counted(place).startswith("2 of 3")
    assert "[3/3]" in sat(place, "\n\n\n", "--all", "--pack", "club")
    assert "There is no pack other" in bad(1, "content", "review", "--pack", "other", cwd=place)
    done = xueban("content", "review", cwd=place, typed="yes\n")
    assert done.exit_code == 1
    assert counted(place).startswith("2 of 3")


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_without_a_database_answers_are_as_the_files_say(place: Path) -> None:
    (place / "xueban.db").unlink()
    assert "转载文本" in asked(place, "船票多少钱一张")["answer"]
    assert not (place / "xueban.db").exists()
    assert "There is no database yet" in bad(1, "content", "review", cwd=place)


def test_the_shipped_documents_say_where_the_official_text_is() -> None:
    documents = loader.load().packs["party-branch"].knowledge.documents
    assert documents["admission-rules-2026"].official
    assert all(one.checked_on <= TODAY for one in documents.values())
