"""Tables of own entries: what is read, what is refused; and what is exported is a pack again."""

import shutil
import tomllib
from collections.abc import Callable, Sequence
from datetime import date
from importlib.resources import files
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook
from openpyxl.chart import BarChart

from bot.bootstrap import Application
from bot.cli.table_file import read_table, read_written
from bot.domain.own_table import MOST_ROWS, Unreadable, understand
from bot.errors import KnowledgeProblems, RosterProblems
from bot.routing.answers import answer_lines
from bot.storage.models import KnowledgeEntry
from content import loader
from content.loader import Pack
from content.schema import Citation, Document, Entry, EntryFile, Sources
from content.writing import document_file, entry_file
from tests.conftest import START
from tests.members import rows
from tests.test_own_entries import HEADINGS, LEAVE, ROOM, STARS, bad, excel, good, organisers

PACKS = files("content") / "packs"


@pytest.fixture
def dialect() -> str:
    """Which database it is makes no difference to a file."""
    return "sqlite"


def book(file: Path, change: Callable[[Workbook], object], *lines: Sequence[object]) -> Path:
    """An Excel file with something that only Excel has."""
    made = Workbook()
    for line in (HEADINGS, *lines):
        made.worksheets[0].append(list(line))
    change(made)
    made.save(file)
    return file


def read(file: Path) -> list[list[str | Unreadable]]:
    return read_written(file, KnowledgeProblems)


def refused(file: Path) -> str:
    with pytest.raises(KnowledgeProblems) as caught:
        read(file)
    return str(caught.value)


def problems(*lines: Sequence[str | Unreadable]) -> list[tuple[int, str]]:
    return list(understand([HEADINGS, *lines]).problems)


def test_headings_under_a_title_and_cells_in_many_forms() -> None:
    found = understand(
        [
            ["本支部的规定", "", ""],
            ["条 款", "文件", "备注", "答案", "问题", "主题", "其他问法", "编号"],
            [
                "第一条",
                "办法",
                "x",
                " 甲。_x000D_\n\n 乙。 ",
                "怎么 借？",
                "室",
                "借；\n借吗;借",
                "Ｌ01",
            ],
            ["", " ", "only a remark", "", "", "", "", ""],
        ]
    )
    assert found.problems == ()
    assert found.ignored == ("备注",)
    (row,) = found.rows
    assert (row.line, row.key, row.variants, row.answer, row.clause) == (
        3, "L01", ("借", "借吗"), "甲。\n乙。", "第一条",
    )  # fmt: skip


def test_tables_that_are_none() -> None:
    assert understand([]).problems[0] == (0, "no column is headed 问题")
    assert understand([["问题", "答案"]]).problems == (
        (0, "no column is headed 主题"), (0, "no column is headed 文件"), (0, "no column is headed 条款"),
    )  # fmt: skip
    assert understand([[*HEADINGS, "回答"]]).problems == ((1, "答案: two columns are headed so"),)
    assert problems() == [(0, "there is no row under the headings")]
    many = [ROOM] * (MOST_ROWS + 1)
    assert problems(*many) == [(0, f"there are more than {MOST_ROWS} rows; divide the table")]
    assert problems(["", "甲\x07", *ROOM[2:]]) == [
        (2, "问题: it holds a character that cannot be shown")
    ]


@given(
    st.lists(
        st.lists(st.one_of(st.text(), st.builds(Unreadable, st.text())), max_size=8), max_size=4
    )
)
def test_any_cells_are_rows_or_problems(cells: list[list[str | Unreadable]]) -> None:
    found = understand([HEADINGS, *cells])
    assert found.rows or found.problems
    lines = {row.line for row in found.rows}
    assert lines.isdisjoint(line for line, _ in found.problems)


def test_what_excel_makes_of_cells_is_refused(tmp_path: Path) -> None:
    def change(made: Workbook) -> None:
        sheet = made.worksheets[0]
        sheet["A2"] = 12.0
        sheet["B2"] = "=A1&A2"
        sheet["C2"] = date(2026, 9, 1)
        sheet["D2"] = 0.5
        sheet["D2"].number_format = "0%"
        sheet["E2"] = True
        sheet["F2"].value = "=1"
        sheet["F2"].data_type = "s"
        sheet["G2"] = 3.5
        sheet.merge_cells("F3:F4")

    _, second, third, fourth = read(book(tmp_path / "a.xlsx", change, ROOM, ROOM, ROOM))
    formula = Unreadable("a formula; write the text itself")
    assert (second[0], second[1], second[5], second[6]) == ("12", formula, formula, "3.5")
    assert all(isinstance(cell, Unreadable) and "no text" in cell.reason for cell in second[2:5])
    assert third[5] == ROOM[5]
    assert isinstance(fourth[5], Unreadable)
    assert "merged" in fourth[5].reason
    file = tmp_path / "a.csv"
    file.write_text('问题,答案\n" =1+1","说""一""声;\n再见"\n', encoding="utf-8")
    assert read(file) == [["问题", "答案"], [formula, '说"一"声;\n再见']]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_as_it_is_saved(encoding: str, delimiter: str, tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    line = ["", "甲,乙;丙？", "a；b", "答", "题", "文", "条"]
    quoted = [f'"{cell}"' for cell in line]
    text = "\r\n".join(delimiter.join(cells) for cells in (HEADINGS, quoted))
    file.write_bytes(text.encode(encoding))
    assert read(file) == [HEADINGS, line]
    assert read_table(file, RosterProblems) == [HEADINGS, line]


def test_files_that_are_refused(tmp_path: Path) -> None:
    big = tmp_path / "big.csv"
    big.write_bytes(b"x" * 10_000_001)
    assert "has more than 10 MB" in refused(big)
    latin = tmp_path / "a.csv"
    latin.write_bytes(b"\xff\xff\xff")
    assert "CSV in UTF-8" in refused(latin)
    torn = tmp_path / "b.csv"
    torn.write_text('问题,答案\n甲,"乙\n', encoding="utf-8")
    assert "is no CSV" in refused(torn)
    none = tmp_path / "a.xlsx"
    whole = excel(none, ROOM).read_bytes()
    for content in (b"no zip", b"", whole[:2000]):
        none.write_bytes(content)
        assert "is no Excel file" in refused(none)

    def charts_alone(made: Workbook) -> None:
        made.create_chartsheet().add_chart(BarChart())
        made.remove(made.worksheets[0])

    assert "no sheet with a table" in refused(book(tmp_path / "c.xlsx", charts_alone))
    bomb = tmp_path / "d.xlsx"
    with ZipFile(bomb, "w", ZIP_DEFLATED) as packed:
        packed.writestr("xl/worksheets/sheet1.xml", b" " * 20_000_001)
    assert "holds too much" in refused(bomb)


def test_a_cell_far_away_costs_nothing(tmp_path: Path) -> None:
    def far(made: Workbook) -> None:
        made.worksheets[0]["XFD1048576"] = "x"

    found = understand(read(book(tmp_path / "a.xlsx", far, ROOM)))
    assert [row.question for row in found.rows] == [ROOM[1]]


def test_every_problem_is_said_at_once_and_nothing_is_written(
    application: Application, tmp_path: Path
) -> None:
    file = excel(
        tmp_path / "a.xlsx", ROOM,
        ["L99", *STARS[1:]],
        ["", "食堂几点开门？", "入党介绍人要几个", "十一点。", "食堂", "通知", "第一条"],
        ["", "操场怎么借？", "", "=1", "操场", "通知", "第一条"],
        ["", "", "长" * 61, "答", "", "通知", "第一条"],
        ["", ROOM[1], "", "别的答案", "活动室", "办法", "第一条"],
        ["", "图书馆怎么借书？", "我不想活了", "刷卡。", "图书馆", "通知", "第一条"],
        ["", "会议室怎么预约？", "", "找班长。", "会议室", "通知", "第一条"],
        ["", "预约会议室找谁？", "会议室怎么预约", "找书记。", "会议室", "通知", "第一条"],
    )  # fmt: skip
    said = bad(application, tmp_path, "import", file, "--yes")
    for part in (
        "row 3: 编号: there is no entry L99",
        "row 4: 其他问法: 入党介绍人要几个: would be answered with D11 (入党介绍人要几名？)",
        "row 5: 答案: a formula; write the text itself",
        "row 6: 问题: it is empty",
        "row 6: 主题: it is empty",
        "row 6: 其他问法: each has 1 to 60 characters",
        f"row 7: 问题: {ROOM[1]} stands in row 2 as well",
        "row 8: 其他问法: 我不想活了: would be taken for crisis",
        "row 10: 其他问法: 会议室怎么预约: would be answered with row 9 as well",
    ):
        assert part in said
    assert [line for line in said.splitlines() if "row 2:" in line] == []
    assert rows(application, KnowledgeEntry) == 0
    said = bad(application, tmp_path, "import", excel(tmp_path / "b.xlsx"), "--yes")
    assert "there is no row under the headings" in said


def test_a_question_is_asked_before_anything_is_written(
    application: Application, tmp_path: Path
) -> None:
    said = bad(application, tmp_path, "import", excel(tmp_path / "a.xlsx", ROOM))
    assert "Import this?" in said
    assert rows(application, KnowledgeEntry) == 0


def over_base(folder: Path) -> Pack:
    """The folder's pack beside a copy of the base."""
    shutil.copytree(str(PACKS / "base"), folder.parent / "base", dirs_exist_ok=True)
    return loader.load(folder.parent).packs[folder.name]


def test_what_is_exported_is_a_pack(application: Application, tmp_path: Path) -> None:
    guide = [
        "guide-check-in-rule",
        "打卡有奖品吗？",
        "",
        "一个月全勤有小礼物。",
        "打卡",
        "打卡办法",
        "第四条",
    ]
    organisers(application, "李明", "王芳")
    file = excel(tmp_path / "a.xlsx", ROOM, LEAVE, STARS, guide)
    good(application, tmp_path, "import", file, "--by", "李明", "--yes")
    for key in ("own-1", "L01", "guide-check-in-rule"):
        good(application, tmp_path, "own", "approve", key, "--by", "王芳")
    folder = tmp_path / "packs" / "ours"
    said = good(application, tmp_path, "export", folder)
    assert "Wrote 4 entries to sources.toml and knowledge/own.toml" in said
    text = (folder / "knowledge" / "own.toml").read_text(encoding="utf-8")
    assert "# adds to L01: 组织生活的出勤率有全国规定吗？\n" in text

    pack = over_base(folder)
    own = {key: entry for key, entry in pack.knowledge.entries.items() if "guide-" not in key[:6]}
    assert own.keys() == {"own-1", "rule-L01", "rule-guide-check-in-rule"}
    assert own["rule-guide-check-in-rule"].see_also == ("guide-check-in-rule",)
    assert own["rule-L01"].see_also == ()
    assert pack.knowledge.drafts.keys() == {"own-2"}
    decision = pack.questions.decide("借活动室找谁")
    assert decision.entry == "own-1"
    lines = answer_lines(pack.messages.say, pack.knowledge, own["own-1"], START.date())
    assert lines[1] == ROOM[3]
    assert "《活动室使用办法》第二条" in lines[2]
    assert "自己录入，" in lines[2]
    assert "未复核" not in lines[2]
    assert pack.questions.decide("请假条交给谁").entry == "rule-L01"
    assert pack.questions.decide("星级党员怎么评？").name == "draft"
    assert "no problem" in good(application, tmp_path, "check", folder.parent)


def test_what_nobody_has_reviewed_says_so_after_the_export(
    application: Application, tmp_path: Path
) -> None:
    good(application, tmp_path, "import", excel(tmp_path / "a.xlsx", ROOM), "--yes")
    folder = tmp_path / "packs" / "ours"
    good(application, tmp_path, "export", folder)
    pack = over_base(folder)
    lines = answer_lines(
        pack.messages.say, pack.knowledge, pack.knowledge.entries["own-1"], START.date()
    )
    assert "自己录入，未复核" in lines[2]


def test_an_export_writes_over_nothing(application: Application, tmp_path: Path) -> None:
    folder = tmp_path / "ours"
    assert "has no entries of its own" in bad(application, tmp_path, "export", folder)
    good(application, tmp_path, "import", excel(tmp_path / "a.xlsx", ROOM), "--yes")
    folder.mkdir()
    elsewhere = tmp_path / "elsewhere.toml"
    elsewhere.write_text("kept")
    (folder / "sources.toml").symlink_to(elsewhere)
    assert "sources.toml: is there already" in bad(application, tmp_path, "export", folder)
    assert not (folder / "knowledge").exists()
    good(application, tmp_path, "export", folder, "--force")
    assert elsewhere.read_text() == "kept"
    assert "own-1" in (folder / "knowledge" / "own.toml").read_text(encoding="utf-8")
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "knowledge").write_text("a file")
    assert "cannot be written" in bad(application, tmp_path, "export", tmp_path / "taken")
    good(application, tmp_path, "own", "withdraw", "own-1")
    assert "has no entries of its own" in bad(application, tmp_path, "export", folder, "--force")


TEXT = st.text(min_size=1).filter(lambda text: bool(text.strip())).map(str.strip)
DAY = st.dates(min_value=date(1900, 1, 1))


@given(
    st.lists(st.tuples(TEXT, st.lists(TEXT, max_size=3), TEXT, TEXT, TEXT, TEXT, DAY, st.booleans()),
             min_size=1, max_size=3),
    st.text(),
)  # fmt: skip
@settings(deadline=None)
def test_any_entry_is_read_as_it_was_written(
    drawn: list[tuple[str, list[str], str, str, str, str, date, bool]], comment: str
) -> None:
    entries, documents = [], []
    for number, (question, variants, answer, topic, title, clause, day, reviewed) in enumerate(
        drawn
    ):
        documents.append(
            Document(id=f"d{number}", kind="by_law", title=title, issuer=topic, checked_on=day,
                     issued_on=day.isoformat(), checked_against="own" if reviewed else "unreviewed")
        )  # fmt: skip
        entries.append(
            Entry(id=f"own-{number}", question=question, variants=tuple(variants), answer=answer,
                  topic=topic, scope="community", checked_on=day, draft=None if reviewed else title,
                  sources=(Citation(document=f"d{number}", clause=clause),))
        )  # fmt: skip
    read_again = Sources.model_validate(tomllib.loads(document_file(documents)))
    assert list(read_again.document) == documents
    written = entry_file([(entry, comment) for entry in entries])
    assert list(EntryFile.model_validate(tomllib.loads(written)).entry) == entries
