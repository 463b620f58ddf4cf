"""The platform's end of the callback: pushes what people do, reads the replies, asks how streams
go on.

Sources: developer.work.weixin.qq.com/document/path/100719, 101027, 101031, 101033.
"""

import base64
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any

from bot import clock
from bot.clock import elapsed
from bot.errors import SandboxProblem
from bot.simulator.caller import Caller
from bot.simulator.push_faults import KeptBack, PushFaults
from bot.simulator.server import Request, Response, serving
from bot.simulator.wecom import envelope, limits, masking, replies, responses
from bot.simulator.wecom.enterprise import Enterprise
from bot.simulator.wecom.exchange import Exchange
from bot.simulator.wecom.files import Files
from bot.simulator.wecom.people import Line
from bot.simulator.wecom.responses import Responses
from bot.simulator.wecom.watching import Traffic

_KEPT_BACK_SECONDS = 3.0
_VERIFYING_SECONDS = 1.0
# Messages of one member that may wait for an answer (概述 of the replies, path/101031).
AT_ONCE = 3
# What a poll shares with the message.
_HEAD = ("aibotid", "chatid", "chattype", "from")


@dataclass
class CallbackFaults(PushFaults):
    """lost: the bot has answered, and the answer does not arrive: the message is sent again."""

    lost: float = 0.0


class Callback(Line):
    """Every request is signed anew. Without an answer in `seconds` it is sent again with the same
    msgid, `attempts` in all (how often the real one does is not documented). An unfinished stream
    is asked for every `poll_seconds` (not documented either) with `pause` in between.

    `attempts`, `poll_seconds`, `pause` and `faults` may be changed at any time, and several threads
    may use it.
    """

    def __init__(
        self, enterprise: Enterprise, url: str, *, seconds: float = 5.0, attempts: int = 3,
        poll_seconds: float = 1.0, pause: Callable[[float], None] = clock.pause,
        faults: CallbackFaults | None = None,
    ) -> None:  # fmt: skip
        self.enterprise = enterprise
        self.attempts, self.poll_seconds, self.pause = attempts, poll_seconds, pause
        self.faults = faults or CallbackFaults()
        self.files = Files(enterprise.clock)
        self.responses = Responses(enterprise)
        self._caller = Caller(url, seconds)
        self._verifier = Caller(url, _VERIFYING_SECONDS)
        self._kept_back = KeptBack()
        self._closed = False

    @property
    def seconds(self) -> float:
        """What the bot has for an answer."""
        return self._caller.seconds

    def verify(self) -> None:
        """What the platform does when the address is entered. Raises SandboxProblem."""
        bot, echo = self.enterprise.bot, str(secrets.randbelow(10**19))
        encrypted = envelope.encrypt(bot, echo)
        query = envelope.query_of(bot, encrypted, self.enterprise.clock.now())
        try:
            status, body = self._verifier.get({**query, "echostr": encrypted})
        except (OSError, HTTPException) as error:
            raise SandboxProblem(f"验证没有回答：{type(error).__name__}") from error
        if status != 200 or body != echo.encode():
            raise SandboxProblem(f"验证的回答不对（HTTP {status}）")

    def close(self) -> None:
        """No stream is asked for any more."""
        self._closed = True

    def answer(self, request: Request) -> Response:
        """What the bot calls: files, and the addresses for another answer."""
        if request.path == responses.PATH:
            return self.responses.answer(request)
        return self.files.answer(request)

    # Line

    def admit(self, userid: str, /) -> None:
        if self.enterprise.under_way(userid) >= AT_ONCE:
            raise SandboxProblem(f"同时最多有 {AT_ONCE} 条消息等机器人回答")

    def file(self, content: bytes, /) -> dict[str, str]:
        key = base64.b64decode(self.enterprise.bot.encoding_aes_key + "=")
        return {"url": self.files.store(content, key)}

    def deliver(self, exchange: Exchange, /) -> None:
        fields = {"msgid": exchange.id, **exchange.body}
        if exchange.kind in ("message", "card"):
            fields["response_url"] = self.responses.url_for(exchange)
        kept_back = self.faults.happens(self.faults.reorder)
        if kept_back:
            self._kept_back.wait(exchange.sender, _KEPT_BACK_SECONDS)
        reply, problem = self._until_answered(exchange, fields)
        if not kept_back:
            self._kept_back.through(exchange.sender)
        if reply is None:
            exchange.end(problem)
            return
        try:
            self._show(exchange, reply)
            if self.faults.happens(self.faults.duplicate):
                self._attempt(exchange, fields)
            self._follow(exchange)
        except SandboxProblem as wrong:
            exchange.end(str(wrong))
            self._record(exchange, "refused", None, to_bot=False, problem=str(wrong))
        exchange.end()

    def _until_answered(
        self, exchange: Exchange, fields: Mapping[str, Any]
    ) -> tuple[dict[str, Any] | None, str]:
        """The reply, or None and why there is none."""
        problem = ""
        for _ in range(self.attempts):
            reply, problem = self._attempt(exchange, fields)
            lost = reply is not None and self.faults.happens(self.faults.lost)
            if reply is not None and not lost:
                return reply, ""
            problem = problem or "机器人的回答没有送到"
        return None, problem

    def _attempt(
        self, exchange: Exchange, fields: Mapping[str, Any]
    ) -> tuple[dict[str, Any] | None, str]:
        """One request: the reply's fields, or None and what was wrong."""
        exchange.attempts += fields["msgtype"] != "stream"
        bot = self.enterprise.bot
        query, body = envelope.seal(bot, fields, self.enterprise.clock.now())
        self._record(exchange, str(fields["msgtype"]), fields, to_bot=True)
        begun, reply, problem = elapsed(), None, ""
        try:
            status, answer = self._caller.post(query, body, "application/json")
            if status == 200:
                reply = envelope.open_reply(bot, answer, query["nonce"])
            else:
                problem = f"机器人回答了 HTTP {status}"
        except TimeoutError:
            problem = f"机器人 {self._caller.seconds:g} 秒内没有答完"
        except (OSError, HTTPException) as error:
            problem = f"机器人没有回答：{str(error) or type(error).__name__}"
        except SandboxProblem as wrong:
            problem = str(wrong)
        took = round((elapsed() - begun) * 1000)
        what = str((reply or {}).get("msgtype") or (reply or {}).get("response_type") or "")
        self._record(exchange, what, reply, to_bot=False, problem=problem, took=took)
        return reply, problem

    def _show(self, exchange: Exchange, reply: Mapping[str, Any]) -> None:
        """What the reply says, as people see it. Raises SandboxProblem."""
        if not reply:
            return
        if exchange.kind == "feedback":
            raise SandboxProblem("对评价不能回复")
        if exchange.kind == "card":
            card, userids = replies.read_update(reply, exchange.task_id)
            self.enterprise.update_card(exchange, card, userids)
            return
        allowed = replies.WELCOME if exchange.kind == "enter_chat" else replies.PASSIVE
        self._say(exchange, replies.read(reply, allowed))

    def _follow(self, exchange: Exchange) -> None:
        """Ask for an unfinished stream until it is finished. Raises SandboxProblem."""
        while exchange.kind == "message" and (id := exchange.unfinished) and not self._closed:
            if self.enterprise.clock.now() - exchange.at > limits.STREAM_TIME:
                self.enterprise.expire(exchange)
                raise SandboxProblem("流式消息 6 分钟内没有结束")
            self.pause(self.poll_seconds)
            head = {name: value for name, value in exchange.body.items() if name in _HEAD}
            poll = {"msgid": secrets.token_urlsafe(24), **head, "msgtype": "stream"}
            reply, _ = self._attempt(exchange, poll | {"stream": {"id": id}})
            if reply:
                content = replies.read(reply, replies.STREAMS)
                if content.stream != id:
                    raise SandboxProblem("流式消息换了 id")
                self._say(exchange, content)

    def _say(self, exchange: Exchange, content: replies.Content) -> None:
        if code := self.enterprise.reply(exchange, content):
            raise SandboxProblem(limits.PROBLEMS[code])

    def _record(
        self, exchange: Exchange, what: str, fields: Mapping[str, Any] | None, *, to_bot: bool,
        problem: str = "", took: int = 0,
    ) -> None:  # fmt: skip
        text = "" if fields is None else masking.shown(fields)
        now = self.enterprise.clock.now()
        said = Traffic(now, exchange.chat, to_bot, what, text, 0, problem, took)
        self.enterprise.record(said)


@contextmanager
def serving_callback(enterprise: Enterprise, url: str, **options: Any) -> Iterator[Callback]:
    """The platform of a bot whose callback is at `url`; what the bot calls is behind a real
    socket. `options` are Callback's.
    """
    line = Callback(enterprise, url, **options)
    with serving(line.answer) as base:
        line.files.base = line.responses.base = base
        try:
            yield line
        finally:
            line.close()
