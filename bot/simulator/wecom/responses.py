"""The address at which the bot may answer once more.

Source: developer.work.weixin.qq.com/document/path/101138 (主动回复消息).
"""

import json
import secrets
import threading
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from bot.errors import SandboxProblem
from bot.simulator.server import Request, Response
from bot.simulator.wecom import limits, masking, replies
from bot.simulator.wecom.enterprise import Enterprise
from bot.simulator.wecom.exchange import Exchange
from bot.simulator.wecom.watching import Traffic

PATH = "/cgi-bin/aibot/response"
_GOOD_FOR = timedelta(hours=1)


class Responses:
    """Several threads may use it. `base` is the URL that it is served at."""

    def __init__(self, enterprise: Enterprise) -> None:
        self.base = ""
        self._enterprise = enterprise
        self._codes: dict[str, Exchange] = {}
        self._lock = threading.Lock()

    def url_for(self, exchange: Exchange) -> str:
        """An address that is good for one answer within the hour."""
        code, now = secrets.token_urlsafe(32), self._enterprise.clock.now()
        with self._lock:
            kept = self._codes.items()
            self._codes = {one: of for one, of in kept if now - of.at < _GOOD_FOR}
            self._codes[code] = exchange
        return f"{self.base}{PATH}?{urlencode({'response_code': code})}"

    def answer(self, request: Request) -> Response:
        """What is refused does not use the address up."""
        code, body = request.query.get("response_code", ""), {}
        with self._lock:
            exchange = self._codes.pop(code, None)
        result, problem = limits.BAD_PARAMETER, "不是 JSON 对象的 POST"
        try:
            found = json.loads(request.body or b"null")
            if isinstance(found, dict) and request.method == "POST":
                body = found
                result, problem = self._take(exchange, body)
        except (ValueError, RecursionError):
            pass
        except SandboxProblem as wrong:
            problem = str(wrong)
        if result and exchange:
            with self._lock:
                self._codes[code] = exchange
        what = f"response_url {body.get('msgtype', '')}".strip()
        now, chat = self._enterprise.clock.now(), exchange.chat if exchange else ""
        said = Traffic(now, chat, False, what, masking.shown(body), result, problem)
        self._enterprise.record(said)
        answer = {"errcode": result, "errmsg": limits.ERRORS.get(result, "invalid parameter")}
        return Response(json.dumps(answer).encode())

    def _take(self, exchange: Exchange | None, body: dict[str, Any]) -> tuple[int, str]:
        """The error code, and what was wrong."""
        if exchange is None or self._enterprise.clock.now() - exchange.at >= _GOOD_FOR:
            return limits.BAD_RESPONSE_CODE, "response_url 只能用一次，一小时内有效"
        content = replies.read(body, replies.RESPONSE_URL)
        if not content.finish:
            raise SandboxProblem("response_url 上的流式消息要一次结束")
        result = self._enterprise.reply(exchange, content, "response_url")
        return result, limits.PROBLEMS.get(result, "")
