"""/callback/wecom-app: the requests of a WeCom app to the dispatcher and back."""

from flask import Blueprint, Response, request

from bot.bootstrap import Application
from bot.clock import elapsed
from bot.domain.messages import Channel
from bot.platforms.wecom_app.channel import WecomApp
from bot.web.callback import callback, parameters
from bot.web.metrics import Metrics

_NAME = Channel.WECOM_APP.value


def blueprint(application: Application, app: WecomApp, metrics: Metrics) -> Blueprint:
    clock, dispatcher = application.clock, application.dispatcher
    pages = callback(Channel.WECOM_APP, clock, metrics)
    seconds = metrics.reply_seconds.labels(_NAME)

    @pages.get("/wecom-app")
    def verify() -> Response:
        return Response(app.verify(parameters(), clock.now()), mimetype="text/plain")

    @pages.post("/wecom-app")
    def receive() -> Response:
        started = elapsed()
        message = app.open(parameters(), request.get_data(cache=False), clock.now())
        done = dispatcher.dispatch(message, clock.now())
        body = app.seal(done.reply, message, clock.now())
        metrics.messages.labels(_NAME, message.type, done.outcome).inc()
        seconds.observe(elapsed() - started)
        return Response(body, content_type="application/xml; charset=utf-8")

    return pages
