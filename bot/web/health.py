"""/healthz and /metrics."""

from datetime import datetime, timedelta

import structlog
from flask import Blueprint, Response, jsonify
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy.exc import SQLAlchemyError

from bot.bootstrap import Application
from bot.services import heartbeat
from bot.web.metrics import Metrics

log = structlog.get_logger(__name__)

# A tick comes every 10 s; the process itself counts as one, so that a start is not an alarm.
TICK_LIMIT = timedelta(minutes=2)


def blueprint(application: Application, metrics: Metrics) -> Blueprint:
    pages = Blueprint("health", __name__)
    started = application.clock.now()

    def tick_age() -> float:
        """Seconds; raises SQLAlchemyError when the database cannot be read."""
        with application.database.read() as session:
            last = heartbeat.last(session, heartbeat.TICK)
        return _age(last, started, application.clock.now())

    @pages.get("/healthz")
    def healthz() -> tuple[Response, int]:
        try:
            age = tick_age()
        except SQLAlchemyError:
            log.exception("database_unreachable")
            return jsonify(status="database unreachable"), 503
        fresh = age <= TICK_LIMIT.total_seconds()
        status = "ok" if fresh else "the scheduler's tick is late; is the worker running?"
        return jsonify(status=status, tick_age_seconds=round(age, 1)), 200 if fresh else 503

    @pages.get("/metrics")
    def show() -> Response:
        try:
            metrics.tick_age.set(tick_age())
        except SQLAlchemyError:
            metrics.tick_age.set(float("nan"))
        return Response(generate_latest(metrics.registry), content_type=CONTENT_TYPE_LATEST)

    return pages


def _age(last: datetime | None, started: datetime, now: datetime) -> float:
    return (now - max(last or started, started)).total_seconds()
