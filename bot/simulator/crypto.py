"""The platform's side of signatures and encryption, written from the vendor's description.

Source: developers.weixin.qq.com/doc/subscription/guide/dev/push/encryption.md. Nothing is shared
with the bot's own, so that a mistake is not made on both sides.
"""

import base64
import hashlib
import os
import struct
from functools import lru_cache

from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from bot.errors import SandboxProblem

_BLOCK_BITS = 256


def sign(*parts: str) -> str:
    return hashlib.sha1("".join(sorted(parts)).encode(), usedforsecurity=False).hexdigest()


# One account has one key, or two while it is changed.
@lru_cache(maxsize=16)
def _cipher(encoding_aes_key: str) -> Cipher[modes.CBC]:
    key = base64.b64decode(encoding_aes_key + "=")
    return Cipher(algorithms.AES(key), modes.CBC(key[:16]))


def encrypt(encoding_aes_key: str, text: str | bytes, app_id: str) -> str:
    raw = text.encode() if isinstance(text, str) else text
    padder = padding.PKCS7(_BLOCK_BITS).padder()
    plain = os.urandom(16) + struct.pack(">I", len(raw)) + raw + app_id.encode()
    padded = padder.update(plain) + padder.finalize()
    encryptor = _cipher(encoding_aes_key).encryptor()
    return base64.b64encode(encryptor.update(padded) + encryptor.finalize()).decode()


def decrypt(encoding_aes_key: str, encrypted: str, app_id: str) -> bytes:
    """What is inside. Raises SandboxProblem for a body the platform would not understand."""
    try:
        decryptor = _cipher(encoding_aes_key).decryptor()
        padded = decryptor.update(base64.b64decode(encrypted, validate=True))
        padded += decryptor.finalize()
        unpadder = padding.PKCS7(_BLOCK_BITS).unpadder()
        plain = unpadder.update(padded) + unpadder.finalize()
        (length,) = struct.unpack(">I", plain[16:20])
    except (ValueError, struct.error) as error:
        raise SandboxProblem(f"回复解不开：{error}") from error
    if plain[20 + length :].decode(errors="replace") != app_id:
        raise SandboxProblem("回复里是另一个 AppID")
    return plain[20 : 20 + length]
