"""What the demo's people have done before it begins: said to the real bot, at its own time."""

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

from bot.bootstrap import Application
from bot.cli.play_wecom import BOT, link_group
from bot.domain.messages import Channel, InboundMessage, MessageType
from bot.domain.person import Role
from bot.domain.roster import RosterRow
from bot.services import access, community, person, roster
from bot.simulator.office import userid_of
from bot.simulator.world import Persona, openid_of
from content.loader import Library, Pack
from content.schema_play import DemoFile

_ZONE = ZoneInfo("Asia/Shanghai")
_DAYS = 21
# A day on which half of them check in is a good one.
_LIKELY = (0.6, 0.3, 0.9, 0.4, 0.2, 0.15)
_PLACE = re.compile(r"\{([+-]\d+|month|next_month)\}")

# When, who, what.
Said = tuple[datetime, str, str]


def personas_of(demo: DemoFile) -> tuple[Persona, ...]:
    """Who can be played; the others of the community are there all the same."""
    return (
        Persona("成员01", "成员", "问问题、打卡"),
        Persona("成员02", "成员", "提问，等导师回答"),
        Persona("成员03", "成员", "打卡、看会议"),
        Persona(demo.mentor, "导师", "发 待答"),
        Persona(demo.organiser, "组织者", "发 待办、安排、开会"),
        Persona(demo.newcomer, "新同学", "还没关注，从这里看第一步", following=False),
    )


def knowing_nothing(library: Library) -> Library:
    """The same packs without what takes seconds to learn: nobody asks anything in the past."""
    return Library({name: _bare(pack) for name, pack in library.packs.items()})


def _bare(pack: Pack) -> Pack:
    questions = pack.questions
    knowledge = replace(questions.knowledge, entries={})
    return replace(pack, questions=replace(questions, examples={}, knowledge=knowledge))


def members_of(demo: DemoFile) -> list[str]:
    return [f"成员{number:02}" for number in range(1, demo.members + 1)]


def live_through(
    application: Application, demo: DemoFile, account: str, now: datetime
) -> dict[str, datetime]:
    """Everything that they have said, in the order of time: when each has last written."""
    lines = sorted(_everything(demo, _codes(application, demo, now), now), key=lambda said: said[0])
    last: dict[str, InboundMessage] = {}
    for number, (at, who, text) in enumerate(lines):
        message = InboundMessage(
            channel=Channel.OFFICIAL_ACCOUNT, account=account, key=b"demo" + number.to_bytes(28),
            sender=openid_of(who), conversation=openid_of(who), type=MessageType.TEXT,
            sent_at=at, text=text,
        )  # fmt: skip
        application.dispatcher.dispatch(message, at)
        last[who] = message
    _bind_in_wecom(application, last, now)
    return {message.sender: message.sent_at for message in last.values()}


def _bind_in_wecom(
    application: Application, last: Mapping[str, InboundMessage], now: datetime
) -> None:
    """The community has a group, and everybody there is who they are for the official account."""
    with application.database.begin() as session:
        link_group(session, community.oldest(session).id, now)
        for who, message in last.items():
            known = person.known(session, message)
            second = replace(
                message, channel=Channel.WECOM_BOT, account=BOT.id, sender=userid_of(who)
            )
            if known is not None:
                person.attach(session, second, known, now)


def _codes(application: Application, demo: DemoFile, now: datetime) -> dict[str, str]:
    """Who has which code: the members' from the roster, the others' for their role."""
    begun = now - timedelta(days=_DAYS + 1)
    with application.database.begin() as session:
        home = community.oldest(session)
        stages = demo.stages or (None,)
        rows = [
            RosterRow(name, f"2026{number:03}", ("member",), stages[number % len(stages)])
            for number, name in enumerate(members_of(demo), start=1)
        ]
        roster.apply(session, home.id, rows, "demo", begun)
        codes = {name: code for name, _, code in roster.new_codes(session, home.id)}
        codes[demo.organiser] = access.issue_code(session, home.id, Role.ORGANISER, begun)
        codes[demo.mentor] = access.issue_code(session, home.id, Role.MENTOR, begun)
    return codes


def _everything(demo: DemoFile, codes: dict[str, str], now: datetime) -> Iterator[Said]:
    today = now.astimezone(_ZONE).date()
    for number, (who, code) in enumerate(codes.items()):
        at = _moment(today - timedelta(days=_DAYS + 1), time(9, 0)) + timedelta(minutes=number)
        yield at, who, f"绑定 {code}"
        yield at + timedelta(seconds=20), who, "1"
    yield from _check_ins(demo, today, now)
    for turn in demo.past:
        day = today - timedelta(days=turn.days)
        for number, text in enumerate(turn.say):
            at = _moment(day, time.fromisoformat(turn.at)) + timedelta(seconds=30 * number)
            if at < now:
                yield at, turn.who, _dated(text, today)
    # Nothing of all that is news to them when the demo begins.
    for number, who in enumerate(codes):
        evening = _moment(today - timedelta(days=1), time(21, 30))
        yield evening + timedelta(seconds=number), who, "收件箱"


def _check_ins(demo: DemoFile, today: date, now: datetime) -> Iterator[Said]:
    dice, notes = Random(33), itertools.cycle(demo.notes)  # noqa: S311
    for index, who in enumerate(members_of(demo)):
        for days in range(_DAYS, -1, -1):
            minute = dice.randrange(7 * 60, 22 * 60)
            if dice.random() > _LIKELY[index % len(_LIKELY)]:
                continue
            at = _moment(today - timedelta(days=days), time(minute // 60, minute % 60))
            # Today's are left to whoever tries it.
            if days and at < now:
                yield at, who, f"打卡 {next(notes)}".strip()


def _moment(day: date, at: time) -> datetime:
    return datetime.combine(day, at, _ZONE)


def _dated(text: str, day: date) -> str:
    def place(found: re.Match[str]) -> str:
        if found[1] == "month":
            return f"{day.month}月"
        if found[1] == "next_month":
            return f"{day.month % 12 + 1}月"
        then = day + timedelta(days=int(found[1]))
        return f"{then.month}月{then.day}日"

    return _PLACE.sub(place, text)
