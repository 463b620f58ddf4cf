"""The scheduler: APScheduler as a clock only, the tick under the leader lock."""

import signal
import threading
from collections.abc import Callable
from datetime import UTC

import structlog
from apscheduler.schedulers.background import BackgroundScheduler

from bot.ports import LeaderLock

log = structlog.get_logger(__name__)

INTERVAL = 10.0


class Runner:
    """Calls `work` every `interval` seconds while this process holds the lock.

    Jobs live in memory and are declared here at every start: durable state is in our tables.
    """

    def __init__(
        self,
        work: Callable[[], None],
        lock: LeaderLock,
        interval: float = INTERVAL,
        lead: Callable[[bool], None] = lambda _leading: None,
    ) -> None:
        """`lead` hears when this process has become the leader, and when it is that no longer."""
        self._work = work
        self._lead = lead
        self._lock = lock
        self._leading = False
        self._stopped = threading.Event()
        self._scheduler = BackgroundScheduler(timezone=UTC)
        self._scheduler.add_job(
            self.run_once,
            "interval",
            seconds=interval,
            coalesce=True,
            max_instances=1,
            misfire_grace_time=None,
        )

    def run_once(self) -> None:
        """One tick. What goes wrong in it is logged, and the next one comes all the same."""
        try:
            leading = self._lock.held()
            if leading != self._leading:
                # What fails here is tried again with the next tick.
                self._lead(leading)
                self._leading = leading
                log.info("leading" if leading else "not_leading")
            if leading:
                self._work()
        except Exception:
            log.exception("tick_failed")

    def run(self) -> None:
        """Tick until SIGTERM or SIGINT; the open tick is finished. Who called it calls close()."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stopped.set())
        self.run_once()
        self._scheduler.start()
        self._stopped.wait()
        self._scheduler.shutdown(wait=True)

    def close(self) -> None:
        """Let another process lead."""
        self._leading = False
        try:
            self._lead(False)
        finally:
            self._lock.release()
