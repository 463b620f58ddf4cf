"""People who write to the bot, at the dispatcher."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from sqlalchemy import String, cast, func, select

from bot.bootstrap import Application
from bot.domain.messages import Channel, InboundMessage, MessageType
from bot.domain.person import Role
from bot.services import access
from bot.storage.models import Base

ACCOUNT = "gh_1"


class Member:
    """Somebody who writes, at the dispatcher: in private, or in a group."""

    _next = 0

    def __init__(
        self,
        application: Application,
        openid: str,
        group: str = "",
        channel: Channel = Channel.OFFICIAL_ACCOUNT,
    ) -> None:
        self.application = application
        self.openid = openid
        self.group = group
        self.channel = channel

    def message(self, text: str) -> InboundMessage:
        Member._next += 1
        return InboundMessage(
            channel=self.channel,
            account=ACCOUNT,
            key=Member._next.to_bytes(32),
            sender=self.openid,
            conversation=self.group or self.openid,
            type=MessageType.TEXT,
            sent_at=self.application.clock.now(),
            text=text,
            in_group=bool(self.group),
        )

    def event(self, name: str) -> None:
        message = replace(self.message(""), type=MessageType.EVENT, event=name)
        self.application.dispatcher.dispatch(message, self.application.clock.now())

    def say(self, text: str) -> str:
        now = self.application.clock.now()
        reply = self.application.dispatcher.dispatch(self.message(text), now).reply
        if reply.notice is None:
            return ""
        options = [f"{option.send} {option.label}" for option in reply.notice.options]
        return "\n".join([reply.notice.title, *reply.notice.lines, *options, *reply.riders])


def code_in(said: str) -> str:
    """The code that a reply shows."""
    found = re.search(r"绑定 ([A-Z2-9]{8})", said)
    assert found, said
    return found[1]


def rows(application: Application, model: type[Base]) -> int:
    with application.database.read() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def organiser(application: Application, openid: str) -> Member:
    return _with_role(application, openid, Role.ORGANISER, "组织者")


def mentor(application: Application, openid: str) -> Member:
    return _with_role(application, openid, Role.MENTOR, "导师")


def _with_role(application: Application, openid: str, role: Role, word: str) -> Member:
    with application.database.begin() as session:
        code = access.issue_code(session, 1, role, application.clock.now())
    member = Member(application, openid)
    member.say(f"绑定 {code}")
    assert word in member.say("1")
    return member


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(call) for call in calls]]


def held(application: Application, *words: str) -> set[str]:
    """Tables that hold one of these words anywhere."""
    with application.database.read() as session:
        return {
            table.name
            for table in Base.metadata.tables.values()
            for column in table.c
            for word in words
            if session.execute(
                select(column).where(cast(column, String).contains(word)).limit(1)
            ).first()
        }
