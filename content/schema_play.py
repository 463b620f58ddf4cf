"""The shape of what is played: dialogues, and what the demo shows."""

import re
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, model_validator

from content.schema import Strict

_TIME = re.compile(r"\+\d+[smhd]")
_CAPTURE = re.compile(r"([A-Z]+)=(.+)")
# Where somebody speaks, as it stands behind their name: 成员01（群）.
Place = Literal["account", "wecom", "group", "other_group"]
_PLACES: Mapping[str, Place] = {"企微": "wecom", "群": "group", "外群": "other_group"}
_WHO = re.compile(rf"(.+)（({'|'.join(_PLACES)})）")


class Turn(Strict):
    """One message of a dialogue and what its answer must hold; in a file a list of texts.

    ["成员01", "打卡", "打卡成功", "!出错"]: who, what, then parts of the answer; after ! a part
    that it must not have. With no part nothing may be answered. "M=(\\d+) 号" keeps what the
    pattern finds for later turns, as {M}. ["+1d"] lets time pass (s, m, h, d).

    What is sent is a text, or "<image>", "<voice>", "<voice:the words heard>", or an event such
    as "<subscribe>" or "<CLICK:the button's key>".

    It goes to the official account; behind the name may stand where else: 成员01（企微） is the
    chat with the WeCom bot, （群） a group of the first community, （外群） one that the bot knows
    nothing of. There "<tap:1>" taps button 1 of the bot's last card, and "<image:words>" is a
    picture with words.
    """

    who: str = ""
    place: Place = "account"
    send: str = ""
    at: str = ""
    expect: tuple[str, ...] = ()
    reject: tuple[str, ...] = ()
    capture: dict[str, str] = Field(default={})

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
        placed = _WHO.fullmatch(who)
        captures = [match for part in parts if (match := _CAPTURE.fullmatch(part))]
        plain = [part for part in parts if not _CAPTURE.fullmatch(part)]
        return {
            "who": placed[1] if placed else who,
            "place": _PLACES[placed[2]] if placed else "account",
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
    codes: dict[str, Literal["member", "mentor", "organiser"]] = Field(default={})
    roster: tuple[RosterLine, ...] = ()
    turns: tuple[Turn, ...] = Field(min_length=1)

    @property
    def in_wecom(self) -> bool:
        """Whether any of it happens in WeCom."""
        return any(turn.place != "account" for turn in self.turns)


class PastTurn(Strict):
    """What somebody said some days before the demo's day, at an hour."""

    days: int = Field(ge=0, le=60)
    at: str = Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")
    who: str
    say: tuple[str, ...] = Field(min_length=1)


class TourStep(Strict):
    """One click of the demo's tour. A turn that sends nothing waits for what is expected."""

    title: str = Field(min_length=1, max_length=12)
    text: str
    done: str
    kind: Literal["subscription", "service"] = "service"
    verified: bool = True
    until: str = Field(default="", pattern=r"^(([1-9]|1\d|2[0-8]) ([01]\d|2[0-3]):[0-5]\d)?$")
    turns: tuple[Turn, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _in_the_one_group(self) -> "TourStep":
        if any(turn.place == "other_group" for turn in self.turns):
            raise ValueError(f"{self.title}: the tour has one group only")
        return self


class DemoFile(Strict):
    """Made-up people and what they have done; `members` is how many, 成员01 and so on.

    `community` and `group` are what theirs are called, `question` is one to try first, and the
    roster gives each member one of the `stages` in turn.
    """

    community: str = Field(min_length=1)
    group: str = Field(min_length=1)
    question: str = Field(min_length=1)
    stages: tuple[str, ...] = ()
    organiser: str
    mentor: str
    newcomer: str
    members: int = Field(ge=1, le=99)
    notes: tuple[str, ...] = Field(min_length=1)
    past: tuple[PastTurn, ...] = ()
    tour: tuple[TourStep, ...] = ()


class DialogueFile(Strict):
    dialogue: tuple[Dialogue, ...] = Field(min_length=1)
