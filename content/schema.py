"""The shape of a pack's files; unknown keys are refused so that a typo is found."""

import re
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

_TIME = re.compile(r"\+\d+[smhd]")
_CAPTURE = re.compile(r"([A-Z]+)=(.+)")


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Turn(Strict):
    """One message of a dialogue and what its answer must hold; in a file a list of texts.

    ["成员01", "打卡", "打卡成功", "!出错"]: who, what, then parts of the answer; after ! a part
    that it must not have. With no part nothing may be answered. "M=(\\d+) 号" keeps what the
    pattern finds for later turns, as {M}. ["+1d"] lets time pass (s, m, h, d).

    What is sent is a text, or "<image>", "<voice>", "<voice:the words heard>", or an event such
    as "<subscribe>".
    """

    who: str = ""
    send: str = ""
    at: str = ""
    expect: tuple[str, ...] = ()
    reject: tuple[str, ...] = ()
    capture: dict[str, str] = {}

    @model_validator(mode="before")
    @classmethod
    def _from_list(cls, value: Any) -> Any:
        if not isinstance(value, list):
            return value
        if not value or not all(isinstance(part, str) for part in value):
            raise ValueError("a turn is a list of texts")
        if len(value) == 1:
            if not _TIME.fullmatch(value[0]):
                raise ValueError("a turn of one text is a time such as +1d")
            return {"at": value[0]}
        who, send, *parts = value
        captures = [match for part in parts if (match := _CAPTURE.fullmatch(part))]
        plain = [part for part in parts if not _CAPTURE.fullmatch(part)]
        return {
            "who": who,
            "send": send,
            "expect": [part for part in plain if not part.startswith("!")],
            "reject": [part[1:] for part in plain if part.startswith("!")],
            "capture": {match[1]: match[2] for match in captures},
        }


class RosterLine(Strict):
    name: str
    number: str | None = None
    roles: tuple[Literal["member", "mentor", "organiser"], ...] = ("member",)
    stage: str | None = None


class Dialogue(Strict):
    """A conversation as data: tests play it, `demo --play` shows it.

    `codes` names one-time codes by role, for {NAME} in what is sent; each line of `roster` is
    imported, and {its name} is its code. `communities` are added beside the first one.
    """

    title: str = Field(min_length=1)
    starts_at: str = Field(default="2026-11-23T09:00:00+08:00")
    in_demo: bool = False
    communities: tuple[str, ...] = ()
    codes: dict[str, Literal["member", "mentor", "organiser"]] = {}
    roster: tuple[RosterLine, ...] = ()
    turns: tuple[Turn, ...] = Field(min_length=1)


class DialogueFile(Strict):
    dialogue: tuple[Dialogue, ...] = Field(min_length=1)


class Lexicon(Strict):
    """Words that are no question: kind (thanks, greeting, farewell, silent) to its words."""

    courtesies: dict[Literal["thanks", "greeting", "farewell", "silent"], tuple[str, ...]] = {}
