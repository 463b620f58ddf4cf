"""A community's own entries on the command line: imported, approved, taken back, exported."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result
from openpyxl import Workbook
from sqlalchemy import delete, select, update

from bot.bootstrap import Application
from bot.cli import main
from bot.cli.config_file import render
from bot.domain.person import Role
from bot.services import community, person
from bot.services.community import CommunitySettings
from bot.storage.models import (
    AuditEntry,
    KnowledgeChange,
    KnowledgeEntry,
    Membership,
    Person,
    RosterEntry,
)
from tests.conftest import START
from tests.members import rows

HEADINGS = ["编号", "问题", "其他问法", "答案", "主题", "文件", "条款"]
ROOM = [
    "",
    "活动室怎么借？",
    "借活动室找谁；活动室钥匙在哪",
    "在群里说一声，\n向组织委员拿钥匙。",
    "活动室",
    "活动室使用办法",
    "第二条",
]
LEAVE = [
    "L01",
    "请假要找谁批？",
    "请假条交给谁",
    "会前一天向支部书记请假。",
    "请假",
    "支部请假规定",
    "第三条",
]
STARS = ["", "星级党员怎么评？", "", "每季度按积分评一次。", "星级", "星级细则", "第一条"]


def run(application: Application, folder: Path, *arguments: str | Path) -> Result:
    config = folder / "config.toml"
    storage = {"url": application.settings.storage.url, "data_dir": str(folder)}
    config.write_text(render({"storage": storage}), encoding="utf-8")
    words = ["content", *map(str, arguments), "--config", str(config)]
    return CliRunner().invoke(main, words)


def good(application: Application, folder: Path, *arguments: str | Path) -> str:
    done = run(application, folder, *arguments)
    assert done.exit_code == 0, done.output
    return done.stdout


def bad(application: Application, folder: Path, *arguments: str | Path) -> str:
    done = run(application, folder, *arguments)
    assert done.exit_code == 1, done.output
    assert isinstance(done.exception, SystemExit)
    return done.stderr


def excel(file: Path, *lines: Sequence[object], headings: Sequence[str] = HEADINGS) -> Path:
    book = Workbook()
    for line in (headings, *lines):
        book.worksheets[0].append(list(line))
    book.save(file)
    return file


def organisers(application: Application, *names: str, home: int = 1) -> list[int]:
    """People who organise the community, by name; numbered on the roster from 1."""
    numbers = []
    with application.database.begin() as session:
        for at, name in enumerate(names, start=1):
            somebody = Person(
                name=None, current_community_id=None, hidden_at=None, created_at=START
            )
            session.add(somebody)
            session.flush()
            numbers.append(somebody.id)
            person.grant(session, somebody.id, home, Role.ORGANISER, START)
            session.add(RosterEntry(
                community_id=home, name=name, number=str(at), roles="organiser", stage=None,
                code_hash=None, person_id=somebody.id, created_at=START,
            ))  # fmt: skip
    return numbers


def listed(application: Application, folder: Path, *more: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(
        good(application, folder, "own", "list", "--json", *more)
    )
    return found


def test_a_table_is_previewed_imported_changed_and_taken_back(
    application: Application, tmp_path: Path
) -> None:
    file = excel(tmp_path / "a.xlsx", ROOM, LEAVE)
    shown = good(application, tmp_path, "import", file, "--dry-run")
    assert "2 new, 0 changed, 0 unchanged" in shown
    assert "Nothing was changed" in shown
    assert rows(application, KnowledgeEntry) == 0

    said = good(application, tmp_path, "import", file, "--yes")
    assert "2 are answered from now on, marked 未复核" in said
    again = good(application, tmp_path, "import", file, "--yes")
    assert "0 new, 0 changed, 2 unchanged" in again
    assert "Nothing was changed" in again

    other = [*ROOM[:3], "向值班的同学拿钥匙。", *ROOM[4:]]
    second = excel(tmp_path / "b.xlsx", other, LEAVE, STARS)
    difference = json.loads(good(application, tmp_path, "import", second, "--yes", "--json"))
    assert [(one["row"], one["what"], one["key"]) for one in difference] == [
        (2, "changed", "own-1"), (3, "unchanged", "L01"), (4, "new", ""),
    ]  # fmt: skip
    assert "→ 向值班的同学拿钥匙。" in difference[0]["changes"]
    assert [(one["key"], one["state"], one["reviewed"]) for one in listed(application, tmp_path)] == [
        ("L01", "live", False), ("own-1", "live", False), ("own-2", "live", False),
    ]  # fmt: skip

    shown = good(application, tmp_path, "own", "show", "own-1")
    assert "答案: 向值班的同学拿钥匙。" in shown
    assert "answer: 在群里说一声" in shown
    assert "Took back that own-1 was changed; it is live now." in good(
        application, tmp_path, "own", "undo", "own-1"
    )
    record = json.loads(good(application, tmp_path, "own", "show", "own-1", "--json"))
    assert record["answer"] == ROOM[3]
    assert [(one["what"], one["by"]) for one in record["history"]] == [("added", "")]

    good(application, tmp_path, "own", "withdraw", "own-1")
    assert "withdrawn already" in bad(application, tmp_path, "own", "withdraw", "own-1")
    assert "it was withdrawn" in good(application, tmp_path, "import", file, "--dry-run")
    assert "no entry of its own 'own-9'" in bad(application, tmp_path, "own", "show", "own-9")
    with application.database.read() as session:
        actions = list(session.scalars(select(AuditEntry.action)))
    assert actions.count("knowledge imported") == 2


def test_another_organiser_approves(application: Application, tmp_path: Path) -> None:
    organisers(application, "李明", "王芳")
    file = excel(tmp_path / "a.xlsx", ROOM)
    assert "there are: 李明、王芳" in bad(
        application, tmp_path, "import", file, "--by", "赵云", "--yes"
    )
    said = good(application, tmp_path, "import", file, "--by", "李明", "--yes")
    assert "1 wait for another organiser" in said
    own = ("own", "approve", "own-1", "--by")
    assert "its author cannot approve it" in bad(application, tmp_path, *own, "1")
    assert "Approved own-1" in good(application, tmp_path, *own, "2")
    shown = json.loads(good(application, tmp_path, "own", "show", "own-1", "--json"))
    assert (shown["state"], shown["author"], shown["approved by"]) == ("live", "李明", "王芳")
    assert [(one["what"], one["by"], one["before"]) for one in shown["history"]] == [
        ("approved", "王芳", {"state": "draft"}), ("added", "李明", {}),
    ]  # fmt: skip
    good(application, tmp_path, "own", "withdraw", "own-1", "--by", "王芳")
    assert "it is live now" in good(application, tmp_path, "own", "undo", "own-1", "--by", "李明")


def test_numbers_of_another_community_are_its_own(application: Application, tmp_path: Path) -> None:
    with application.database.begin() as session:
        defaults = CommunitySettings("Asia/Shanghai", "22:00-08:00", 3, "party-branch")
        packs = application.library.names
        community.add(session, "一支部", defaults, START, packs=packs, parent="示例支部")
    good(application, tmp_path, "import", excel(tmp_path / "a.xlsx", ROOM), "--yes")
    below = excel(tmp_path / "b.xlsx", STARS)
    good(application, tmp_path, "import", below, "--yes", "--community", "一支部")
    assert [one["key"] for one in listed(application, tmp_path, "--community", "一支部")] == [
        "own-2"
    ]

    same = excel(tmp_path / "c.xlsx", ROOM)
    problem = bad(application, tmp_path, "import", same, "--yes", "--community", "一支部")
    assert "row 2: 问题: 活动室怎么借？: would be answered with own-1" in problem
    instead = excel(tmp_path / "c.xlsx", ["own-1", *ROOM[1:3], "一支部另外规定。", *ROOM[4:]])
    good(application, tmp_path, "import", instead, "--yes", "--community", "一支部")
    assert len(listed(application, tmp_path, "--community", "一支部")) == 2
    assert len(listed(application, tmp_path)) == 1


def test_undoing_what_somebody_approved_who_is_gone(
    application: Application, tmp_path: Path
) -> None:
    author, second = organisers(application, "李明", "王芳")
    good(application, tmp_path, "import", excel(tmp_path / "a.xlsx", ROOM), "--by", "李明", "--yes")
    good(application, tmp_path, "own", "approve", "own-1", "--by", "王芳")
    good(application, tmp_path, "own", "withdraw", "own-1", "--by", "李明")
    with application.database.begin() as session:
        row = session.scalars(select(KnowledgeEntry)).one()
        row.approved_by = None
        for change in session.scalars(select(KnowledgeChange)):
            change.changed_by = author if change.changed_by else None
        session.execute(delete(RosterEntry).where(RosterEntry.person_id == second))
        session.execute(delete(Membership).where(Membership.person_id == second))
        session.execute(update(AuditEntry).values(actor_id=None))
        session.execute(delete(Person).where(Person.id == second))
    good(application, tmp_path, "own", "undo", "own-1")
    assert [(one["state"], one["reviewed"]) for one in listed(application, tmp_path)] == [
        ("live", False)
    ]
