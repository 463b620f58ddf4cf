"""Rows of a table of a community's own rules, as organisers write them in spreadsheets."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_HEADINGS: Mapping[str, frozenset[str]] = {
    "key": frozenset({"编号", "编码", "key", "id"}),
    "question": frozenset({"问题", "标准问法", "question"}),
    "variants": frozenset({"其他问法", "其它问法", "别的问法", "问法", "variants"}),
    "answer": frozenset({"答案", "回答", "answer"}),
    "topic": frozenset({"主题", "类别", "topic"}),
    "title": frozenset({"文件", "制度", "文件名", "title"}),
    "clause": frozenset({"条款", "第几条", "clause"}),
}
# How a problem calls them.
NAMES: Mapping[str, str] = {
    "key": "编号", "question": "问题", "variants": "其他问法", "answer": "答案", "topic": "主题",
    "title": "文件", "clause": "条款",
}  # fmt: skip
_OPTIONAL = frozenset({"key", "variants"})
_ONE_LINE = ("question", "topic", "title", "clause")
_HEADING_ROWS = 10
MOST_ROWS = 1000


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A cell that says nothing that could be kept, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class OwnRow:
    """`line` counts from 1; `key` is "" where the table names none."""

    line: int
    key: str
    question: str
    variants: tuple[str, ...]
    answer: str
    topic: str
    title: str
    clause: str


@dataclass(frozen=True, slots=True)
class Understood:
    """`problems` are lines with what is wrong there, as field: reason; of 0 with all of it.
    `columns` is empty where the table is none of these.
    """

    columns: Mapping[str, str]
    ignored: tuple[str, ...]
    rows: tuple[OwnRow, ...]
    problems: tuple[tuple[int, str], ...]


def understand(table: Sequence[Sequence[str | Unreadable]]) -> Understood:
    """The rows that can be read, and every problem of the others."""
    start, columns = _headings(table)
    titles = [_title(cell) for cell in table[start]] if table else []
    problems = [
        (0, f"no column is headed {NAMES[field]}")
        for field in _HEADINGS
        if field not in columns and field not in _OPTIONAL
    ]
    problems += [
        (start + 1, f"{NAMES[field]}: two columns are headed so")
        for field, names in _HEADINGS.items()
        if sum(title.casefold() in names for title in titles) > 1
    ]
    lines = [
        (line, {name: cells[at] for name, at in columns.items() if at < len(cells)})
        for line, cells in enumerate(table[start + 1 :], start=start + 2)
    ]
    lines = [(line, values) for line, values in lines if any(map(_says_something, values.values()))]
    if not problems and len(lines) > MOST_ROWS:
        problems = [(0, f"there are more than {MOST_ROWS} rows; divide the table")]
    if problems:
        return Understood({}, (), (), tuple(problems))
    rows = []
    for line, values in lines:
        row, found = _row(line, values)
        rows += [row] if row else []
        problems += [(line, problem) for problem in found]
    if not rows and not problems:
        problems.append((0, "there is no row under the headings"))
    known = {name: titles[at] for name, at in columns.items()}
    ignored = tuple(title for title in titles if title and title not in known.values())
    return Understood(known, ignored, tuple(rows), tuple(problems))


def _headings(table: Sequence[Sequence[str | Unreadable]]) -> tuple[int, dict[str, int]]:
    """The first line that has most of the headings: a title may stand above it."""
    best: tuple[int, dict[str, int]] = (0, {})
    for line, cells in enumerate(table[:_HEADING_ROWS]):
        found: dict[str, int] = {}
        for at, cell in enumerate(cells):
            title = _title(cell).casefold()
            for field, names in _HEADINGS.items():
                if title in names:
                    found.setdefault(field, at)
        if len(found) > len(best[1]):
            best = line, found
    return best


def _title(cell: str | Unreadable) -> str:
    if isinstance(cell, Unreadable):
        return ""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", cell))


def _says_something(cell: str | Unreadable) -> bool:
    return isinstance(cell, Unreadable) or bool(cell.strip())


def _row(line: int, values: Mapping[str, str | Unreadable]) -> tuple[OwnRow | None, list[str]]:
    """None with its problems where a cell cannot be read."""
    texts: dict[str, str] = {}
    problems = []
    for field, cell in values.items():
        if isinstance(cell, Unreadable):
            problems.append(f"{NAMES[field]}: {cell.reason}")
            continue
        texts[field] = text = _clean(cell)
        if any(unicodedata.category(letter) == "Cc" and letter != "\n" for letter in text):
            problems.append(f"{NAMES[field]}: it holds a character that cannot be shown")
    if problems:
        return None, problems
    said = (_line(text) for text in re.split(r"[；;\n]", texts.get("variants", "")))
    plain = {
        field: _line(texts.get(field, "")) for field in ("question", "topic", "title", "clause")
    }
    variants = tuple(text for text in dict.fromkeys(said) if text and text != plain["question"])
    return OwnRow(
        line=line,
        key=unicodedata.normalize("NFKC", _line(texts.get("key", ""))),
        variants=variants,
        answer="\n".join(filter(None, map(_line, texts.get("answer", "").split("\n")))),
        **plain,
    ), []


def _clean(text: str) -> str:
    """Line ends as \\n, also those that Excel writes in its own way; no marks without a width."""
    text = text.replace("_x000D_", "").replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    return text.replace("\u200b", "").replace("\ufeff", "")


def _line(text: str) -> str:
    return " ".join(text.split())
