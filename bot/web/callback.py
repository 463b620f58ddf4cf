"""What the platforms' callbacks have in common: their query, and how they refuse."""

import threading
from datetime import datetime, timedelta

import structlog
from flask import Blueprint, Response, request

from bot.clock import Clock
from bot.domain.messages import Channel
from bot.errors import CallbackRefused, MalformedMessage, StaleTimestamp
from bot.web.metrics import Metrics

log = structlog.get_logger(__name__)
_SAY_AGAIN = timedelta(minutes=1)


class _Throttle:
    """Lets one log line through a minute, so that a stranger cannot fill the disk."""

    def __init__(self) -> None:
        self._last: datetime | None = None
        self._lock = threading.Lock()

    def due(self, now: datetime) -> bool:
        with self._lock:
            if self._last is not None and abs(now - self._last) < _SAY_AGAIN:
                return False
            self._last = now
            return True


def callback(channel: Channel, clock: Clock, metrics: Metrics) -> Blueprint:
    """An empty blueprint below /callback that refuses with nothing told about the reason: the one
    who asks may be a stranger.
    """
    pages = Blueprint(channel.value, __name__, url_prefix="/callback")
    throttles = {StaleTimestamp: _Throttle(), CallbackRefused: _Throttle()}

    @pages.errorhandler(CallbackRefused)
    def refuse(error: CallbackRefused) -> Response:
        metrics.refused.labels(channel.value, error.status).inc()
        kind = StaleTimestamp if isinstance(error, StaleTimestamp) else CallbackRefused
        if throttles[kind].due(clock.now()):
            log.warning("callback_refused", reason=str(error), status=error.status)
        return Response("refused\n", error.status, mimetype="text/plain")

    return pages


def parameters() -> dict[str, str]:
    """The query's parameters. Raises MalformedMessage for one that is given twice."""
    query: dict[str, str] = {}
    for name, values in request.args.lists():
        if len(values) != 1:
            raise MalformedMessage(f"The parameter {name[:32]} is given twice.")
        query[name] = values[0]
    return query
