"""Bots of other people in processes of their own, who say what happens to them."""

import json
import os
import queue
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any


class BotPeer:
    """What a process says: lines of JSON like {"event": "authenticated", "value": null}."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self._said: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def wait(self, event: str, seconds: float = 20.0) -> Any:
        """The value of the next such event; other events before it are passed over."""
        while True:
            found = self._said.get(timeout=seconds)
            if found["event"] == event:
                return found["value"]

    def silent(self, event: str, seconds: float) -> bool:
        """Whether there is no such event for so long."""
        try:
            self.wait(event, seconds)
        except queue.Empty:
            return True
        return False

    def _read(self) -> None:
        for line in self._process.stdout or ():
            self._said.put(json.loads(line))


@contextmanager
def started(command: Sequence[str], **environment: str) -> Iterator[BotPeer]:
    """The process, gone afterwards."""
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | environment,
    ) as process:
        try:
            yield BotPeer(process)
        finally:
            process.kill()
