"""Pushes through group robots, as text or markdown, no faster than the platform lets them speak."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain.delivery import Outcome, Push, Remedy
from bot.domain.messages import Notice
from bot.domain.pace import Pace
from bot.domain.paging import page
from bot.errors import PlatformRefused, PlatformSilent
from bot.platforms.calls import outcome_of
from bot.platforms.group_robot import endpoints
from bot.platforms.group_robot.client import Robot
from bot.platforms.wecom_errcodes import remedy_of

# 20 messages a minute (path/91770). What is sent 60 s apart may arrive closer together.
LIMITS = ((20, timedelta(seconds=65)),)
# Of one robot; the others go on.
_OWN = {Remedy.FREQUENCY: Remedy.RETRY, Remedy.CONFIGURATION: Remedy.RECIPIENT}
_TOO_FAST = Outcome(Remedy.RETRY, reason="this robot has said as much as it may in a minute")
# Where words begin to mean something to the platform: somebody is called; and in markdown, a line
# is a heading or a quote, something is bold, coloured or a link. (Code does no harm.)
_CALLS = re.compile(r"(?<=<)(?=@)")
_MARKUP = re.compile(r"(?m)^(?=\s*[#>])|(?<=\*)|(?<=\])(?=\()|(?<=<)(?=[@/f])")
_BREAK = "\u200b"


class GroupRobotTransport:
    """A Transport; a push's address is a robot's name. `more` is the line under a text that goes
    on, with {page} and {pages}: of a long notice the first page is sent.
    """

    def __init__(self, robots: Mapping[str, Robot], more: str, now: Callable[[], datetime]) -> None:
        self._robots = robots
        self._more = more
        self._now = now
        self._pace = Pace(LIMITS)

    def send(self, push: Push) -> Outcome:
        """RETRY without a call when the robot has said 20 messages within a minute, and RECIPIENT
        for one that there is not (any more): it is this robot's trouble and no other's.
        """
        robot = self._robots.get(push.address)
        if robot is None:
            return Outcome(Remedy.RECIPIENT, reason="no robot of that name is configured")
        if not self._pace.take(push.address, self._now()):
            return _TOO_FAST
        try:
            if push.notice.title:
                endpoints.send_markdown(robot, self._markdown(push.notice))
            else:
                endpoints.send_text(robot, self._text(push.notice))
        except PlatformRefused as refused:
            remedy = _OWN.get(remedy_of(refused.code), remedy_of(refused.code))
            return Outcome(remedy, refused.code, str(refused))
        except PlatformSilent as silent:
            return outcome_of(silent)
        return Outcome(Remedy.DONE)

    def busy_until(self, conversation: str, now: datetime) -> datetime | None:
        """When the robot of this name can say another message; None for at once."""
        free = self._pace.next_free(conversation, now)
        return free if free > now else None

    def _markdown(self, notice: Notice) -> str:
        safe = _without(_MARKUP, notice)
        lines = list(safe.lines)
        if safe.link:
            lines.append(f"[{safe.link.label}]({safe.link.url})")
        marked = replace(safe, title=f"**{safe.title}**", lines=tuple(lines), link=None)
        return page(marked, 0, endpoints.MARKDOWN_LIMIT, self._more)

    def _text(self, notice: Notice) -> str:
        safe = _without(_CALLS, notice)
        lines = list(safe.lines)
        if safe.link:
            lines.append(f"{safe.link.label}：{safe.link.url}")
        bare = replace(safe, lines=tuple(lines), link=None)
        return page(bare, 0, endpoints.TEXT_LIMIT, self._more)


def _without(meaning: re.Pattern[str], notice: Notice) -> Notice:
    """The notice with nothing in its words that means something to the platform. A group can
    answer no menu; what it offers is there to read.
    """

    def said(text: str) -> str:
        return meaning.sub(_BREAK, text)

    lines = [*notice.lines, *(f"{option.send} {option.label}" for option in notice.options)]
    return replace(
        notice,
        title=said(notice.title),
        lines=tuple(said(line) for line in lines),
        source=said(notice.source),
        link=notice.link and replace(notice.link, label=said(notice.link.label)),
        options=(),
    )
