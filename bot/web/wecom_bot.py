"""/callback/wecom-bot: the requests of a WeCom 智能机器人 to the dispatcher and back."""

from flask import Blueprint, Response, request

from bot.bootstrap import Application
from bot.clock import elapsed
from bot.domain.messages import SILENCE, Channel
from bot.platforms.wecom_bot.channel import WecomBot
from bot.web.callback import callback, parameters
from bot.web.metrics import Metrics

_NAME = Channel.WECOM_BOT.value


def blueprint(application: Application, bot: WecomBot, metrics: Metrics) -> Blueprint:
    clock, dispatcher = application.clock, application.dispatcher
    pages = callback(Channel.WECOM_BOT, clock, metrics)
    seconds = metrics.reply_seconds.labels(_NAME)

    @pages.get("/wecom-bot")
    def verify() -> Response:
        return Response(bot.verify(parameters(), clock.now()), mimetype="text/plain")

    @pages.post("/wecom-bot")
    def receive() -> Response:
        started = elapsed()
        opened = bot.open(parameters(), request.get_data(cache=False), clock.now())
        reply = SILENCE
        if opened.message is not None:
            done = dispatcher.dispatch(opened.message, clock.now())
            metrics.messages.labels(_NAME, opened.message.type, done.outcome).inc()
            reply = done.reply
        body = bot.seal(reply, opened, clock.now())
        seconds.observe(elapsed() - started)
        return Response(body, content_type="application/json; charset=utf-8")

    return pages
