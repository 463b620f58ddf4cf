"""Files that the bot brings over the long connection, in pieces.

Source: developer.work.weixin.qq.com/document/path/101463 (上传临时素材).
"""

import base64
import binascii
import hashlib
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bot.clock import Clock
from bot.errors import SandboxProblem
from bot.simulator.wecom import limits
from bot.simulator.wecom.replies import MEDIA

_PIECE_LIMIT = 512 * 1024
_MOST_PIECES = 100
_UNDER_WAY = timedelta(minutes=30)
_KEPT = timedelta(days=3)


@dataclass
class _Upload:
    type: str
    size: int
    pieces: int
    md5: str
    ends: datetime
    parts: dict[int, bytes] = field(default_factory=dict)


class Uploads:
    """Several threads may use it. What is wrong raises SandboxProblem."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._uploads: dict[str, _Upload] = {}
        self._files: dict[str, tuple[str, bytes, datetime]] = {}
        self._counts = limits.Counts()

    def begin(self, body: Mapping[str, Any]) -> str:
        """The upload_id; "" when there were too many in a minute or an hour."""
        type, md5 = body.get("type"), body.get("md5", "")
        size, pieces = body.get("total_size"), body.get("total_chunks")
        if not isinstance(type, str) or type not in MEDIA or not body.get("filename"):
            raise SandboxProblem("上传要有 type、filename")
        if not isinstance(size, int) or not isinstance(pieces, int) or not isinstance(md5, str):
            raise SandboxProblem("上传要有 total_size、total_chunks，md5 是文字")
        if size < 1 or not 1 <= pieces <= _MOST_PIECES:
            raise SandboxProblem(f"上传不是 1 到 {_MOST_PIECES} 片")
        now = self._clock.now()
        with self._lock:
            if not self._counts.take("", now):
                return ""
            id = secrets.token_hex(16)
            self._uploads[id] = _Upload(type, size, pieces, md5, now + _UNDER_WAY)
            return id

    def add(self, body: Mapping[str, Any]) -> None:
        """One piece; the same one may come again."""
        index, data = body.get("chunk_index"), body.get("base64_data")
        if not isinstance(index, int) or not isinstance(data, str):
            raise SandboxProblem("分片要有 chunk_index、base64_data")
        try:
            piece = base64.b64decode(data, validate=True)
        except binascii.Error:
            raise SandboxProblem("分片的 base64 解不开") from None
        if not 0 < len(piece) <= _PIECE_LIMIT:
            raise SandboxProblem(f"分片不是 {_PIECE_LIMIT} 字节以内")
        with self._lock:
            upload = self._of(body)
            # The peer's types count from 1, and what it sends from 0.
            if not 0 <= index <= upload.pieces:
                raise SandboxProblem("没有这一片")
            upload.parts[index] = piece

    def finish(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """What is acknowledged: type, media_id, created_at."""
        with self._lock:
            upload = self._of(body)
            content = b"".join(part for _, part in sorted(upload.parts.items()))
            if len(upload.parts) != upload.pieces or len(content) != upload.size:
                raise SandboxProblem("上传的分片不全")
            digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
            if upload.md5 and digest != upload.md5:
                raise SandboxProblem("上传的 md5 不对")
            del self._uploads[str(body["upload_id"])]
            media_id, now = secrets.token_urlsafe(32), self._clock.now()
            self._files[media_id] = upload.type, content, now + _KEPT
            created_at = str(int(now.timestamp()))
            return {"type": upload.type, "media_id": media_id, "created_at": created_at}

    def get(self, type: str, media_id: str) -> bytes | None:
        """The file, None when there is none of this type or it is too old."""
        with self._lock:
            found, content, ends = self._files.get(media_id, ("", b"", self._clock.now()))
        return content if found == type and self._clock.now() < ends else None

    def _of(self, body: Mapping[str, Any]) -> _Upload:
        upload = self._uploads.get(str(body.get("upload_id")))
        if upload is None or upload.ends <= self._clock.now():
            raise SandboxProblem("没有这个 upload_id，或者已经过期")
        return upload
