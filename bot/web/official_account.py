"""/callback/official-account: the platform's requests to the dispatcher and back."""

import threading
from datetime import datetime, timedelta

import structlog
from flask import Blueprint, Response, request

from bot.bootstrap import Application
from bot.clock import elapsed
from bot.domain.messages import Channel
from bot.errors import CallbackRefused, MalformedMessage, StaleTimestamp
from bot.platforms.official_account.channel import BODY_LIMIT, OfficialAccount
from bot.web.metrics import Metrics

__all__ = ["BODY_LIMIT", "blueprint"]

log = structlog.get_logger(__name__)
_NAME = Channel.OFFICIAL_ACCOUNT.value
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


def blueprint(application: Application, account: OfficialAccount, metrics: Metrics) -> Blueprint:
    pages = Blueprint("official_account", __name__, url_prefix="/callback")
    clock, dispatcher = application.clock, application.dispatcher
    seconds = metrics.reply_seconds.labels(_NAME)
    throttles = {StaleTimestamp: _Throttle(), CallbackRefused: _Throttle()}

    @pages.get("/official-account")
    def verify() -> Response:
        return Response(account.verify(_query(), clock.now()), mimetype="text/plain")

    @pages.post("/official-account")
    def receive() -> Response:
        started = elapsed()
        opened = account.open(_query(), request.get_data(cache=False), clock.now())
        done = dispatcher.dispatch(opened.message, clock.now())
        body, content_type = account.seal(done.reply, opened, clock.now())
        metrics.messages.labels(_NAME, opened.message.type, done.outcome).inc()
        seconds.observe(elapsed() - started)
        return Response(body, content_type=f"{content_type}; charset=utf-8")

    @pages.errorhandler(CallbackRefused)
    def refuse(error: CallbackRefused) -> Response:
        """Nothing about the reason goes out: the one who asks may be a stranger."""
        metrics.refused.labels(_NAME, error.status).inc()
        kind = StaleTimestamp if isinstance(error, StaleTimestamp) else CallbackRefused
        if throttles[kind].due(clock.now()):
            log.warning("callback_refused", reason=str(error), status=error.status)
        return Response("refused\n", error.status, mimetype="text/plain")

    return pages


def _query() -> dict[str, str]:
    """The query's parameters. Raises MalformedMessage for one that is given twice."""
    query: dict[str, str] = {}
    for name, values in request.args.lists():
        if len(values) != 1:
            raise MalformedMessage(f"The parameter {name[:32]} is given twice.")
        query[name] = values[0]
    return query
