"""Plays a dialogue through the sandbox and tells it as a member would read it."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta

from bot.cli.play_wecom import WecomChats, link_group
from bot.domain.person import Role
from bot.domain.roster import RosterRow
from bot.errors import SandboxProblem
from bot.services import access, community, roster
from bot.services.community import CommunitySettings
from bot.simulator.official_account import Platform
from bot.simulator.world import openid_of
from bot.storage.session import Database
from content.schema_play import Dialogue, Place, Turn

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_SPECIAL = re.compile(r"<(\w+)(?::(.*))?>")
_NAME = re.compile(r"\{([^{}]+)\}")
_PLACES: Mapping[Place, str] = {
    "account": "", "wecom": "（企微）", "group": "（群）", "other_group": "（外群）",
}  # fmt: skip


def step_of(at: str) -> timedelta:
    return timedelta(**{_UNITS[at[-1]]: int(at[1:-1])})


def prepare(
    database: Database, dialogue: Dialogue, settings: CommunitySettings, now: datetime
) -> dict[str, str]:
    """Set up what the dialogue needs; its names for {NAME} with their codes."""
    names: dict[str, str] = {}
    with database.begin() as session:
        home = community.oldest(session)
        packs = (settings.pack,)
        for name in dialogue.communities:
            community.add(session, name, settings, now, packs=packs)
        for name, role in dialogue.codes.items():
            names[name] = access.issue_code(session, home.id, Role(role), now)
        rows = [
            RosterRow(line.name, line.number, line.roles, line.stage) for line in dialogue.roster
        ]
        roster.apply(session, home.id, rows, "dialogue", now)
        if dialogue.in_wecom:
            link_group(session, home.id, now)
        for name, _, code in roster.new_codes(session, home.id):
            names[name] = code
    return names


def send(platform: Platform, who: str, text: str) -> str:
    """What the official account says to it."""
    openid = openid_of(who)
    special = _SPECIAL.fullmatch(text)
    if special is None:
        return platform.text(openid, text).text
    if special[1] in ("image", "voice"):
        return platform.media(openid, special[1], special[2] or "").text
    return platform.event(openid, special[1], special[2] or "").text


def play(
    platform: Platform,
    dialogue: Dialogue,
    forward: Callable[[timedelta], None],
    names: Mapping[str, str],
    wecom: WecomChats | None = None,
) -> Iterator[str]:
    """The lines of the conversation. Raises SandboxProblem for an answer that is not as told, or
    for a turn in WeCom without `wecom`.
    """
    known = dict(names)
    for turn in dialogue.turns:
        if turn.at:
            forward(step_of(turn.at))
            yield f"      （{_passed(turn.at)}）"
            continue
        text = _filled(turn.send, known)
        if turn.place == "account":
            answer = send(platform, turn.who, text)
        elif wecom is None:
            raise SandboxProblem("there is no WeCom here")
        else:
            answer = wecom.send(turn.place, turn.who, text)
        yield f"{turn.who}{_PLACES[turn.place]}：{text}"
        check(turn, text, answer, known)
        for index, line in enumerate(answer.splitlines()):
            yield f"{'  学伴：' if index == 0 else '        '}{line}"


def _filled(text: str, known: Mapping[str, str]) -> str:
    return _NAME.sub(lambda found: known.get(found[1], found[0]), text)


def _passed(at: str) -> str:
    unit = {"s": "秒", "m": "分钟", "h": "小时", "d": "天"}[at[-1]]
    return f"过了 {at[1:-1]} {unit}"


def check(turn: Turn, sent: str, answer: str, known: dict[str, str]) -> None:
    """Raise SandboxProblem unless the answer holds what the turn expects, and nothing it bars."""
    expected = [_filled(part, known) for part in turn.expect]
    missing = [part for part in expected if part not in answer]
    barred = [part for part in turn.reject if part in answer]
    for name, pattern in turn.capture.items():
        if found := re.search(pattern, answer):
            known[name] = found[1]
        else:
            missing.append(pattern)
    silent = not (turn.expect or turn.capture or turn.reject)
    if missing or barred or (silent and answer):
        raise SandboxProblem(
            f"{turn.who} sent {sent!r} and got {answer!r}; "
            f"missing: {missing}, not allowed: {barred}"
        )
