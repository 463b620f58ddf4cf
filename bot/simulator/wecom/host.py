"""What every API of WeCom has in common here: how it refuses, what goes wrong, what is counted.

Codes: developer.work.weixin.qq.com/document/path/90455 (全局错误码).
"""

import secrets
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from bot.clock import Clock
from bot.simulator.answers import Said
from bot.simulator.faulty import json_object, response_of
from bot.simulator.ledger import Fault, Faults
from bot.simulator.server import Request, Response

_SAYINGS: Mapping[int, str] = {
    -1: "system error",
    40001: "invalid credential",
    40013: "invalid corpid",
    40014: "invalid access_token",
    42001: "access_token expired",
    45009: "api freq out of limit",
    60020: "not allow to access from your ip",
    81013: "user & party & tag all invalid",
    93000: "invalid webhook url",
}


def refused(code: int, request: Request, **more: Any) -> dict[str, Any]:
    said = _SAYINGS.get(code, f"sandbox says {code}")
    hint = f"hint: [{secrets.randbelow(10**24)}], from ip: {request.address}"
    page = f"more info at https://open.work.weixin.qq.com/devtool/query?e={code}"
    return {"errcode": code, "errmsg": f"{said}, {hint}, {page}", **more}


@dataclass(kw_only=True)
class Host:
    """Several threads may call it. `refuse` answers the next calls to a path with these codes.
    `faults` happen by chance, `next_faults` to the next calls in turn; calls for a token are
    spared. `round_trip` is in seconds, for every answer. `calls` are the paths that were called.
    """

    clock: Clock
    round_trip: float = 0.0
    refuse: dict[str, list[int]] = field(default_factory=dict)
    faults: Faults = field(default_factory=Faults)
    next_faults: deque[Fault] = field(default_factory=deque)
    calls: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def handle(self, request: Request) -> Response:
        """One call. The delays are for the caller to wait, without our lock."""
        body = json_object(request.body) if request.method == "POST" else {}
        with self._lock:
            self.calls.append(request.path)
            fault = None if self.is_spared(request.path) else self._fault()
            answer = partial(self._answer, request, body, fault)
            return response_of(answer, fault, self.faults, self.round_trip)

    def is_spared(self, path: str) -> bool:
        """Whether nothing goes wrong there."""
        return False

    def answer(self, request: Request, body: dict[str, Any] | None) -> Said:
        """What is said to a call; `body` is None for one that is no JSON object."""
        raise NotImplementedError

    def revoke(self) -> None:
        """Every token stops being good, where there are any."""

    def _fault(self) -> Fault | None:
        return self.next_faults.popleft() if self.next_faults else self.faults.draw()

    def _answer(self, request: Request, body: dict[str, Any] | None, fault: Fault | None) -> Said:
        if codes := self.refuse.get(request.path):
            return refused(codes.pop(0), request)
        if fault == "busy":
            return refused(-1, request)
        if fault == "quota":
            return refused(45009, request)
        if fault == "revoke":
            self.revoke()
        return self.answer(request, body)


class Rate:
    """At most so many times in so long, for each key."""

    def __init__(self, count: int, span: timedelta) -> None:
        self.count = count
        self.span = span
        self._times: dict[str, deque[datetime]] = {}

    def has_room(self, key: str, now: datetime) -> bool:
        times = self._times.setdefault(key, deque())
        while times and now - times[0] >= self.span:
            times.popleft()
        return len(times) < self.count

    def take(self, key: str, now: datetime) -> None:
        self._times.setdefault(key, deque()).append(now)
