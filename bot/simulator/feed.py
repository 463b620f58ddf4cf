"""What happens, numbered, for everybody who watches."""

import threading
from collections import deque
from typing import Any

_KEPT = 2000


class Feed:
    """The last few thousand events, oldest first. Several threads may use it."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._events: deque[dict[str, Any]] = deque(maxlen=_KEPT)
        self._count = 0
        self._closed = False

    @property
    def last(self) -> int:
        """The number of the newest event; 0 before the first."""
        return self._count

    def add(self, type: str, **fields: Any) -> int:
        """Publish one event: its number."""
        with self._changed:
            self._count += 1
            self._events.append({"id": self._count, "type": type, **fields})
            self._changed.notify_all()
            return self._count

    def after(self, number: int, seconds: float) -> list[dict[str, Any]]:
        """The events since that number; waits for the first of them at most so long."""
        with self._changed:
            self._changed.wait_for(lambda: self._count > number or self._closed, seconds)
            return [event for event in self._events if event["id"] > number]

    @property
    def closed(self) -> bool:
        return self._closed

    def close(self) -> None:
        """Nobody waits any more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
