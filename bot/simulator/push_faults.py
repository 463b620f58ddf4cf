"""What goes wrong on the way to the bot."""

import threading
from dataclasses import dataclass, field
from random import Random


@dataclass
class PushFaults:
    """How likely each is for a message, between 0 and 1. It may be changed at any time.

    duplicate: a message that was answered is sent once more, signed anew, with the same MsgId; the
    member sees the first answer. reorder: it is kept back until the sender's next one is through.
    """

    duplicate: float = 0.0
    reorder: float = 0.0
    random: Random = field(default_factory=lambda: Random(1))  # noqa: S311

    def happens(self, chance: float) -> bool:
        return chance > 0 and self.random.random() < chance


class KeptBack:
    """The messages that wait until their sender's next one is through, one for each sender."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[str, threading.Event] = {}

    def wait(self, openid: str, seconds: float) -> None:
        """Return after the sender's next message, or so many seconds; at once when another of
        theirs is waiting.
        """
        with self._lock:
            if openid in self._waiting:
                return
            event = self._waiting[openid] = threading.Event()
        event.wait(seconds)
        with self._lock:
            if self._waiting.get(openid) is event:
                del self._waiting[openid]

    def through(self, openid: str) -> None:
        """A message of this sender has been answered."""
        with self._lock:
            event = self._waiting.pop(openid, None)
        if event:
            event.set()
