"""The callback of a WeCom 智能机器人: what is let in, and how it is answered.

Sources: developer.work.weixin.qq.com/document/path/101033 (加解密), 100719, 101031.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.domain.messages import InboundMessage, Reply
from bot.errors import MalformedMessage
from bot.platforms.crypto import MessageKey, signature
from bot.platforms.fields import read_json, text_field
from bot.platforms.signed import Signed
from bot.platforms.wecom_bot import payload, replies
from bot.platforms.wecom_bot.replies import Phrases

BODY_LIMIT = 64 * 1024


@dataclass(frozen=True, slots=True)
class Opened:
    """An accepted request: a message, or else a poll."""

    message: InboundMessage | None
    poll: payload.Poll | None
    nonce: str


class WecomBot:
    """Verifies, opens and answers the platform's requests. An in-house bot's key carries the
    receive id "". `name` is what the bot is called in groups.
    """

    def __init__(self, token: str, encoding_aes_key: str, name: str, phrases: Phrases) -> None:
        self._signed = Signed(token)
        self._key = MessageKey(encoding_aes_key, "")
        self._name = name
        self._phrases = phrases

    def verify(self, query: Mapping[str, str], now: datetime) -> str:
        """What the platform's GET must be answered with: its echostr, decrypted.

        Raises CallbackRefused.
        """
        return self._signed.echo(query, self._key, now)

    def open(self, query: Mapping[str, str], body: bytes, now: datetime) -> Opened:
        """The message or poll of a POST. Raises CallbackRefused."""
        if len(body) > BODY_LIMIT:
            raise MalformedMessage("The body is over 64 KB.")
        encrypted = text_field(_fields(body), "encrypt")
        self._signed.check(query, "msg_signature", now, encrypted)
        fields = _fields(self._key.decrypt(encrypted))
        if poll := payload.poll_of(fields):
            return Opened(None, poll, query["nonce"])
        return Opened(payload.parse(fields, now, self._name), None, query["nonce"])

    def seal(self, reply: Reply | None, opened: Opened, now: datetime) -> str:
        """The body of the answer, as JSON; "" for nothing to say. None as a reply says that it is
        still being found: a stream is begun, or goes on.
        """
        fields = self._fields(reply, opened)
        return self._envelope(fields, opened.nonce, now) if fields else ""

    def words(self, reply: Reply) -> str:
        """What the reply says, as text."""
        return replies.words(reply, self._phrases)

    def _fields(self, reply: Reply | None, opened: Opened) -> dict[str, Any]:
        if opened.message is not None and reply is not None:
            return replies.render(reply, opened.message, self._phrases)
        if opened.message is not None and opened.message.event:
            # An event is not answered by a stream.
            return {}
        if opened.message is not None:
            id = replies.stream_id(opened.message)
        else:
            id = opened.poll.id if opened.poll else ""
        if reply is not None:
            return replies.finished(reply, id, self._phrases)
        stream = replies.stream(id, self._phrases.working, finish=False)
        return {"msgtype": "stream", "stream": stream}

    def _envelope(self, fields: Mapping[str, Any], nonce: str, now: datetime) -> str:
        encrypted = self._key.encrypt(json.dumps(fields, ensure_ascii=False))
        timestamp = int(now.timestamp())
        signed = signature(self._signed.token, str(timestamp), nonce, encrypted)
        names = {"encrypt": encrypted, "msgsignature": signed}
        return json.dumps({**names, "timestamp": timestamp, "nonce": nonce})


def _fields(body: bytes) -> dict[str, Any]:
    try:
        found = read_json(body.decode())
    except UnicodeDecodeError:
        raise MalformedMessage("The body is not UTF-8.") from None
    if not isinstance(found, dict):
        raise MalformedMessage("The body has no fields.")
    return found
