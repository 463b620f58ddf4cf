"""The callback of an official account: what is let in, and how it is answered.

Sources: developers.weixin.qq.com/doc/subscription/guide/dev/push (接入, 加解密说明, 被动回复).
"""

import json
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from bot.domain.messages import InboundMessage, Reply
from bot.errors import InvalidSignature, MalformedMessage
from bot.platforms.crypto import MessageKey, decrypt_with_any
from bot.platforms.fields import text_field
from bot.platforms.official_account import payload, replies
from bot.platforms.signed import Signed, as_xml, check_time, parameter

BODY_LIMIT = 64 * 1024
_SEEN_LIMIT = 10_000


@dataclass(frozen=True, slots=True)
class Opened:
    """An accepted message with what its reply needs: the format, and the key that opened it."""

    message: InboundMessage
    format: payload.Format
    key: MessageKey | None


class OfficialAccount:
    """Verifies, opens and answers the platform's requests; keeps no secret in its errors.

    `keys` are the current and the previous EncodingAESKey. With keys only encrypted bodies are
    taken (of compatible mode's, the encrypted part); without, only plaintext ones.
    """

    def __init__(self, token: str, keys: tuple[MessageKey, ...], more: str) -> None:
        self._signed = Signed(token)
        self._keys = keys
        self._more = more
        self._seen: OrderedDict[str, bytes] = OrderedDict()
        self._seen_lock = threading.Lock()

    def verify(self, query: Mapping[str, str], now: datetime) -> str:
        """What the platform's GET must be answered with: its echostr.

        Raises CallbackRefused.
        """
        self._signed.check(query, "signature", now)
        return parameter(query, "echostr")

    def open(self, query: Mapping[str, str], body: bytes, now: datetime) -> Opened:
        """The message of a POST. Raises CallbackRefused with nothing told about the reason."""
        if len(body) > BODY_LIMIT:
            raise MalformedMessage("The body is over 64 KB.")
        if query.get("encrypt_type", "raw") == "raw":
            return self._open_plain(query, body, now)
        return self._open_encrypted(query, body, now)

    def _open_plain(self, query: Mapping[str, str], body: bytes, now: datetime) -> Opened:
        if self._keys:
            raise InvalidSignature(
                "A plaintext message came though an EncodingAESKey is configured; "
                "set the push to safe mode, or remove encoding_aes_key."
            )
        self._signed.check(query, "signature", now)
        self._check_body(query["signature"], body)
        return Opened(payload.parse(payload.read(body)), payload.format_of(body), None)

    def _open_encrypted(self, query: Mapping[str, str], body: bytes, now: datetime) -> Opened:
        if not self._keys:
            raise InvalidSignature(
                "An encrypted message came but no encoding_aes_key is configured."
            )
        check_time(query, now)
        encrypted = text_field(payload.read(body), "Encrypt")
        self._signed.check(query, "msg_signature", now, encrypted)
        inner, key = decrypt_with_any(self._keys, encrypted)
        message = payload.parse(payload.read(inner))
        return Opened(message, payload.format_of(body), key)

    def seal(self, reply: Reply, opened: Opened, now: datetime) -> tuple[str, str]:
        """The body of the answer and its content type."""
        text = replies.render(reply, opened.message, opened.format, now, self._more)
        if text == replies.NOTHING:
            return text, "text/plain"
        if opened.key:
            sealed = self._signed.seal(opened.key.encrypt(text), now)
            if opened.format == "json":
                text = json.dumps({**sealed, "TimeStamp": int(sealed["TimeStamp"])})
            else:
                text = as_xml(sealed)
        return text, "application/json" if opened.format == "json" else "application/xml"

    def _check_body(self, signed: str, body: bytes) -> None:
        """A plaintext signature does not cover the body: it may bring only one body.

        The platform signs every attempt anew, so this refuses nothing of its own.
        """
        digest = sha256(body).digest()
        with self._seen_lock:
            if self._seen.setdefault(signed, digest) != digest:
                raise InvalidSignature("A signature came again with another body.")
            while len(self._seen) > _SEEN_LIMIT:
                self._seen.popitem(last=False)
