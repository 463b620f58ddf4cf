"""The API of one self-built app, over real HTTP: its token, messages, and what is known of it.

Sources: developer.work.weixin.qq.com/document/path/91039 (access_token), 90236 (发送应用消息),
90227 (获取应用), 90454 (频率限制).
"""

import itertools
import json
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from bot.simulator.answers import Said, accepted
from bot.simulator.server import Request
from bot.simulator.wecom.host import Host, Rate, refused

_TOKEN_PATH = "/cgi-bin/gettoken"  # noqa: S105
_SEND = "/cgi-bin/message/send"
_AGENT = "/cgi-bin/agent/get"
_TOKEN_LIFE = timedelta(seconds=7200)
_MOST_MEMBERS = 1000
_TEXT_LIMIT = 2048
_INTERVAL, _LONGEST_INTERVAL = 1800, 4 * 3600
_BLOCKED_FOR = timedelta(minutes=1)
_TYPES = (
    "text", "image", "voice", "video", "file", "textcard", "news", "mpnews", "markdown",
    "miniprogram_notice", "template_card",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sent:
    """A message to one member. `fate`: it was shown, or it is the same as one shortly before, or
    one too many: nobody is told of the last two. `body` is the call's JSON; of a text that is too
    long the rest is cut off.
    """

    userid: str
    body: dict[str, Any]
    at: datetime
    fate: Literal["shown", "repeated", "dropped"]


@dataclass
class AppApi(Host):
    """`members`: None means that everybody is one; userids are the same in small letters.
    `unlicensed` may not be written to. `trusted` are the addresses that may call (可信IP), None
    lets everybody in; a token is given to all. `a_minute` is how many calls of message/send are
    answered, `most` what reaches one member.
    """

    corp_id: str
    agent_id: int
    secret: str
    members: set[str] | None = None
    unlicensed: set[str] = field(default_factory=set)
    trusted: tuple[str, ...] | None = None
    closed: bool = False
    a_minute: int = 10_000
    sent: list[Sent] = field(default_factory=list)
    most: tuple[Rate, ...] = field(
        default_factory=lambda: (Rate(30, timedelta(minutes=1)), Rate(1000, timedelta(hours=1)))
    )
    _token: tuple[str, datetime] | None = None
    _expired: set[str] = field(default_factory=set)
    _minute: tuple[datetime, int] | None = None
    _blocked_until: datetime | None = None
    _seen: dict[tuple[str, str], datetime] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def shown(self) -> list[tuple[str, str]]:
        """What members read: userid and text, oldest first."""
        return [
            (one.userid, one.body["text"]["content"]) for one in self.sent if one.fate == "shown"
        ]

    def is_spared(self, path: str) -> bool:
        return path == _TOKEN_PATH

    def revoke(self) -> None:
        self._token = None

    def answer(self, request: Request, body: dict[str, Any] | None) -> Said:
        now = self.clock.now()
        if request.path == _TOKEN_PATH:
            return self._give_token(request, now)
        if request.path not in (_SEND, _AGENT):
            return refused(40066, request)
        if code := self._caller_refusal(request, now):
            return refused(code, request)
        if request.path == _AGENT:
            return self._describe(request)
        if code := self._frequency_refusal(now) or self._body_refusal(body):
            return refused(code, request)
        return self._send(request, body or {}, now)

    def _give_token(self, request: Request, now: datetime) -> Said:
        """The same one until it ends."""
        for name, missing, wrong, right in (
            ("corpid", 41002, 40013, self.corp_id),
            ("corpsecret", 41004, 40001, self.secret),
        ):
            if request.query.get(name, "") != right:
                return refused(wrong if request.query.get(name) else missing, request)
        if self._token is None or now >= self._token[1]:
            if self._token:
                self._expired.add(self._token[0])
            self._token = secrets.token_urlsafe(64), now + _TOKEN_LIFE
        token, end = self._token
        return accepted(access_token=token, expires_in=int((end - now).total_seconds()))

    def _caller_refusal(self, request: Request, now: datetime) -> int:
        token = request.query.get("access_token", "")
        if not token:
            return 41001
        if self._token is None or token != self._token[0]:
            return 42001 if token in self._expired else 40014
        if now >= self._token[1]:
            return 42001
        return 60020 if self.trusted is not None and request.address not in self.trusted else 0

    def _describe(self, request: Request) -> Said:
        if request.query.get("agentid") != str(self.agent_id):
            return refused(301002, request)
        return accepted(agentid=self.agent_id, name="学伴", close=int(self.closed))

    def _frequency_refusal(self, now: datetime) -> int:
        """One call too many blocks the next minute as well."""
        if self._blocked_until and now < self._blocked_until:
            return 45009
        minute = now.replace(second=0, microsecond=0)
        count = self._minute[1] if self._minute and self._minute[0] == minute else 0
        if count >= self.a_minute:
            self._blocked_until = now + _BLOCKED_FOR
            return 45009
        self._minute = minute, count + 1
        return 0

    def _body_refusal(self, body: Mapping[str, Any] | None) -> int:
        if body is None:
            return 40058
        if "agentid" not in body:
            return 41011
        if body["agentid"] != self.agent_id:
            return 301002
        if self.closed:
            return 50003
        type = body.get("msgtype")
        content = body.get(type) if type in _TYPES else None
        if not isinstance(content, dict):
            return 40008
        if type in ("text", "markdown") and not content.get("content"):
            return 44004
        touser = body.get("touser")
        if not isinstance(touser, str) or not touser:
            return 40063
        return 40032 if len(touser.split("|")) > _MOST_MEMBERS else 0

    def _send(self, request: Request, body: dict[str, Any], now: datetime) -> Said:
        userids = (
            sorted(self.members or ()) if body["touser"] == "@all" else body["touser"].split("|")
        )
        known = None if self.members is None else {userid.lower() for userid in self.members}
        unlicensed = {userid.lower() for userid in self.unlicensed}
        invalid = [one.lower() for one in userids if known is not None and one.lower() not in known]
        closed = [one.lower() for one in userids if one.lower() in unlicensed]
        reached = [one for one in userids if one.lower() not in {*invalid, *closed}]
        lists = {"invaliduser": "|".join(invalid), "unlicenseduser": "|".join(closed)}
        more = {name: found for name, found in lists.items() if found}
        if not reached:
            return refused(81013, request, **more)
        cut = _cut(body)
        for userid in dict.fromkeys(reached):
            self.sent.append(Sent(userid, cut, now, self._fate(userid.lower(), body, now)))
        return accepted(msgid=f"msg{next(self._numbers)}", **more)

    def _fate(
        self, userid: str, body: Mapping[str, Any], now: datetime
    ) -> Literal["shown", "repeated", "dropped"]:
        said = json.dumps({body["msgtype"]: body[body["msgtype"]]}, sort_keys=True)
        before = self._seen.get((userid, said))
        seconds = min(int(body.get("duplicate_check_interval", _INTERVAL)), _LONGEST_INTERVAL)
        recent = before is not None and now - before < timedelta(seconds=seconds)
        if body.get("enable_duplicate_check") == 1 and recent:
            return "repeated"
        if not all(rate.has_room(userid, now) for rate in self.most):
            return "dropped"
        for rate in self.most:
            rate.take(userid, now)
        self._seen[userid, said] = now
        return "shown"


def _cut(body: dict[str, Any]) -> dict[str, Any]:
    """What is too long is not refused."""
    type = body["msgtype"]
    if type not in ("text", "markdown"):
        return body
    content = str(body[type]["content"]).encode(errors="replace")[:_TEXT_LIMIT]
    return {**body, type: {**body[type], "content": content.decode(errors="ignore")}}
