"""The Flask application: callbacks, pages, calendars, uploaded files, health, metrics."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import TYPE_CHECKING

import structlog
from flask import Flask, Response
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from bot.bootstrap import Application
from bot.web import (
    assets,
    calendar,
    console,
    enter,
    files,
    health,
    official_account,
    portal,
    wecom_app,
    wecom_bot,
)
from bot.web.metrics import Metrics

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

log = structlog.get_logger(__name__)


def create_app(application: Application) -> Flask:
    """One application per process; every state but the database's is its own."""
    app = Flask(__name__, static_folder=None)
    # One more than is taken: a body without a length is cut here, and then seen to be too long.
    app.config["MAX_CONTENT_LENGTH"] = official_account.BODY_LIMIT + 1
    app.wsgi_app = _ChunkedBodies(app.wsgi_app)  # type: ignore[method-assign, assignment]
    metrics = Metrics()
    if application.official_account is not None:
        app.register_blueprint(
            official_account.blueprint(application, application.official_account, metrics)
        )
    if application.wecom_bot is not None:
        app.register_blueprint(wecom_bot.blueprint(application, application.wecom_bot, metrics))
    if application.wecom_app is not None:
        app.register_blueprint(wecom_app.blueprint(application, application.wecom_app, metrics))
    app.register_blueprint(calendar.blueprint(application))
    app.register_blueprint(files.blueprint(application))
    app.register_blueprint(assets.blueprint(app))
    app.register_blueprint(enter.blueprint(application))
    app.register_blueprint(console.blueprint(application))
    app.register_blueprint(portal.blueprint(application))
    app.register_blueprint(health.blueprint(application, metrics))
    app.register_error_handler(Exception, _failed)
    if hops := application.settings.server.trusted_proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    return app


class _ChunkedBodies:
    """Says that the server ends a chunked body itself; without it Werkzeug reads none at all."""

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        if environ.get("HTTP_TRANSFER_ENCODING", "").lower() == "chunked":
            environ["wsgi.input_terminated"] = True
        return self._app(environ, start)


def _failed(error: Exception) -> Response:
    """Last resort: a number to name to the operator, and nothing of the error itself."""
    if isinstance(error, HTTPException):
        return Response(f"{error.code} {error.name}\n", error.code or 500, mimetype="text/plain")
    reference = secrets.token_hex(3).upper()
    log.error("request_failed", reference=reference, exc_info=error)
    return Response(f"Something failed here (reference {reference}).\n", 500, mimetype="text/plain")
