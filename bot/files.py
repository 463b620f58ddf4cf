"""Bytes that people upload, under data_dir/files by the SHA-256 of what they hold.

A file is there whole or not at all, and the same bytes are there once.
"""

import hashlib
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from bot.errors import FileRefused

LIMIT = 200 * 1024 * 1024
_CHUNK = 1024 * 1024
_NAME = re.compile(r"[0-9a-f]{64}")
# An MP4 begins with its brands; others of the same container are pictures or old QuickTime.
_MP4_BRANDS = (b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42", b"avc1", b"dash")
_HEAD = 64


@dataclass(frozen=True, slots=True)
class Kept:
    """`size` is bytes; `content_type` is what the first bytes say, whatever the file's name."""

    sha256: str
    size: int
    content_type: str


class Files:
    """The folder of uploaded files; it is made when the first one comes."""

    def __init__(self, folder: Path, limit: int = LIMIT) -> None:
        """`limit` is bytes."""
        self._folder = folder
        self._limit = limit

    def keep(self, stream: BinaryIO, progress: Callable[[int], None] = lambda _: None) -> Kept:
        """Read it to its end and keep it. `progress` is told the bytes of each piece.

        Raises FileRefused for one that is empty, too large, of another type than MP4, PDF, JPEG
        and PNG, or that the disk does not take.
        """
        head = stream.read(_HEAD)
        content_type = type_of(head)
        if content_type is None:
            raise FileRefused("This is no MP4, PDF, JPEG or PNG file; save it as one of these.")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            sha256, size = self._write(head, stream, progress)
        except OSError as error:
            raise FileRefused(
                f"The file cannot be written to {self._folder}: {error.strerror}. "
                "Check the rights on that folder and the space on its disk."
            ) from error
        return Kept(sha256, size, content_type)

    def path(self, sha256: str) -> Path | None:
        """Where the bytes with this digest are; None where there are none."""
        if not _NAME.fullmatch(sha256):
            return None
        found = self._folder / sha256
        return found if found.is_file() else None

    def _write(
        self, head: bytes, stream: BinaryIO, progress: Callable[[int], None]
    ) -> tuple[str, int]:
        digest, size = hashlib.sha256(), 0
        with tempfile.NamedTemporaryFile(dir=self._folder, prefix=".part-", delete=False) as part:
            try:
                for piece in _pieces(head, stream):
                    size += len(piece)
                    if size > self._limit:
                        limit = f"{self._limit / 1024**2:g} MB"
                        raise FileRefused(f"The file is larger than {limit}; make it smaller.")
                    digest.update(piece)
                    part.write(piece)
                    progress(len(piece))
                part.flush()
                os.fsync(part.fileno())
                Path(part.name).replace(self._folder / digest.hexdigest())
            except BaseException:
                Path(part.name).unlink(missing_ok=True)
                raise
        return digest.hexdigest(), size


def type_of(head: bytes) -> str | None:
    """The content type by the first 64 bytes; None for one that is not taken."""
    if head[4:8] == b"ftyp":
        brands = [head[8:12], *(head[at : at + 4] for at in range(16, len(head), 4))]
        return "video/mp4" if any(brand in _MP4_BRANDS for brand in brands) else None
    for start, content_type in (
        (b"%PDF-", "application/pdf"),
        (b"\xff\xd8\xff", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n", "image/png"),
    ):
        if head.startswith(start):
            return content_type
    return None


def _pieces(head: bytes, stream: BinaryIO) -> Iterator[bytes]:
    piece = head
    while piece:
        yield piece
        piece = stream.read(_CHUNK)
