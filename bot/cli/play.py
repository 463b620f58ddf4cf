"""Plays a dialogue through the sandbox and tells it as a member would read it."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from hashlib import sha256

from bot.errors import SandboxProblem
from bot.simulator.official_account import Answer, Platform
from content.schema import Dialogue, Turn

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_EVENT = re.compile(r"<(\w+)>")


def openid_of(who: str) -> str:
    """An openid of the platform's form, the same for the same name."""
    return "o" + sha256(who.encode()).hexdigest()[:27]


def step_of(at: str) -> timedelta:
    return timedelta(**{_UNITS[at[-1]]: int(at[1:-1])}) if at else timedelta()


def send(platform: Platform, turn: Turn) -> Answer:
    event = _EVENT.fullmatch(turn.send)
    if event:
        return platform.event(openid_of(turn.who), event[1])
    return platform.text(openid_of(turn.who), turn.send)


def play(
    platform: Platform, dialogue: Dialogue, forward: Callable[[timedelta], None]
) -> Iterator[str]:
    """The lines of the conversation. Raises SandboxProblem for an answer that is not as told."""
    for turn in dialogue.turns:
        if turn.at:
            forward(step_of(turn.at))
            yield f"      （{turn.at[1:]} 后）"
        answer = send(platform, turn)
        yield f"{turn.who}：{turn.send}"
        check(turn, answer)
        for index, line in enumerate(answer.text.splitlines()):
            yield f"{'  学伴：' if index == 0 else '        '}{line}"


def check(turn: Turn, answer: Answer) -> None:
    """Raise SandboxProblem unless the answer holds what the turn expects, and nothing it bars."""
    missing = [text for text in turn.expect if text not in answer.text]
    barred = [text for text in turn.reject if text in answer.text]
    if missing or barred or (not turn.expect and answer.text):
        raise SandboxProblem(
            f"{turn.who} sent {turn.send!r} and got {answer.text!r}; "
            f"missing: {missing}, not allowed: {barred}"
        )
