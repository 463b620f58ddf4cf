"""What a text is: a command, a number, a confirmation, a courtesy, or a question.

A word is a command only alone or with what the command takes; followed by a question
(打卡怎么撤回？) it is a question. Nothing here knows any feature: the words are handed in.
"""

import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Takes(StrEnum):
    """What may follow a command's word. ANYTHING: even a question, since it is read back.
    NUMBER: one and whatever follows it; ONE_NUMBER: a number alone; LIST: several lines, a number,
    or words after a space.
    """

    NOTHING = "nothing"
    TEXT = "text"
    ANYTHING = "anything"
    NUMBER = "number"
    ONE_NUMBER = "one number"
    LIST = "list"


class Kind(StrEnum):
    COMMAND = "command"
    NUMBER = "number"
    COURTESY = "courtesy"
    QUESTION = "question"


@dataclass(frozen=True, slots=True)
class Said:
    """`word` is the command's or the courtesy's; `argument` keeps the text as it was typed.

    `number` is the one that the argument begins with, `rest` what follows it.
    """

    kind: Kind
    word: str = ""
    argument: str = ""
    number: int | None = None
    rest: str = ""


_LEADING = re.compile(r"^\s*(?:[@＠]\S{1,20}\s+)?[\s/／#＃]*")
_TRAILING = re.compile(r"[\s。.!！~～,，…]+$")
_SEPARATOR = re.compile(r"[\s:：,，。.!！~～、]+")
_NUMBER = re.compile(r"(?:[#＃选第])?\s*(\d{1,9})\s*(?:[号个、)）.]|\ufe0f?\u20e3)?")
_NUMBERED = re.compile(r"[#＃]?\s*(\d{1,9})\s*(?:号(?:会议)?)?[\s:：,，、.]*")
_NAMED = re.compile(
    r"[#＃]?\s*(\d{1,9})(?:\s*号(?:会议)?|(?=[\s:：,，、]|\.(?!\d)|$))[\s:：,，、.]*"
)
_ASKS = re.compile(
    r"怎么|怎样|如何|什么|为啥|为何|为什么|多久|多少|几次|几天|几点|是否|能不能|能否|可不可以|要不要|有没有"
    r"|哪[里个些天儿]|谁|[?？]|吗$|呢$|么$|嘛$"
)
_ENDS_AS_QUESTION = re.compile(r"([?？]|[吗呢])[\s。.!！~～]*$")
_BEGINS_AS_QUESTION = re.compile(
    r"^(怎么|怎样|如何|多久|什么时候|能不能|能否|是否|可以补|可不可以)"
)
# After a command's word without a space these make a noun of it: 打卡规则 is no note.
_NOUNS = re.compile(
    r"^(规则|时间|记录|次数|制度|要求|方法|流程|说明|功能|系统|情况|排行|截止|失败|成功|机|的"
    r"|撤|取消|忘|错|没|不|补|几号|条(?![例款文])|单(?![词元选])|表(?![达扬演态示现])|手续|审批|理由|人数|名单"
    r"|申请|证明|天数|期限)"
)
# Several lines of which one begins with a number.
_ITEMS = re.compile(r"\n\s*\d")
_NOT_WORDS = re.compile(r"[^\w]|_", re.UNICODE)


def plain(text: str) -> str:
    """Half-width, one line, without a leading slash or closing marks; for comparing only."""
    wide = unicodedata.normalize("NFKC", text)
    return _TRAILING.sub("", _LEADING.sub("", wide)).strip()


def read(text: str, commands: Mapping[str, Takes], courtesies: Collection[str]) -> Said:
    """What the text is. `commands` maps each known word to what it takes."""
    bare = plain(text)
    if found := _NUMBER.fullmatch(bare):
        return Said(Kind.NUMBER, number=int(found[1]))
    if bare in commands:
        return Said(Kind.COMMAND, bare)
    if said := _with_argument(_LEADING.sub("", text).strip(), commands):
        return said
    core = _NOT_WORDS.sub("", bare).casefold()
    if not core or core in courtesies or re.fullmatch(r"(\[[^\[\]]{1,6}\]\s*)+", bare):
        return Said(Kind.COURTESY, core)
    return Said(Kind.QUESTION, argument=text.strip())


def numbered(argument: str) -> tuple[int | None, str]:
    """12 and what follows, from 12 …, #12 …, ＃12，… or 12号…; None when there is no number."""
    found = _NUMBERED.match(unicodedata.normalize("NFKC", argument))
    return (int(found[1]), argument[found.end() :].strip()) if found else (None, argument)


def named(argument: str) -> tuple[int | None, str]:
    """The number of something and what follows, as numbered(); but 3天 and 12月5日 name nothing."""
    found = _NAMED.match(unicodedata.normalize("NFKC", argument))
    return (int(found[1]), argument[found.end() :].strip()) if found else (None, argument)


def _with_argument(text: str, commands: Mapping[str, Takes]) -> Said | None:
    """The longest word that the text begins with, if what follows is what it takes."""
    for word in sorted(commands, key=len, reverse=True):
        if unicodedata.normalize("NFKC", text[: len(word)]) != word:
            continue
        rest = text[len(word) :]
        separator = _SEPARATOR.match(rest)
        argument = rest[separator.end() :].strip() if separator else rest.strip()
        if argument and _is_taken(argument, separator[0] if separator else "", commands[word]):
            number, after = numbered(argument)
            return Said(Kind.COMMAND, word, argument, number, after)
    return None


def _is_taken(argument: str, separator: str, takes: Takes) -> bool:
    match takes:
        case Takes.NOTHING:
            return False
        case Takes.ANYTHING:
            return bool(separator) or not (_ASKS.search(argument) or _NOUNS.match(argument))
        case Takes.NUMBER:
            return re.match(r"[#＃]?\s*[\d０-９]", argument) is not None
        case Takes.LIST:
            if _ITEMS.search(argument) or _NUMBERED.fullmatch(plain(argument)):
                return True
            asks = _ASKS.search(argument.splitlines()[0])
            return not asks and ("\n" in argument or bool(separator))
        case Takes.ONE_NUMBER:
            return _NUMBERED.fullmatch(plain(argument)) is not None
        case Takes.TEXT:
            if ":" in separator or "：" in separator:
                return True
            if separator:
                return not (
                    _ENDS_AS_QUESTION.search(argument) or _BEGINS_AS_QUESTION.match(argument)
                )
            return not (_ASKS.search(argument) or _NOUNS.match(argument))
