"""The worker: drains what is due through the platform, with a few calls at a time.

One thread talks to the database, the others to the platform: no transaction is open while a call
is. Outcomes are written in groups, at most 50 or 50 ms old: what is lost in a kill is at most the
open group and the calls under way, and is then sent again.
"""

import queue
import random
import secrets
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import structlog

from bot.domain.delivery import Outcome, Remedy
from bot.ports import Transport
from bot.services import outbox, outcomes, outlet
from bot.services.outbox import Parcel, Rules
from bot.storage.session import DATABASE_BUSY, Database

log = structlog.get_logger(__name__)

THREADS = 20
BATCH = 200
_GROUP, _GROUP_SECONDS = 50, 0.05
_IDLE = 1.0
# A call may take this part of its lease: 27 s of 60, for two tries with a new token between.
_CALL = 0.45
# Cancelled parcels that wait for a thread are found so often.
_LOOK = 0.25


@dataclass(frozen=True)
class Tools:
    """What a worker is given: `now` is the time of day, `elapsed` a clock that never jumps;
    `chore` does a piece of other work and says whether there was one.
    """

    database: Database
    transport: Transport
    rules: Rules
    now: Callable[[], datetime]
    elapsed: Callable[[], float]
    pause: Callable[[float], None]
    chore: Callable[[], bool] = lambda: False


class Worker:
    """Claims, sends and settles until it is stopped."""

    def __init__(self, tools: Tools, threads: int = THREADS, batch: int = BATCH) -> None:
        self._tools = tools
        self._batch = batch
        # As many wait for a thread as are under way, so that no thread waits for us.
        self._most = 2 * threads
        self._waiting: deque[Parcel] = deque()
        self._calls: queue.SimpleQueue[Parcel | None] = queue.SimpleQueue()
        self._results: queue.SimpleQueue[tuple[Parcel, Outcome]] = queue.SimpleQueue()
        self._open: list[tuple[Parcel, Outcome]] = []
        self._under_way = 0
        self._looked = 0.0
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._call, name=f"push-{number}", daemon=True)
            for number in range(threads)
        ]

    def start(self) -> threading.Thread:
        """Run in a thread of its own."""
        thread = threading.Thread(target=self.run, name="worker", daemon=True)
        thread.start()
        return thread

    def stop(self) -> None:
        """Begin no more calls; those under way are finished and written down."""
        self._stopping.set()

    def run(self) -> None:
        """Until stop(). What goes wrong with the database is logged and tried again."""
        for thread in self._threads:
            thread.start()
        while not self._stopping.is_set():
            if not self._safely(self._round):
                self._stopping.wait(_IDLE)
        self._safely(self._release)
        while self._under_way or self._open:
            self._collect()
            if not self._safely(self._settle):
                self._tools.pause(_GROUP_SECONDS)
        for _ in self._threads:
            self._calls.put(None)

    def drain(self) -> None:
        """Send everything that is due now, and return when nothing is any more."""
        self._stopping.clear()
        for thread in self._threads:
            thread.start()
        while self._round() or self._under_way or self._waiting or self._open:
            pass
        for _ in self._threads:
            self._calls.put(None)

    def _safely(self, work: Callable[[], object]) -> bool:
        """False where there was nothing to do, or it failed."""
        try:
            return bool(work())
        except DATABASE_BUSY:
            log.exception("database_busy")
        except Exception:
            log.exception("worker_failed")
        return False

    def _round(self) -> bool:
        """Claim, hand out, collect, write down, each as far as it goes; False when idle."""
        busy = self._tools.chore()
        claimed = len(self._waiting) + self._under_way < self._batch and self._claim()
        self._forget_cancelled()
        self._hand_out()
        if self._under_way:
            self._collect()
        self._settle()
        return bool(busy or claimed or self._waiting or self._under_way or self._open)

    def _claim(self) -> bool:
        tools = self._tools
        now = tools.now()
        with tools.database.read() as session:
            due = outbox.next_due(session)
        if due is None or due > now:
            return False
        with tools.database.begin() as session:
            channel, token = tools.rules.channel, secrets.token_hex(8)
            limit = min(self._batch, outlet.permits(session, channel, now))
            claimed = outbox.claim(session, tools.rules, limit, now, token) if limit else None
            outlet.spend(session, channel, len(claimed.parcels) if claimed else 0)
        if claimed is None:
            tools.pause(_GROUP_SECONDS)
            return True
        self._waiting.extend(claimed.parcels)
        return claimed.rows > 0

    def _forget_cancelled(self) -> None:
        """Of what waits for a thread, drop what was cancelled or lies with another worker."""
        begun = self._tools.elapsed()
        if not self._waiting or begun - self._looked < _LOOK:
            return
        self._looked = begun
        with self._tools.database.read() as session:
            mine = outcomes.still_mine(session, self._waiting)
        self._waiting = deque(parcel for parcel in self._waiting if mine.issuperset(parcel.ids))

    def _hand_out(self) -> None:
        """Give the threads work; what could outlast its lease is left to whoever comes then."""
        while self._waiting and self._under_way < self._most:
            parcel = self._waiting.popleft()
            if self._in_time(parcel):
                self._calls.put(parcel)
                self._under_way += 1

    def _in_time(self, parcel: Parcel) -> bool:
        """Whether a call that begins now ends before its lease does."""
        return self._tools.now() + self._tools.rules.lease * _CALL <= parcel.until

    def _call(self) -> None:
        while (parcel := self._calls.get()) is not None:
            if not self._in_time(parcel):
                self._results.put((parcel, Outcome(Remedy.RETRY, reason="too late to begin")))
                continue
            try:
                outcome = self._tools.transport.send(parcel.push)
            except Exception:
                # One message that breaks our own code must not end the thread.
                log.exception("push_broke")
                outcome = Outcome(Remedy.UNCLEAR, reason="our own error")
            self._results.put((parcel, outcome))

    def _collect(self) -> None:
        """Outcomes, until the group is full or the oldest is old enough."""
        deadline = self._tools.elapsed() + _GROUP_SECONDS
        while len(self._open) < _GROUP and self._under_way:
            left = max(0.001, deadline - self._tools.elapsed())
            try:
                self._open.append(self._results.get(timeout=left))
            except queue.Empty:
                return
            self._under_way -= 1
            if self._under_way <= self._most // 2:
                self._hand_out()

    def _settle(self) -> bool:
        if not self._open:
            return False
        tools = self._tools
        with tools.database.begin() as session:
            channel = tools.rules.channel
            outcomes.settle(session, channel, self._open, tools.now(), random.random)
        self._open = []
        return True

    def _release(self) -> None:
        parcels = list(self._waiting)
        with self._tools.database.begin() as session:
            outcomes.release(session, parcels, self._tools.now())
        self._waiting.clear()
