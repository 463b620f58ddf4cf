"""roster import: what is understood, what changes, what is refused, and undoing it."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from openpyxl import Workbook, load_workbook
from sqlalchemy import select

from bot.bootstrap import Application
from bot.cli import main
from bot.cli.config_file import render
from bot.cli.table_file import read_table
from bot.domain.person import Role
from bot.domain.roster import RosterRow, understand
from bot.errors import RosterProblems
from bot.services import binding, person, roster
from bot.storage.models import RosterEntry
from tests.conftest import START
from tests.platform import enrol


def entries(application: Application) -> list[tuple[str, str | None, str, str | None]]:
    with application.database.read() as session:
        rows = session.scalars(select(RosterEntry).order_by(RosterEntry.id))
        return [(row.name, row.number, row.roles, row.stage) for row in rows]


def config_of(application: Application, folder: Path) -> Path:
    file = folder / "config.toml"
    storage = {"url": application.settings.storage.url, "data_dir": str(folder)}
    file.write_text(render({"storage": storage}), encoding="utf-8")
    return file


def run(application: Application, folder: Path, *arguments: str | Path) -> Result:
    config = config_of(application, folder)
    words = ["roster", *map(str, arguments), "--config", str(config)]
    return CliRunner().invoke(main, words)


def excel(file: Path, *rows: list[object]) -> Path:
    book = Workbook()
    for row in rows:
        book.worksheets[0].append(row)
    book.save(file)
    return file


def test_headings_in_many_forms() -> None:
    found = understand(
        [
            ["2026 年成员名单", None, None],
            ["序号", "名 字", "学工号", "支部职务", "发展阶段", "备注"],
            [1, "李 明", 2026001.0, "书记、组织委员", "正式党员", "x"],
            [2, "王芳", "x2026002 ", None, "", None],
            [None, None, None, None, None, None],
            [3, "Anna Li", None, "导师", None],
        ]
    )
    assert found.problems == ()
    assert dict(found.columns) == {
        "name": "名 字", "number": "学工号", "roles": "支部职务", "stage": "发展阶段",
    }  # fmt: skip
    assert found.ignored == ("序号", "备注")
    assert found.rows == (
        RosterRow("李明", "2026001", ("member", "organiser"), "正式党员"),
        RosterRow("王芳", "X2026002", None, None),
        RosterRow("Anna Li", None, ("member", "mentor"), None),
    )


def test_a_club_has_other_words_for_who_organises() -> None:
    found = understand(
        [["姓名", "社团职务"], ["甲", "会长"], ["乙", "副社长"], ["丙", "指导教师"], ["丁", "干事"]]
    )
    assert [row.roles for row in found.rows] == [
        ("member", "organiser"), ("member", "organiser"), ("member", "mentor"), ("member",),
    ]  # fmt: skip


def test_problems_name_their_lines() -> None:
    found = understand(
        [
            ["姓名", "学号", "角色"],
            ["", "1", ""],
            ["甲", "2", "队长"],
            ["乙", "2", ""],
            ["丙" * 41, "", ""],
        ]
    )
    assert found.problems == (
        "line 2: the name is empty",
        "line 4: number 2 stands in line 3",
        "line 5: the name is longer than 40 characters",
    )


@pytest.mark.parametrize("table", [[], [["学号"], ["1"]], [["姓名"]], [["姓名"], [None]]])
def test_a_table_without_people(table: list[list[object]]) -> None:
    assert understand(table).problems


def test_import_shows_the_difference_changes_and_is_undone(
    application: Application, tmp_path: Path
) -> None:
    first = excel(tmp_path / "a.xlsx", ["姓名", "学号"], ["李明", 1], ["王芳", 2])
    shown = run(application, tmp_path, "import", first, "--dry-run").output
    assert "Column 姓名: taken as name" in shown
    assert "2 new, 0 changed" in shown
    assert entries(application) == []

    assert "Imported" in run(application, tmp_path, "import", first, "--yes").output
    second = tmp_path / "b.csv"
    second.write_text("名字,工号,角色\n李明,1,组织者\n赵云,3,\n", encoding="gb18030")
    shown = run(application, tmp_path, "import", second, "--yes").output
    assert "1 new, 1 changed, 0 as before, 1 not in the file (kept)" in shown
    assert "member → member, organiser" in shown
    assert entries(application) == [
        ("李明", "1", "member,organiser", None), ("王芳", "2", "member", None), ("赵云", "3", "member", None),
    ]  # fmt: skip
    assert "Nothing was changed" in run(application, tmp_path, "import", second, "--yes").output

    assert "Took back b.csv: 2 entries" in run(application, tmp_path, "undo").output
    assert entries(application) == [("李明", "1", "member", None), ("王芳", "2", "member", None)]
    run(application, tmp_path, "undo")
    assert entries(application) == []
    last = run(application, tmp_path, "undo")
    assert last.exit_code == 1
    assert "no import" in last.output


def test_a_name_gets_its_number_later(application: Application) -> None:
    with application.database.begin() as session:
        roster.apply(session, 1, [RosterRow("李明")], "a", START)
        roster.apply(session, 1, [RosterRow("李明", "7")], "b", START)
    assert entries(application) == [("李明", "7", "member", None)]


def test_ten_thousand_lines_with_errors_change_nothing(
    application: Application, tmp_path: Path
) -> None:
    file = tmp_path / "big.csv"
    lines = [f"成员{n},{n}" if n % 1000 else f",{n}" for n in range(1, 10_001)]
    file.write_text("\n".join(["姓名,学号", *lines]), encoding="utf-8")
    done = run(application, tmp_path, "import", file, "--yes")
    assert done.exit_code == 1
    assert done.output.count("the name is empty") == 10
    assert "line 1001:" in done.output
    assert entries(application) == []


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.xlsx", b"no zip"),
        ("x.xlsx", b""),
        ("x.csv", b"\xff\xff\xff"),
        ("x.csv", b""),
        ("x.csv", b"a,b\n1,2"),
    ],
)
def test_files_that_are_no_roster(
    application: Application, tmp_path: Path, name: str, content: bytes
) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    done = run(application, tmp_path, "import", file, "--yes")
    assert done.exit_code == 1
    assert isinstance(done.exception, SystemExit)
    assert "nothing was changed" in done.output


def test_codes_are_text_and_bind_once(application: Application, tmp_path: Path) -> None:
    with application.database.begin() as session:
        roster.apply(session, 1, [RosterRow("=1+1", "007"), RosterRow("王芳")], "a", START)
    assert "Wrote 2 codes" in run(application, tmp_path, "codes", tmp_path / "codes.xlsx").output
    sheet = load_workbook(tmp_path / "codes.xlsx").worksheets[0]
    cells = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert cells[0] == ["姓名", "学号", "口令"]
    assert cells[1][:2] == ["=1+1", "007"]
    assert sheet.cell(2, 1).data_type == "s"
    assert (tmp_path / "codes.xlsx").stat().st_mode & 0o077 == 0


def test_an_import_that_somebody_has_bound_to_is_not_undone(
    application: Application, tmp_path: Path
) -> None:
    enrol(application, "oA")
    with application.database.begin() as session:
        roster.apply(session, 1, [RosterRow("王芳", "1")], "a", START)
        entry = session.scalars(select(RosterEntry)).one()
        binding._take(session, entry, 1, START)
    with pytest.raises(RosterProblems, match="王芳"), application.database.begin() as session:
        roster.undo(session, 1, START)
    assert len(entries(application)) == 1


def test_roles_of_those_who_have_bound_follow_the_roster(application: Application) -> None:
    enrol(application, "oA")
    organiser = RosterRow("王芳", "1", ("member", "organiser"))
    with application.database.begin() as session:
        roster.apply(session, 1, [organiser], "a", START)
        binding._take(session, session.scalars(select(RosterEntry)).one(), 1, START)
        assert person.people_of(session, 1, Role.ORGANISER) == [1]
        roster.apply(session, 1, [RosterRow("王芳", "1")], "b", START)
        assert person.people_of(session, 1, Role.ORGANISER) == [1]
        roster.apply(session, 1, [RosterRow("王芳", "1", ("member",))], "b", START)
        assert person.people_of(session, 1, Role.ORGANISER) == []
        roster.undo(session, 1, START)
        assert person.people_of(session, 1, Role.ORGANISER) == [1]
        assert person.people_of(session, 1, Role.MEMBER) == [1]


def test_reading_tables(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("\ufeff姓名\t学号\n李明\t1\n", encoding="utf-8")
    assert read_table(file, RosterProblems) == [["姓名", "学号"], ["李明", "1"]]
