"""What members send, encrypted, at addresses that are good for five minutes.

Sources: developer.work.weixin.qq.com/document/path/100719 (接收消息), 101463 (多媒体资源解密).
"""

import secrets
import threading
from datetime import datetime, timedelta
from urllib.parse import urlencode

from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from bot.clock import Clock
from bot.simulator.server import Request, Response

_GOOD_FOR = timedelta(minutes=5)
_BLOCK_BITS = 256
_PATH = "/aibot/file"


def encrypt(key: bytes, content: bytes) -> bytes:
    """AES-256-CBC with the key's first half as IV, padded to blocks of 32 bytes (PKCS#7)."""
    padder = padding.PKCS7(_BLOCK_BITS).padder()
    padded = padder.update(content) + padder.finalize()
    encryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    return encryptor.update(padded) + encryptor.finalize()


class Files:
    """Several threads may use it. `base` is the URL that it is served at."""

    def __init__(self, clock: Clock) -> None:
        self.base = ""
        self._clock = clock
        self._lock = threading.Lock()
        self._stored: dict[str, tuple[bytes, datetime]] = {}

    def store(self, content: bytes, key: bytes) -> str:
        """Its URL."""
        sign, now = secrets.token_urlsafe(24), self._clock.now()
        with self._lock:
            self._stored = {one: file for one, file in self._stored.items() if now < file[1]}
            self._stored[sign] = encrypt(key, content), now + _GOOD_FOR
        return f"{self.base}{_PATH}?{urlencode({'sign': sign})}"

    def answer(self, request: Request) -> Response:
        if request.method != "GET" or request.path != _PATH:
            return Response(b"", "text/plain", 404)
        now = self._clock.now()
        with self._lock:
            content, ends = self._stored.get(request.query.get("sign", ""), (b"", now))
        if ends <= now:
            return Response(b"", "text/plain", 403)
        return Response(content, "application/octet-stream")
