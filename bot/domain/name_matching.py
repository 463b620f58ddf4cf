"""Whom a line of a pasted list names: by the whole name, never by a guess."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bot.domain.check_in import joined_note
from bot.domain.check_in_list import Line

# A name may be written in so many parts: 张 三, John Ronald Smith.
_PARTS = 4
_WORD = re.compile(r"[^\W_]+")
_PIECE = re.compile(r"[^\W\d_]+|\d+")
_NUMBER = re.compile(r"[a-z]{0,3}\d{5,}")
_NAME_AND_NUMBER = re.compile(r"([^\W\d_]*?)([A-Za-zＡ-Ｚａ-ｚ]{0,3}\d{5,})")
# What may stand behind a name without a gap and can be no part of one.
_FOLLOWS = re.compile(
    r"已[打完学看读阅签交到经]|打卡|签到|完成|收到|同学|老师|[读学看]完|[读学看]了|第[\d一二三四五六七八九十]"
)
_AROUND = " \t,，、:：;；|/／~～_—–-。.·"
_SHORTEST, _SHORTEST_NUMBER = 2, 3


class Reason(StrEnum):
    """Why a line was matched with nobody; the words are in messages.toml."""

    UNKNOWN = "unknown"
    UNBOUND = "unbound"
    SEVERAL = "several"
    NUMBER = "number"
    NEAR = "near"


@dataclass(frozen=True, slots=True)
class Known:
    """Somebody on the roster or among the members; `person_id` None for who has not bound."""

    name: str
    number: str
    person_id: int | None


@dataclass(frozen=True, slots=True)
class Unmatched:
    """`maybe` is the only one whose name is near."""

    name: str
    reason: Reason
    note: str = ""
    maybe: Known | None = None


@dataclass(frozen=True, slots=True)
class Matching:
    """`people` maps a person to their note."""

    people: dict[int, str]
    unmatched: tuple[Unmatched, ...]


@dataclass(frozen=True, slots=True)
class _Piece:
    text: str
    end: int


def match(
    lines: Iterable[Line], known: Sequence[Known], simplified: Callable[[str], str]
) -> Matching:
    """Who is named. Widths, spaces, marks and 繁體 make no difference; `simplified` undoes the
    last and keeps the length of a text.
    """
    names = _Names(known, simplified)
    people: dict[int, str] = {}
    unmatched: list[Unmatched] = []
    for line in lines:
        found = names.find(line)
        if isinstance(found, Unmatched):
            unmatched.append(found)
        else:
            person_id, note = found
            people[person_id] = joined_note(people.get(person_id, ""), note)
    return Matching(people, tuple(_settled(unmatched, people)))


def _settled(unmatched: list[Unmatched], people: dict[int, str]) -> Iterator[Unmatched]:
    """Who has a line of their own, or is near to two, is near to none."""
    near = [one.maybe.person_id for one in unmatched if one.maybe]
    for one in unmatched:
        if one.maybe is None:
            yield one
        elif one.maybe.person_id in people or near.count(one.maybe.person_id) > 1:
            yield Unmatched(one.name, Reason.UNKNOWN)
        else:
            yield one


class _Names:
    def __init__(self, known: Sequence[Known], simplified: Callable[[str], str]) -> None:
        self._simplified = simplified
        self._by_name: dict[str, list[Known]] = {}
        self._by_number: dict[str, Known] = {}
        for one in dict.fromkeys(known):
            if name := self._fold(one.name):
                self._by_name.setdefault(name, []).append(one)
            if one.number:
                self._by_number[self._fold(one.number)] = one

    def find(self, line: Line) -> tuple[int, str] | Unmatched:
        """A person and their note."""
        number, pieces = self._pieces(line.text)
        found, end = self._named(pieces)
        if not found and not any(piece.text.isalpha() for piece in pieces):
            alone = self._by_number.get(number)
            found, end = [alone] if alone else [], len(line.text)
        if number and found:
            found = self._by_the_number(found, number)
            if not found:
                return Unmatched(line.name, Reason.NUMBER)
        if len({one.person_id or one for one in found}) > 1:
            return Unmatched(line.name, Reason.SEVERAL)
        if not found:
            maybe = self._near(pieces)
            reason = Reason.NEAR if maybe else Reason.UNKNOWN
            return Unmatched(line.name, reason, line.note, maybe)
        if found[0].person_id is None:
            return Unmatched(line.name, Reason.UNBOUND)
        return found[0].person_id, self._note(line.text[end:], number)

    def _pieces(self, text: str) -> tuple[str, list[_Piece]]:
        """The number of somebody, "" where there is none, and the other words up to some."""
        number = ""
        pieces: list[_Piece] = []
        for word in _WORD.finditer(text):
            if len(pieces) > _PARTS:
                break
            folded, start = self._fold(word[0]), word.start()
            if self._is_number(folded) and not number:
                number = folded
            elif (joined := _NAME_AND_NUMBER.fullmatch(word[0])) and not number:
                pieces.append(_Piece(self._fold(joined[1]), start + joined.end(1)))
                number = self._fold(joined[2])
            else:
                for piece in _PIECE.finditer(word[0]):
                    folded = self._fold(piece[0])
                    if self._is_number(folded) and not number:
                        number = folded
                    else:
                        pieces.append(_Piece(folded, start + piece.end()))
        return number, pieces

    def _is_number(self, folded: str) -> bool:
        """A short one, such as 3, may be anything."""
        return bool(_NUMBER.fullmatch(folded)) or (
            folded in self._by_number and len(folded) >= _SHORTEST_NUMBER
        )

    def _named(self, pieces: list[_Piece]) -> tuple[list[Known], int]:
        """Everybody whose whole name the line begins with, and where the name ends."""
        found: list[Known] = []
        end, joined = 0, ""
        for piece in pieces[:_PARTS]:
            joined += piece.text
            if here := self._by_name.get(joined):
                found, end = [*found, *here], piece.end
        if not found and pieces:
            first = pieces[0]
            for name, here in self._by_name.items():
                rest = first.text.removeprefix(name)
                if len(name) >= _SHORTEST and rest != first.text and self._goes_on(rest, pieces):
                    found, end = [*found, *here], first.end - len(rest)
        return found, end

    def _goes_on(self, rest: str, pieces: list[_Piece]) -> bool:
        """第 and 3 are two pieces."""
        after = pieces[1].text if len(pieces) > 1 else ""
        return _FOLLOWS.match(rest + after) is not None

    def _by_the_number(self, found: list[Known], number: str) -> list[Known]:
        """Those that the number is of, or speaks not against: other figures stand there as well."""
        if number in self._by_number:
            return [one for one in found if self._fold(one.number) == number]
        return [one for one in found if len(one.number) != len(number)]

    def _near(self, pieces: list[_Piece]) -> Known | None:
        """The only one with a name but one character like it, or in the midst of it."""
        words = [piece.text for piece in pieces if piece.text.isalpha()][:2]
        written = [*words[:1], "".join(words)]
        near = {
            one
            for name, people in self._by_name.items()
            if len(name) >= _SHORTEST
            if any(name in word or _one_differs(word, name) for word in written)
            for one in people
        }
        only = near.pop() if len(near) == 1 else None
        return only if only and only.person_id is not None else None

    def _note(self, rest: str, number: str) -> str:
        """What was written behind the name, without the number."""
        if number and (word := _WORD.search(rest)) and self._fold(word[0]) == number:
            rest = rest[: word.start()] + rest[word.end() :]
        note = rest.strip(_AROUND).strip()
        return note if re.search(r"[^\W_]", note.removeprefix("+1")) else ""

    def _fold(self, text: str) -> str:
        plain = self._simplified(unicodedata.normalize("NFKC", text)).casefold()
        return re.sub(r"[\W_]", "", plain)


def _one_differs(one: str, other: str) -> bool:
    """Whether one character was changed, added or left out."""
    if abs(len(one) - len(other)) > 1 or one == other:
        return False
    same = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), None)
    if same is None:
        return True
    tails = one[same + 1 :], other[same + 1 :]
    return tails[0] == tails[1] or one[same:] == tails[1] or tails[0] == other[same:]
