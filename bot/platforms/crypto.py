"""Signatures and encrypted bodies of the message push.

Source: developers.weixin.qq.com/doc/subscription/guide/dev/push/encryption.md. wechatpy does
the AES and builds the envelope's plaintext; what it leaves out is here: comparison in constant
time, the whole padding checked, one error for whatever is wrong, a random prefix that cannot be
guessed.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
import struct
from collections.abc import Callable, Sequence

from wechatpy.crypto import PrpCrypto

from bot.errors import InvalidSignature, MalformedMessage

_BLOCK = 32
_PREFIX = 16


def signature(*parts: str) -> str:
    """SHA-1 of the sorted parts, as 40 hexadecimal digits. The vendor's choice, not ours."""
    return hashlib.sha1("".join(sorted(parts)).encode(), usedforsecurity=False).hexdigest()


def check_signature(expected_of: Sequence[str], given: str) -> None:
    """Raise InvalidSignature unless `given` signs exactly these parts."""
    # Compared as bytes: compare_digest refuses text that is not ASCII.
    if not hmac.compare_digest(signature(*expected_of).encode(), given.encode(errors="replace")):
        raise InvalidSignature("The signature does not fit; check the token on both sides.")


class _Cipher(PrpCrypto):  # type: ignore[misc]
    """wechatpy's, with the random prefix handed in: its own comes from random.sample."""

    def __init__(self, key: bytes, prefix: Callable[[], str]) -> None:
        super().__init__(key)
        self.get_random_string = prefix


class MessageKey:
    """One EncodingAESKey (43 characters) with the app id that its messages must carry."""

    def __init__(self, encoding_aes_key: str, app_id: str) -> None:
        self._cipher = _Cipher(base64.b64decode(f"{encoding_aes_key}="), self.prefix)
        self._app_id = app_id.encode()

    def prefix(self) -> str:
        """Sixteen random characters before each message."""
        return secrets.token_hex(_PREFIX // 2)

    def encrypt(self, text: str) -> str:
        encrypted: bytes = self._cipher.encrypt(text, self._app_id)
        return encrypted.decode()

    def decrypt(self, encrypted: str) -> bytes:
        """The message inside. Raises MalformedMessage, the same for whatever is wrong."""
        try:
            raw = base64.b64decode(encrypted, validate=True)
            plain: bytes = self._cipher.cipher.decrypt(raw)
            return self._unpack(plain)
        except (ValueError, binascii.Error, struct.error, IndexError):
            raise MalformedMessage(
                "The body cannot be decrypted; check the EncodingAESKey and the AppID."
            ) from None

    def _unpack(self, plain: bytes) -> bytes:
        """random(16) + length(4, big-endian) + message + app id, padded to 32 (PKCS#7)."""
        padding = plain[-1]
        if not 1 <= padding <= _BLOCK or not plain.endswith(bytes([padding]) * padding):
            raise ValueError("padding")
        content = plain[_PREFIX:-padding]
        (length,) = struct.unpack(">I", content[:4])
        message, app_id = content[4 : 4 + length], content[4 + length :]
        if len(message) != length or not hmac.compare_digest(app_id, self._app_id):
            raise ValueError("app id")
        return message


def decrypt_with_any(keys: Sequence[MessageKey], encrypted: str) -> tuple[bytes, MessageKey]:
    """The message and the key that opened it: the current one, else the previous.

    The reply must be encrypted with the same key (the vendor's FAQ on changing the key).
    Raises MalformedMessage when none opens it.
    """
    *others, last = keys
    for key in others:
        try:
            return key.decrypt(encrypted), key
        except MalformedMessage:
            continue
    return last.decrypt(encrypted), last
