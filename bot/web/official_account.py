"""/callback/official-account: the platform's requests to the dispatcher and back."""

from flask import Blueprint, Response, request

from bot.bootstrap import Application
from bot.clock import elapsed
from bot.domain.messages import Channel
from bot.platforms.official_account.channel import BODY_LIMIT, OfficialAccount
from bot.web.callback import callback, parameters
from bot.web.metrics import Metrics

__all__ = ["BODY_LIMIT", "blueprint"]

_NAME = Channel.OFFICIAL_ACCOUNT.value


def blueprint(application: Application, account: OfficialAccount, metrics: Metrics) -> Blueprint:
    clock, dispatcher = application.clock, application.dispatcher
    pages = callback(Channel.OFFICIAL_ACCOUNT, clock, metrics)
    seconds = metrics.reply_seconds.labels(_NAME)

    @pages.get("/official-account")
    def verify() -> Response:
        return Response(account.verify(parameters(), clock.now()), mimetype="text/plain")

    @pages.post("/official-account")
    def receive() -> Response:
        started = elapsed()
        opened = account.open(parameters(), request.get_data(cache=False), clock.now())
        done = dispatcher.dispatch(opened.message, clock.now())
        body, content_type = account.seal(done.reply, opened, clock.now())
        metrics.messages.labels(_NAME, opened.message.type, done.outcome).inc()
        seconds.observe(elapsed() - started)
        return Response(body, content_type=f"{content_type}; charset=utf-8")

    return pages
