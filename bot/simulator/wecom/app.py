"""Plays the platform for one self-built app: pushes encrypted XML, checks and shows the replies.

Sources: developer.work.weixin.qq.com/document/path/90930 (回调配置), 90239, 90240, 90241.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from http.client import HTTPException
from typing import Any

from bot.clock import Clock
from bot.errors import SandboxProblem
from bot.simulator import crypto
from bot.simulator.envelope import Account, Envelope, element
from bot.simulator.official_account import Platform
from bot.simulator.replies import Answer


@dataclass(frozen=True)
class AppEnvelope(Envelope):
    """Always encrypted, always XML. The key's receive id is the enterprise's."""

    agent_id: int

    def seal(
        self, openid: str, message: Mapping[str, Any], now: datetime
    ) -> tuple[dict[str, str], bytes]:
        account = self.account
        encrypted = crypto.encrypt(account.encoding_aes_key, self.plain(message), account.app_id)
        outside = {"ToUserName": account.id, "AgentID": self.agent_id, "Encrypt": encrypted}
        return self.sign(encrypted, now), element("xml", outside).encode()

    def sign(self, encrypted: str, now: datetime) -> dict[str, str]:
        """The query of a request."""
        timestamp, nonce = str(int(now.timestamp())), str(secrets.randbelow(10**10))
        signed = crypto.sign(self.account.token, timestamp, nonce, encrypted)
        return {"msg_signature": signed, "timestamp": timestamp, "nonce": nonce}


class AppPlatform(Platform):
    """Pushes for one app, as Platform does; a member is told nothing of a bot that is silent."""

    unavailable = ""

    def __init__(
        self, callback: str, token: str, encoding_aes_key: str, corp_id: str, agent_id: int,
        clock: Clock, *, attempts: int = 3, strict: bool = True,
    ) -> None:  # fmt: skip
        account = Account(callback, token, corp_id, encoding_aes_key, corp_id)
        super().__init__(account, clock, attempts=attempts, strict=strict)
        self._agent_id = agent_id

    def envelope(self) -> AppEnvelope:
        return AppEnvelope(self.account, "safe", "xml", self._agent_id)

    def push(self, openid: str, fields: Mapping[str, Any]) -> Answer:
        return super().push(openid, {**fields, "AgentID": self._agent_id})

    def media(self, openid: str, type: str, recognised: str = "", media_id: str = "") -> Answer:
        """A picture, a voice or a video; WeCom recognises no words in a voice."""
        more = {"image": {"PicUrl": "http://p.qpic.cn/sandbox"}, "voice": {"Format": "amr"}}
        media_id = media_id or secrets.token_hex(16)
        fields = {"MsgType": type, "MediaId": media_id, "MsgId": self.new_id()}
        fields |= more.get(type, {"ThumbMediaId": secrets.token_hex(16)})
        return self.push(openid, fields)

    def verify(self) -> None:
        """What the platform asks when the page is saved. Raises SandboxProblem for an answer that
        it would refuse.
        """
        account, echo = self.account, str(secrets.randbelow(10**19))
        encrypted = crypto.encrypt(account.encoding_aes_key, echo, account.app_id)
        query = self.envelope().sign(encrypted, self._clock.now()) | {"echostr": encrypted}
        try:
            status, body = self._caller.get(query)
        except (OSError, HTTPException) as error:
            raise SandboxProblem(f"机器人没有回答：{type(error).__name__}") from error
        if (status, body) != (200, echo.encode()):
            raise SandboxProblem(f"验证没有通过：机器人回答了 HTTP {status}")
