"""Processes that must not outlive the one that started them, however that one ended."""

import os
import signal
import threading

_LOOK_SECONDS = 1.0


def end_with_parent(parent: int, number: signal.Signals = signal.SIGTERM) -> None:
    """Signal this process within about a second after its parent `parent` has gone."""

    def watch() -> None:
        never = threading.Event()
        while os.getppid() == parent:
            never.wait(_LOOK_SECONDS)
        os.kill(os.getpid(), number)

    threading.Thread(target=watch, name="end-with-parent", daemon=True).start()
