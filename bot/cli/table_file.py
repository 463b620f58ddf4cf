"""Tables that people keep in Excel or CSV files."""

import csv
import io
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from bot.domain.own_table import Unreadable
from bot.errors import ProblemList

_ENCODINGS = ("utf-8-sig", "gb18030")
_DELIMITERS = (",", ";", "\t")
_ROW_LIMIT = 100_000
_MOST_BYTES = 10_000_000
# An Excel file is a ZIP: a small one can unpack to any size.
_MOST_UNPACKED = 100_000_000
# With their formats cells take 50 times the room.
_MOST_UNPACKED_WRITTEN = 20_000_000
# One cell far below or far to the right makes a sheet of millions of empty ones.
_WRITTEN_ROWS, _WRITTEN_COLUMNS = 10_000, 50
# What openpyxl, zlib and the XML reader raise of files that are none, or torn.
_BROKEN = (
    InvalidFileException, BadZipFile, LookupError, ValueError, OSError, TypeError, AttributeError,
    SyntaxError, RuntimeError, EOFError, zlib.error,
)  # fmt: skip
_FORMULA = Unreadable("a formula; write the text itself")
_MERGED = Unreadable("merged with its neighbour; take them apart and write in each what it says")
_NO_TEXT = Unreadable(
    "no text but a date, a number or the like; format the cell as text, then write what people read"
)

Refuse = Callable[[Sequence[str]], ProblemList]


def read_table(file: Path, refuse: Refuse) -> list[list[object]]:
    """The cells of an Excel file's first sheet, formulas as their last result, or of a CSV file.

    Raises `refuse` with the problem.
    """
    if not _is_excel(file, refuse):
        return [list(row) for row in _csv_rows(file, refuse)]
    with _workbook(file, refuse, _MOST_UNPACKED, read_only=True, data_only=True) as book:
        rows = book.worksheets[0].iter_rows(values_only=True, max_row=_ROW_LIMIT)
        return [list(row) for row in rows]


def read_written(file: Path, refuse: Refuse) -> list[list[str | Unreadable]]:
    """The cells as somebody wrote them; what Excel makes of what was written is Unreadable.

    Raises `refuse` with the problem.
    """
    if not _is_excel(file, refuse):
        return [[_formula(cell) or cell for cell in row] for row in _csv_rows(file, refuse)]
    with _workbook(file, refuse, _MOST_UNPACKED_WRITTEN, data_only=False) as book:
        sheet = book.worksheets[0]
        last, right = min(sheet.max_row, _WRITTEN_ROWS), min(sheet.max_column, _WRITTEN_COLUMNS)
        cells = sheet.iter_rows(max_row=last, max_col=right)
        rows = [[_written(cell) for cell in row] for row in cells]
        for merged in sheet.merged_cells.ranges:
            for line, column in list(merged.cells)[1:]:
                if line <= len(rows) and column <= len(rows[line - 1]):
                    rows[line - 1][column - 1] = _MERGED
        return rows


def _is_excel(file: Path, refuse: Refuse) -> bool:
    if file.stat().st_size > _MOST_BYTES:
        raise refuse([f"{file}: has more than {_MOST_BYTES // 1_000_000} MB; it was not read"])
    return file.suffix.lower() in (".xlsx", ".xlsm")


@contextmanager
def _workbook(file: Path, refuse: Refuse, most: int, **options: bool) -> Iterator[Any]:
    try:
        with ZipFile(file) as packed:
            unpacked = sum(
                item.file_size for item in packed.infolist() if item.filename[-4:] == ".xml"
            )
        if unpacked > most:
            raise refuse([f"{file}: holds too much; save the table alone in a new file"])
        book = load_workbook(file, **options)
    except _BROKEN as error:
        raise refuse([_no_excel(file, error)]) from error
    try:
        if not book.worksheets:
            raise refuse([f"{file}: has no sheet with a table"])
        yield book
    except _BROKEN as error:
        raise refuse([_no_excel(file, error)]) from error
    finally:
        book.close()


def _no_excel(file: Path, error: BaseException) -> str:
    return f"{file}: is no Excel file that can be read; save the table in a new one ({error})"


def _written(cell: Any) -> str | Unreadable:
    """A cell's own text; a number only where Excel shows it as it is."""
    value = cell.value
    if value is None:
        return ""
    match cell.data_type:
        case "f":
            return _FORMULA
        case "b" | "d" | "e":
            return _NO_TEXT
        case "n" if cell.number_format not in ("General", "@", "0"):
            return _NO_TEXT
        case "n":
            return str(int(value) if float(value).is_integer() else value)
    return _formula(str(value)) or str(value)


def _formula(text: str) -> Unreadable | None:
    return _FORMULA if text.lstrip().startswith("=") else None


def _csv_rows(file: Path, refuse: Refuse) -> Iterator[list[str]]:
    raw = file.read_bytes()
    for encoding in _ENCODINGS:
        try:
            text = raw.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise refuse([f"{file}: save it as Excel (.xlsx) or as CSV in UTF-8"])
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    try:
        yield from reader
    except csv.Error as error:
        raise refuse([f"{file}: line {reader.line_num}: is no CSV: {error}"]) from error


def _delimiter(text: str) -> str:
    """The one that the first line with any has most of: headings hold none themselves."""
    for line in text.splitlines():
        if any(delimiter in line for delimiter in _DELIMITERS):
            return max(_DELIMITERS, key=line.count)
    return _DELIMITERS[0]
