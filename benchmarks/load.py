"""The load generator: keep-alive connections in one loop, every latency kept."""

import asyncio
import re
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count

CONNECTIONS = 8
_SAMPLE = 200
_LENGTH = b"content-length:"
# An encrypted reply, as XML or as JSON.
_ENCRYPTED = re.compile(rb'<Encrypt>|"encrypt"')
# asyncio's own timers are a millisecond coarse; what is left of a wait is spent polling.
_POLLED = 0.002


@dataclass
class Phase:
    """What one stretch of load gave. `latencies` are seconds of right replies, in any order.

    `samples` holds the body of one reply in 200; `wrong` counts what is not an encrypted 200.
    """

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    samples: list[bytes] = field(default_factory=list)
    wrong: int = 0

    @property
    def rate(self) -> float:
        """Right replies a second."""
        return len(self.latencies) / self.seconds

    def quantile(self, share: float) -> float:
        """Seconds within which this share of the replies came."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    def add(self, other: "Phase") -> None:
        self.seconds += other.seconds
        self.latencies += other.latencies
        self.samples += other.samples
        self.wrong += other.wrong


class _Connection(asyncio.Protocol):
    """One request at a time; `answered` is called with its start, and the whole response."""

    def __init__(self, answered: Callable[["_Connection", float, bytes, bytes], None]) -> None:
        self._answered = answered
        self._buffer = b""
        self._since = 0.0
        self._transport: asyncio.Transport | None = None
        self.lost = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def send(self, request: bytes, since: float) -> None:
        assert self._transport is not None
        self._since = since
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, separator, body = self._buffer.partition(b"\r\n\r\n")
        if separator and len(body) >= _length(head):
            self._buffer = b""
            self._answered(self, self._since, head, body)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.lost.done():
            self.lost.set_exception(error or ConnectionError("the server closed a connection"))

    def close(self) -> None:
        self.lost.cancel()
        if self._transport:
            self._transport.close()


def _length(head: bytes) -> int:
    start = head.lower().index(_LENGTH) + len(_LENGTH)
    return int(head[start:].partition(b"\r\n")[0])


class _Run:
    """Keeps the connections and records their replies."""

    def __init__(self, port: int) -> None:
        self.loop = asyncio.get_running_loop()
        self.phase = Phase()
        self.idle: deque[_Connection] = deque()
        self.busy = 0
        self.free: Callable[[_Connection], None] = self.idle.append
        self._port = port
        self._all: list[_Connection] = []
        self._drained = asyncio.Event()
        self._replies = count()

    async def __aenter__(self) -> "_Run":
        for _ in range(CONNECTIONS):
            _, connection = await self.loop.create_connection(
                lambda: _Connection(self._answered), "127.0.0.1", self._port
            )
            self._all.append(connection)
            self.idle.append(connection)
        return self

    async def __aexit__(self, *_: object) -> None:
        for connection in self._all:
            connection.close()

    def send(self, connection: _Connection, request: bytes, since: float) -> None:
        self.busy += 1
        connection.send(request, since)

    async def drain(self) -> None:
        """Wait for the replies to all that was sent. Raises what a connection ended with."""
        self._drained.clear()
        waiting = asyncio.ensure_future(self._drained.wait())
        if self.busy:
            losses = [connection.lost for connection in self._all]
            done, _ = await asyncio.wait([waiting, *losses], return_when=asyncio.FIRST_COMPLETED)
            for ended in done:
                ended.result()
        waiting.cancel()

    def _answered(self, connection: _Connection, since: float, head: bytes, body: bytes) -> None:
        if head.startswith(b"HTTP/1.1 200") and _ENCRYPTED.search(body):
            self.phase.latencies.append(self.loop.time() - since)
            if next(self._replies) % _SAMPLE == 0:
                self.phase.samples.append(body)
        else:
            self.phase.wrong += 1
        self.busy -= 1
        self.free(connection)
        if not self.busy:
            self._drained.set()


def saturate(port: int, requests: Sequence[bytes], seconds: float) -> Phase:
    """Every connection sends its next request as soon as it has its reply (a closed loop)."""

    async def work() -> Phase:
        async with _Run(port) as run:
            left = iter(requests)
            start = run.loop.time()

            def go_on(connection: _Connection) -> None:
                now = run.loop.time()
                request = next(left, None) if now < start + seconds else None
                if request is not None:
                    run.send(connection, request, now)

            run.free = go_on
            for connection in run.idle:
                go_on(connection)
            await run.drain()
            run.phase.seconds = run.loop.time() - start
            return run.phase

    return asyncio.run(work())


def pace(port: int, requests: Sequence[bytes], rate: float) -> Phase:
    """Evenly spaced requests, `rate` a second, whatever the server does (an open loop).

    A latency begins when the request was due, so that waiting for a connection counts.
    """

    async def work() -> Phase:
        async with _Run(port) as run:
            waiting: deque[tuple[float, bytes]] = deque()

            def hand_out(connection: _Connection) -> None:
                if waiting:
                    due, request = waiting.popleft()
                    run.send(connection, request, due)
                else:
                    run.idle.append(connection)

            run.free = hand_out
            start = run.loop.time()
            for number, request in enumerate(requests):
                due = start + number / rate
                await _until(run.loop, due)
                waiting.append((due, request))
                if run.idle:
                    hand_out(run.idle.popleft())
            await run.drain()
            run.phase.seconds = run.loop.time() - start
            return run.phase

    return asyncio.run(work())


async def _until(loop: asyncio.AbstractEventLoop, due: float) -> None:
    if (ahead := due - loop.time() - _POLLED) > 0:
        await asyncio.sleep(ahead)
    while loop.time() < due:
        await asyncio.sleep(0)
