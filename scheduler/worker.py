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
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

import structlog

from bot.domain.delivery import Outcome, Push, Remedy, Way
from bot.ports import BulkTransport, Transport
from bot.services import outbox, outcomes, outlet
from bot.services.outbox import Parcel, Rules
from bot.storage.session import DATABASE_BUSY, Database

log = structlog.get_logger(__name__)

THREADS = 20
BATCH = 100
# As many as one call can be for.
BUNDLE = 1000
_GROUP, _GROUP_SECONDS = 50, 0.05
_IDLE = 1.0
# A call may take this part of its lease: 27 s of 60, for two tries with a new token between.
_CALL = 0.45
# Cancelled parcels that wait for a thread are found so often.
_LOOK = 0.25


@dataclass(frozen=True)
class Tools:
    """What a worker is given: `now` is the time of day, `elapsed` a clock that never jumps;
    `chore` does a piece of other work and says whether there was one. `bulk` are the ways by which
    the same goes out to many in one call.
    """

    database: Database
    transport: Transport
    rules: Rules
    now: Callable[[], datetime]
    elapsed: Callable[[], float]
    pause: Callable[[float], None]
    chore: Callable[[], bool] = lambda: False
    bulk: Mapping[Way, BulkTransport] = field(default_factory=dict)


class Worker:
    """Claims, sends and settles until it is stopped."""

    def __init__(self, tools: Tools, threads: int = THREADS, batch: int = BATCH) -> None:
        self._tools = tools
        self._batch = batch
        # As many wait for a thread as are under way, so that no thread waits for us.
        self._most = 4 * threads
        self._longest = tools.rules.lease * _CALL
        self._waiting: deque[Parcel] = deque()
        self._calls: queue.SimpleQueue[list[Parcel] | None] = queue.SimpleQueue()
        # None: it was not begun.
        self._results: queue.SimpleQueue[tuple[Parcel, Outcome | None]] = queue.SimpleQueue()
        self._open: list[tuple[Parcel, Outcome]] = []
        self._unbegun: list[Parcel] = []
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
        self._end()
        for _ in self._threads:
            self._calls.put(None)

    def _end(self) -> None:
        """Begin nothing more; wait for what is under way, as long as the leases last."""
        left, self._waiting = list(self._waiting), deque()
        self._safely(lambda: self._release(left))
        deadline = self._tools.elapsed() + self._tools.rules.lease.total_seconds()
        while (self._under_way or self._open) and self._tools.elapsed() < deadline:
            self._collect()
            if not self._safely(self._settle):
                self._tools.pause(_GROUP_SECONDS if self._under_way else _IDLE)

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
        busy = self._safely(self._tools.chore)
        claimed = len(self._waiting) + self._under_way < self._batch and self._claim()
        self._forget_cancelled()
        self._hand_out()
        if self._under_way:
            self._collect()
        # What was written down may be due again at once, another way.
        settled = self._settle()
        return bool(busy or claimed or settled or self._waiting or self._under_way or self._open)

    def _claim(self) -> bool:
        tools = self._tools
        now = tools.now()
        with tools.database.read() as session:
            due = outbox.next_due(session, tools.rules.absent())
        if due is None or due > now:
            return False
        with tools.database.begin() as session:
            limit, token = min(self._batch, outlet.permits(session, now)), secrets.token_hex(8)
            claimed = outbox.claim(session, tools.rules, limit, now, token) if limit else None
            outlet.spend(session, len(claimed.parcels) if claimed else 0)
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
        kept = [parcel for parcel in self._waiting if mine.issuperset(parcel.ids)]
        # Of a parcel that has lost one of several rows, the others are planned anew at once.
        broken = [parcel for parcel in self._waiting if not mine.issuperset(parcel.ids)]
        self._waiting = deque(kept)
        if broken:
            self._release(broken)

    def _hand_out(self) -> None:
        """Give the threads work; what could outlast its lease comes back as not begun."""
        while self._waiting and self._under_way < self._most and not self._stopping.is_set():
            bundle = self._bundle()
            self._calls.put(bundle)
            self._under_way += len(bundle)

    def _bundle(self) -> list[Parcel]:
        """The next that waits, and all that say the same by a way that takes many."""
        first = self._waiting.popleft()
        if first.push.way not in self._tools.bulk:
            return [first]
        same = (first.push.way, first.push.notice)
        others = [one for one in self._waiting if (one.push.way, one.push.notice) == same]
        taken = others[: BUNDLE - 1]
        chosen = set(map(id, taken))
        self._waiting = deque(one for one in self._waiting if id(one) not in chosen)
        return [first, *taken]

    def _in_time(self, parcel: Parcel) -> bool:
        """Whether a call that begins now ends before its lease does."""
        return self._tools.now() + self._longest <= parcel.until

    def _call(self) -> None:
        while (bundle := self._calls.get()) is not None:
            if not all(map(self._in_time, bundle)):
                for parcel in bundle:
                    self._results.put((parcel, None))
                continue
            try:
                outcomes = self._send([parcel.push for parcel in bundle])
            except DATABASE_BUSY:
                # The token is asked for before anything is sent.
                log.exception("database_busy")
                outcomes = [Outcome(Remedy.RETRY, reason="the database is busy")] * len(bundle)
            except Exception:
                # One message that breaks our own code must not end the thread.
                log.exception("push_broke")
                outcomes = [Outcome(Remedy.UNCLEAR, reason="our own error")] * len(bundle)
            for parcel, outcome in zip(bundle, outcomes, strict=True):
                self._results.put((parcel, outcome))

    def _send(self, pushes: list[Push]) -> list[Outcome]:
        if bulk := self._tools.bulk.get(pushes[0].way):
            return bulk.send_all(pushes)
        return [self._tools.transport.send(push) for push in pushes]

    def _collect(self) -> None:
        """Outcomes, until the group is full or the oldest is old enough."""
        deadline = self._tools.elapsed() + _GROUP_SECONDS
        while len(self._open) < _GROUP and self._under_way:
            left = max(0.001, deadline - self._tools.elapsed())
            try:
                parcel, outcome = self._results.get(timeout=left)
            except queue.Empty:
                return
            self._under_way -= 1
            if outcome is None:
                self._unbegun.append(parcel)
            else:
                self._open.append((parcel, outcome))
            if self._under_way <= self._most // 2:
                self._hand_out()

    def _settle(self) -> bool:
        if self._unbegun:
            unbegun, self._unbegun = self._unbegun, []
            self._release(unbegun)
        if not self._open:
            return False
        try:
            self._write(self._open)
        except DATABASE_BUSY:
            raise
        except Exception:
            # One of them is at fault; the others must be written, or they would be sent again.
            log.exception("settling_failed", pushes=len(self._open))
            for result in self._open:
                self._safely(partial(self._write, [result]))
        self._open = []
        return True

    def _write(self, results: list[tuple[Parcel, Outcome]]) -> None:
        tools = self._tools
        with tools.database.begin() as session:
            outcomes.settle(session, results, tools.now(), random.random)

    def _release(self, parcels: list[Parcel]) -> None:
        with self._tools.database.begin() as session:
            outcomes.release(session, parcels, self._tools.now())
