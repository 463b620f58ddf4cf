"""How fast something may be done: at most so many times in any stretch of so long, for each key."""

import threading
from collections import OrderedDict, deque
from collections.abc import Sequence
from datetime import datetime, timedelta

_MOST_KEYS = 10_000


class Pace:
    """Several limits at once, each a count and a span; for any number of threads.

    A key remembers as many times as its largest limit counts. Of more than `most_keys` keys the
    one that was not used for longest is forgotten, and before that whatever is older than the
    longest span.
    """

    def __init__(
        self, limits: Sequence[tuple[int, timedelta]], most_keys: int = _MOST_KEYS
    ) -> None:
        self._limits = tuple(limits)
        self._most_times = max(count for count, _ in limits)
        self._longest = max(span for _, span in limits)
        self._most_keys = most_keys
        # The key that was used last stands last.
        self._taken: OrderedDict[str, deque[datetime]] = OrderedDict()
        self._lock = threading.Lock()

    def next_free(self, key: str, now: datetime) -> datetime:
        """From when on `key` has room for one more: `now`, or a later time."""
        with self._lock:
            return self._next_free(key, now)

    def take(self, key: str, now: datetime) -> bool:
        """Whether there is room for one more now; if so, it is counted."""
        with self._lock:
            if self._next_free(key, now) > now:
                return False
            self._taken.setdefault(key, deque(maxlen=self._most_times)).append(now)
            self._taken.move_to_end(key)
            self._forget(now)
            return True

    def _next_free(self, key: str, now: datetime) -> datetime:
        times = self._taken.get(key)
        if not times:
            return now
        if times[-1] > now:
            # The clock was set back: what was taken counts from now on, and for no longer.
            times = deque((min(time, now) for time in times), maxlen=self._most_times)
            self._taken[key] = times
        full = [times[-count] + span for count, span in self._limits if len(times) >= count]
        return max([now, *full])

    def _forget(self, now: datetime) -> None:
        while len(self._taken) > 1:
            key, times = next(iter(self._taken.items()))
            if len(self._taken) <= self._most_keys and now - times[-1] < self._longest:
                break
            del self._taken[key]
