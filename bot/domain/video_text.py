"""选视频: title, link and check questions in the forms that people write.

12月 榜样的力量
https://…
1. 问题？ A 甲 B 乙 C 丙 答案 B
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from string import ascii_uppercase
from urllib.parse import urlsplit

from bot.domain.dates import NUMERAL, value_of
from bot.domain.video import (
    FEWEST_OPTIONS,
    MOST_OPTIONS,
    OPTION_LIMIT,
    QUESTION_LIMIT,
    QUESTIONS,
    TITLE_LIMIT,
    URL_LIMIT,
    Draft,
    Question,
    month_after,
)

# A month named without its year lies at most so many months ahead; else it is over.
_AHEAD = 5
_QUOTED = 16
_END = r"(?=[\s:：,，、]|$)[\s:：,，、]*"
_MONTH = re.compile(
    rf"\s*(?:(?:(?P<year>20\d\d)\s*年\s*)?(?P<month>{NUMERAL})\s*月份?的?|(?P<word>本月|这个月|下个?月)的?)"
    + _END
)
_URL = re.compile(r"https?://[^\s\u3000-\u303f\u4e00-\u9fff\uff00-\uffef“”‘’<>\"']+", re.IGNORECASE)
_OTHER_LINK = re.compile(
    r"\b(?!https?:)[a-z][a-z0-9+.-]*:(?://|[a-z])\S*|\bwww\.\S+", re.IGNORECASE
)
_BARE_LINK = re.compile(
    r"(?<![a-z0-9_/.:@-])(?:[a-z0-9-]+\.)+(?:cn|com|net|org|tv|cc|top|io|me)(?![a-z0-9.-])(?:[/?:][^\s]*)?",
    re.IGNORECASE,
)
_HEADER = re.compile(
    rf"\s*[(（第]?\s*(?:{NUMERAL})\s*(?:题\s*[.．、:：)）]?|[.．、:：)）])\s*(?!\d)"
)
_INLINE = re.compile(r"\s(?=[1-3１-３]\s*[.．、)）]\s*[^\d\s])")
_ANSWER = re.compile(
    r"[(（]?\s*(?:正确|参考)?答案\s*(?:是|为|选)?\s*[:：]?\s*(?P<answer>[A-Za-zＡ-Ｚａ-ｚ0-9０-９①-⑨])"
    r"(?![A-Za-z0-9])\s*[)）]?\s*[。.．]?"
)
_SMALL_OR_RING = r"(?P<small>[a-fａ-ｆ])(?=[.．、:：)）])|(?P<ring>[①-⑥])"
_MARK_END = r"\s*[.．、:：)）]?\s*"
_MARK = re.compile(
    rf"(?<![A-Za-z0-9])[(（]?(?:(?P<mark>[A-FＡ-Ｆ])(?![A-Za-z0-9])|{_SMALL_OR_RING}){_MARK_END}"
)
# A1921B1922: only where nothing else is a mark, for 2B may be a pencil.
_TIGHT_MARK = re.compile(
    rf"(?<![A-Za-z])[(（]?(?:(?P<mark>[A-FＡ-Ｆ])(?![A-Za-z])|{_SMALL_OR_RING}){_MARK_END}"
)
_ENDS = " \t　,，;；、"


@dataclass(frozen=True, slots=True)
class VideoProblem:
    """Why a text chooses no video: a key of the messages and its fields; `what` quotes the line."""

    key: str
    fields: dict[str, str]


def parse_video(text: str, today: date, default: date) -> Draft | VideoProblem:
    """The video that a text chooses; `default` is the month (its first day) without one said.

    Keys of problems: video.no_title, video.no_link, video.bare_link, video.bad_link,
    video.two_links,
    video.long_title, video.long_link, video.past_month, video.no_month, video.not_understood,
    video.count; and of a question those of question_problem, video.no_options and
    video.no_answer.
    """
    month, rest = _find_month(text, today, default)
    if isinstance(month, VideoProblem):
        return month
    parts = list(_parts(rest))
    links = [part for part in parts if _URL.fullmatch(part)]
    if not links and (bare := _BARE_LINK.search(rest)):
        return VideoProblem("video.bare_link", {"what": _short(bare[0])})
    sheet = _sheet([part for part in parts if not _URL.fullmatch(part)])
    if isinstance(sheet, VideoProblem):
        return sheet
    title, blocks = sheet
    if problem := _head_problem(title, links, rest):
        return problem
    if len(blocks) not in (0, QUESTIONS):
        return VideoProblem("video.count", {"count": str(len(blocks))})
    questions = []
    for number, block in enumerate(blocks, start=1):
        question = _question(number, block)
        if isinstance(question, VideoProblem):
            return question
        questions.append(question)
    return Draft(month, title, links[0], tuple(questions))


def question_problem(number: int, question: Question) -> VideoProblem | None:
    """Why this cannot be asked. Keys: video.no_question, video.options, video.empty_option,
    video.same_options, video.long_question, video.answer_range; each with its `number`.
    """
    options, fields = question.options, {"number": str(number), "what": _short(question.question)}
    if not question.question:
        return VideoProblem("video.no_question", fields)
    if not FEWEST_OPTIONS <= len(options) <= MOST_OPTIONS:
        return VideoProblem("video.options", {**fields, "count": str(len(options))})
    if not all(options):
        return VideoProblem("video.empty_option", fields)
    if len(set(options)) < len(options):
        return VideoProblem("video.same_options", fields)
    if len(question.question) > QUESTION_LIMIT or max(map(len, options)) > OPTION_LIMIT:
        return VideoProblem("video.long_question", fields)
    if not 1 <= question.right <= len(options):
        named = "，".join(f"{letter_of(at)} {one}" for at, one in enumerate(options, start=1))
        said = {"answer": letter_of(question.right), "options": named}
        return VideoProblem("video.answer_range", {**fields, **said, "count": str(len(options))})
    return None


def letter_of(number: int) -> str:
    """B for the second option; what no option can be is itself."""
    return chr(ord("A") + number - 1) if 1 <= number <= len(ascii_uppercase) else str(number)


def month_named(number: int, year: int | None, today: date, text: str = "") -> date | VideoProblem:
    """The first day of 12月: this or a coming one; `text` is how it was written."""
    this = today.replace(day=1)
    fields = {"month": text or f"{number}月"}
    if not 1 <= number <= 12:
        return VideoProblem("video.no_month", fields)
    if year is not None:
        found = date(year, number, 1)
        ahead = (found.year - this.year) * 12 + found.month - this.month
        return found if 0 <= ahead <= 12 else VideoProblem("video.past_month", fields)
    ahead = (number - this.month) % 12
    if ahead > _AHEAD:
        return VideoProblem("video.past_month", fields)
    return date(this.year + (number < this.month), number, 1)


def _find_month(text: str, today: date, default: date) -> tuple[date | VideoProblem, str]:
    found = _MONTH.match(text)
    if not found:
        return default, text
    rest = text[found.end() :]
    if found["word"]:
        this = today.replace(day=1)
        return (month_after(this) if found["word"].startswith("下") else this), rest
    year = int(found["year"]) if found["year"] else None
    written = found[0].strip(f"{_ENDS}:：的\n")
    return month_named(value_of(found["month"]), year, today, written), rest


def _parts(text: str) -> Iterator[str]:
    """Lines, and links by themselves; what comes after a link may be several questions."""
    linked = False
    for line in text.splitlines():
        at = 0
        for found in _URL.finditer(line):
            yield from _pieces(line[at : found.start()], linked)
            yield found[0].rstrip(".,;:!?)")
            at, linked = found.end(), True
        yield from _pieces(line[at:], linked)


def _pieces(text: str, linked: bool) -> Iterator[str]:
    pieces = _INLINE.split(text) if linked else [text]
    yield from (piece.strip() for piece in pieces if piece.strip(f"{_ENDS}:：。.!！"))


def _sheet(parts: Sequence[str]) -> tuple[str, list[str]] | VideoProblem:
    """The title, and the text of each question."""
    title, blocks = "", list[str]()
    for part in parts:
        header = _HEADER.match(part)
        if header and (title or blocks or len(parts) > 1):
            blocks.append(part[header.end() :])
        elif blocks:
            blocks[-1] += f" {part}"
        elif not title:
            title = part.strip(f"{_ENDS}:：")
        elif _OTHER_LINK.search(part):
            return VideoProblem("video.bad_link", {"what": _short(part)})
        else:
            return VideoProblem("video.not_understood", {"what": _short(part)})
    return title, blocks


def _head_problem(title: str, links: Sequence[str], text: str) -> VideoProblem | None:
    if other := _OTHER_LINK.search(_URL.sub(" ", text)):
        return VideoProblem("video.bad_link", {"what": _short(other[0])})
    if not links:
        return VideoProblem("video.no_link", {})
    if len(links) > 1:
        return VideoProblem("video.two_links", {"what": _short(links[1])})
    if len(links[0]) > URL_LIMIT:
        return VideoProblem("video.long_link", {"limit": str(URL_LIMIT)})
    if not _is_link(links[0]):
        return VideoProblem("video.bad_link", {"what": _short(links[0])})
    if not title:
        return VideoProblem("video.no_title", {})
    if len(title) > TITLE_LIMIT:
        return VideoProblem("video.long_title", {"limit": str(TITLE_LIMIT)})
    return None


def _is_link(url: str) -> bool:
    """With a host, and without a name and password, which make one host look like another."""
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and "@" not in parts.netloc and parts.port != 0
    except ValueError:
        return False


def _question(number: int, text: str) -> Question | VideoProblem:
    """问题？ A 甲 B 乙 答案 B, on one line or several."""
    answer = _ANSWER.search(text)
    body = _ANSWER.sub(" ", text, count=1)
    marks = max((list(_marks(one, body)) for one in (_MARK, _TIGHT_MARK)), key=len)
    fields = {"number": str(number), "what": _short(text)}
    if not marks:
        return VideoProblem("video.no_options", fields)
    if answer is None:
        return VideoProblem("video.no_answer", fields)
    ends = [*(mark.start() for mark in marks[1:]), len(body)]
    options = [_clean(body[mark.end() : end]) for mark, end in zip(marks, ends, strict=True)]
    asked = _clean(body[: marks[0].start()])
    question = Question(asked, tuple(options), _place(answer["answer"]))
    return question_problem(number, question) or question


def _marks(pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """A, then the next B, then the next C: another A later is a word."""
    expected = 1
    for found in pattern.finditer(text):
        if _place(found["mark"] or found["small"] or found["ring"]) == expected:
            yield found
            expected += 1


def _place(letter: str) -> int:
    """B, b, ２ and ② are 2."""
    plain = unicodedata.normalize("NFKC", letter).upper()
    return int(plain) if plain.isdigit() else ord(plain) - ord("A") + 1


def _clean(text: str) -> str:
    return " ".join(text.split()).strip(_ENDS)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _QUOTED else f"{line[: _QUOTED - 1]}…"
