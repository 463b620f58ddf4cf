"""Rows of a roster, as organisers keep them in spreadsheets."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.domain.person import Role

_HEADINGS: Mapping[str, frozenset[str]] = {
    "name": frozenset({"姓名", "名字", "成员", "成员姓名", "学生姓名", "name"}),
    "number": frozenset({"学号", "工号", "编号", "学工号", "证号", "number", "id"}),
    "roles": frozenset({"角色", "职务", "支部职务", "党内职务", "社团职务", "role"}),
    "stage": frozenset({"阶段", "发展阶段", "政治面貌", "类别", "stage"}),
}
_ROLES: Mapping[str, Role] = {
    "成员": Role.MEMBER, "党员": Role.MEMBER, "member": Role.MEMBER,
    "导师": Role.MENTOR, "老师": Role.MENTOR, "指导老师": Role.MENTOR, "指导教师": Role.MENTOR,
    "mentor": Role.MENTOR,
    "组织者": Role.ORGANISER, "书记": Role.ORGANISER, "支书": Role.ORGANISER,
    "副书记": Role.ORGANISER, "组织委员": Role.ORGANISER, "宣传委员": Role.ORGANISER,
    "纪检委员": Role.ORGANISER, "支委": Role.ORGANISER, "班长": Role.ORGANISER,
    "会长": Role.ORGANISER, "副会长": Role.ORGANISER, "社长": Role.ORGANISER,
    "副社长": Role.ORGANISER, "负责人": Role.ORGANISER,
    "organiser": Role.ORGANISER,
}  # fmt: skip
_HEADING_ROWS = 10
_FOOTERS = frozenset({"合计", "总计", "共计", "小计", "备注", "说明"})
NAME_LIMIT = 40


@dataclass(frozen=True, slots=True)
class RosterRow:
    """`number`, `roles` and `stage` may be unknown: what a file leaves out is not changed."""

    name: str
    number: str | None = None
    roles: tuple[str, ...] | None = None
    stage: str | None = None


@dataclass(frozen=True, slots=True)
class Understood:
    """Which column was taken for what, and which were left alone."""

    columns: Mapping[str, str]
    ignored: tuple[str, ...]
    rows: tuple[RosterRow, ...]
    problems: tuple[str, ...]


def understand(table: Sequence[Sequence[object]]) -> Understood:
    """Rows of a table of cells; every problem names its line, counted from 1."""
    start, headings = _headings(table)
    if "name" not in headings:
        return Understood({}, (), (), ("no column is headed 姓名 (or 名字)",))
    titles = [clean(cell) for cell in table[start]]
    columns = {key: titles[index] for key, index in headings.items()}
    ignored = tuple(title for title in titles if title and title not in columns.values())
    rows: list[RosterRow] = []
    problems: list[str] = []
    lines: dict[str, int] = {}
    for line, cells in enumerate(table[start + 1 :], start=start + 2):
        values = {
            key: clean(cells[index]) if index < len(cells) else ""
            for key, index in headings.items()
        }
        if not any(clean(cell) for cell in cells) or clean(cells[0]) in _FOOTERS:
            continue
        row, found = _row(values)
        problems += [f"line {line}: {problem}" for problem in found]
        if row.number and row.number in lines:
            problems.append(f"line {line}: number {row.number} stands in line {lines[row.number]}")
        lines.setdefault(row.number or "", line)
        rows.append(row)
    if not rows and not problems:
        problems.append("there is no row under the headings")
    return Understood(columns, ignored, tuple(rows), tuple(problems))


def clean(cell: object) -> str:
    """A cell as text: 2023001.0 is 2023001, widths are folded, inner spaces of names are kept."""
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return re.sub(r"\s+", " ", unicodedata.normalize("NFKC", str(cell))).strip()


def _headings(table: Sequence[Sequence[object]]) -> tuple[int, dict[str, int]]:
    """The first line that has a heading for the name: titles may stand above it."""
    for line, cells in enumerate(table[:_HEADING_ROWS]):
        found: dict[str, int] = {}
        for index, cell in enumerate(cells):
            title = clean(cell).replace(" ", "").casefold()
            for key, names in _HEADINGS.items():
                if title in names:
                    found.setdefault(key, index)
        if "name" in found:
            return line, found
    return 0, {}


def _row(values: Mapping[str, str]) -> tuple[RosterRow, list[str]]:
    problems = []
    name = values["name"].replace(" ", "") if _is_chinese(values["name"]) else values["name"]
    if not name:
        problems.append("the name is empty")
    if len(name) > NAME_LIMIT:
        problems.append(f"the name is longer than {NAME_LIMIT} characters")
    words = [part for part in re.split(r"[,，、/;； ]+", values.get("roles", "")) if part]
    known = {Role.MEMBER, *(_role(word) for word in words)}
    order = tuple(role.value for role in Role if role in known) if words else None
    number = values.get("number", "").upper() or None
    return RosterRow(name, number, order, values.get("stage") or None), problems


def _role(word: str) -> Role:
    """书记 and 委员 of any kind organise; a word that says nothing about it is a member's."""
    word = word.casefold()
    if word in _ROLES:
        return _ROLES[word]
    return Role.ORGANISER if word.endswith(("书记", "委员", "支委")) else Role.MEMBER


def _is_chinese(text: str) -> bool:
    return bool(re.fullmatch(r"[\u4e00-\u9fff· ]+", text))
