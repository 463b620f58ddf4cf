"""On SQLite the web process goes first: whoever drains waits while it wants to write.

SQLite has one writer and an unfair queue: beside a process that writes without a break, another
waits for seconds. A web writer holds a shared flock from before it asks for the database until it
is done; a drain tries for the exclusive one before each transaction, and holds it for no moment
longer. The kernel frees both however a process ends.
"""

import fcntl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

_PAUSE = 0.001
# However busy the web process is, the drain goes on after so many pauses.
_MOST = 50


class RightOfWay:
    """One file that all processes of a database share; `file` is created where it is missing."""

    def __init__(self, file: Path) -> None:
        self._path = file
        self._handle: IO[str] | None = None
        self._lock = threading.Lock()
        self._holders = 0

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Go first, together with other threads of this process."""
        with self._lock:
            self._holders += 1
            if self._holders == 1:
                fcntl.flock(self._open(), fcntl.LOCK_SH)
        try:
            yield
        finally:
            with self._lock:
                self._holders -= 1
                if not self._holders:
                    fcntl.flock(self._open(), fcntl.LOCK_UN)

    def give(self, pause: Callable[[float], None]) -> None:
        """Wait until nobody who goes first wants to write, for a short while at most."""
        for _ in range(_MOST):
            try:
                fcntl.flock(self._open(), fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pause(_PAUSE)
            else:
                fcntl.flock(self._open(), fcntl.LOCK_UN)
                return

    def _open(self) -> IO[str]:
        if self._handle is None:
            self._handle = self._path.open("a")
        return self._handle

    def close(self) -> None:
        if self._handle is not None:
            self._handle.close()
            self._handle = None
