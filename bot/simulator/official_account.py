"""Plays the platform for one official account: pushes messages, checks and shows the replies."""

import itertools
import secrets
from collections.abc import Mapping
from dataclasses import replace
from http.client import HTTPException
from typing import Any

from bot.clock import Clock, elapsed
from bot.errors import SandboxProblem
from bot.simulator.caller import Caller
from bot.simulator.envelope import Account, Envelope, Format, Mode
from bot.simulator.push_faults import KeptBack, PushFaults
from bot.simulator.replies import UNAVAILABLE, Answer, Article, read
from bot.simulator.watching import NOBODY, Attempt, Push, Watcher

__all__ = [
    "UNAVAILABLE",
    "Account",
    "Answer",
    "Article",
    "Format",
    "Mode",
    "Platform",
    "PushFaults",
]

_SECONDS = 5.0
_KEPT_BACK_SECONDS = 3.0


class Platform:
    """Pushes for one account. Every attempt is signed anew; no answer in `seconds` is tried again.
    Several threads may push.

    `strict` raises for a reply that the platform would refuse, otherwise the member sees
    UNAVAILABLE, as on a phone. `mode`, `format`, `attempts`, `strict`, `watch` and `faults` may be
    changed at any time.
    """

    # What a member sees when the bot does not answer as it should.
    unavailable = UNAVAILABLE

    def __init__(
        self, account: Account, clock: Clock, *, mode: Mode = "safe", format: Format = "xml",
        attempts: int = 3, strict: bool = True, watch: Watcher = NOBODY,
        faults: PushFaults | None = None, seconds: float = _SECONDS,
    ) -> None:  # fmt: skip
        self._account = account
        self.mode: Mode = mode
        self.format: Format = format
        self.attempts = attempts
        self.strict = strict
        self.watch = watch
        self.faults = faults or PushFaults()
        self._clock = clock
        self._caller = Caller(account.callback, seconds)
        self._kept_back = KeptBack()
        self._ids = itertools.count(secrets.randbelow(10**15) * 1000)

    @property
    def account(self) -> Account:
        return self._account

    def text(self, openid: str, content: str) -> Answer:
        """A member sends a text."""
        return self.push(openid, {"MsgType": "text", "Content": content, "MsgId": self.new_id()})

    def media(self, openid: str, type: str, recognised: str = "", media_id: str = "") -> Answer:
        """A picture, or a voice with the words that the platform recognised in it. `media_id` is
        what Api.receive gave for the file itself.
        """
        media_id = media_id or secrets.token_hex(16)
        fields = {"MsgType": type, "MediaId": media_id, "MsgId": self.new_id()}
        if type == "image":
            fields["PicUrl"] = "http://mmbiz.qpic.cn/sandbox"
        else:
            fields |= {"Format": "amr", "Recognition": recognised}
        return self.push(openid, fields)

    def event(self, openid: str, name: str, key: str = "", **more: Any) -> Answer:
        """`more` are the event's own fields, like MsgID and Status."""
        return self.push(openid, {"MsgType": "event", "Event": name, "EventKey": key, **more})

    def tell(self, event: Mapping[str, Any]) -> Answer:
        """One of Api.events: what became of a message."""
        return self.push(str(event["FromUserName"]), event)

    def new_id(self) -> str:
        return str(next(self._ids))

    def request(self, openid: str, message: Mapping[str, Any]) -> tuple[dict[str, str], bytes]:
        """One attempt's query and body, with a timestamp and a nonce of its own."""
        return self.envelope().seal(openid, message, self._clock.now())

    def push(self, openid: str, fields: Mapping[str, Any]) -> Answer:
        """Send one message until it is answered; fields may be nested.

        Without an answer it is UNAVAILABLE. Raises SandboxProblem for a wrong reply if strict.
        """
        message: dict[str, Any] = {
            "ToUserName": self._account.id,
            "FromUserName": openid,
            "CreateTime": str(int(self._clock.now().timestamp())),
            **fields,
        }
        faults = self.faults
        kept_back = faults.happens(faults.reorder)
        if kept_back:
            self._kept_back.wait(openid, _KEPT_BACK_SECONDS)
        answer, attempts = self._until_answered(openid, message)
        if not kept_back:
            self._kept_back.through(openid)
        if not answer.problem and faults.happens(faults.duplicate):
            attempts.append(self._attempt(openid, message)[0])
        self.watch.attempted(Push(openid, _what(message), message, tuple(attempts)))
        if self.strict and answer.problem and attempts[-1].status == 200:
            raise SandboxProblem(answer.problem)
        return answer

    def _until_answered(
        self, openid: str, message: Mapping[str, Any]
    ) -> tuple[Answer, list[Attempt]]:
        attempts: list[Attempt] = []
        answer: Answer | None = None
        while answer is None and len(attempts) < self.attempts:
            attempt, answer = self._attempt(openid, message)
            attempts.append(attempt)
        answer = answer or Answer(self.unavailable, problem=attempts[-1].problem)
        return replace(answer, attempts=len(attempts)), attempts

    def _attempt(self, openid: str, message: Mapping[str, Any]) -> tuple[Attempt, Answer | None]:
        """The answer is None when the platform would try again."""
        envelope, at = self.envelope(), self._clock.now()
        query, body = envelope.seal(openid, message, at)
        status, reply, problem, plain = 0, b"", "", ""
        answer: Answer | None = None
        begun = elapsed()
        try:
            status, reply = self._caller.post(query, body, envelope.content_type)
            if status != 200:
                problem = f"机器人回答了 HTTP {status}"
            elif reply in (b"", b"success"):
                plain, answer = reply.decode(), Answer("")
            else:
                opened = envelope.open(reply)
                plain = opened.plain
                answer = read(opened, message)
        except TimeoutError:
            problem = f"机器人 {self._caller.seconds:g} 秒内没有答完"
        except (OSError, HTTPException) as error:
            problem = f"机器人没有回答：{str(error) or type(error).__name__}"
        except SandboxProblem as wrong:
            problem = str(wrong)
            answer = Answer(self.unavailable, problem=problem)
        attempt = Attempt(
            at=at,
            milliseconds=round((elapsed() - begun) * 1000),
            query=query,
            plain=envelope.plain(message).decode(),
            body=body.decode(),
            status=status,
            reply_body=reply.decode(errors="replace"),
            reply_plain=plain,
            problem=problem,
        )
        return attempt, answer

    def envelope(self) -> Envelope:
        """How the next message travels."""
        return Envelope(self._account, self.mode, self.format)


def _what(message: Mapping[str, Any]) -> str:
    type = str(message.get("MsgType", ""))
    named = message.get("Event") or message.get("Content") or message.get("Recognition") or ""
    return f"{type} {named}".strip()
