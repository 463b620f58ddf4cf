"""/callback/wecom-bot: the requests of a WeCom 智能机器人 to the dispatcher and back."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as StillAtIt
from functools import partial

import structlog
from flask import Blueprint, Response, request

from bot.bootstrap import THREADS, Application
from bot.clock import elapsed
from bot.domain.messages import SILENCE, Channel, InboundMessage, Reply
from bot.errors import MalformedMessage, PlatformProblem
from bot.platforms.wecom_bot.channel import WecomBot
from bot.platforms.wecom_bot.payload import Poll
from bot.platforms.wecom_bot.response_url import ResponseUrls
from bot.routing import Dispatched
from bot.web.callback import callback, parameters
from bot.web.metrics import Metrics

log = structlog.get_logger(__name__)

_NAME = Channel.WECOM_BOT.value
# The platform waits 5 s; what takes longer is asked for again by polls.
_SECONDS = 3.5
# How many answers that nobody has asked for again are kept.
_KEPT = 1000


def blueprint(application: Application, bot: WecomBot, metrics: Metrics) -> Blueprint:
    clock, section = application.clock, application.settings.wecom_bot
    pages = callback(Channel.WECOM_BOT, clock, metrics)
    seconds = metrics.reply_seconds.labels(_NAME)
    answers = Answers(application)
    urls = ResponseUrls(section.api_base if section else "")

    @pages.get("/wecom-bot")
    def verify() -> Response:
        return Response(bot.verify(parameters(), clock.now()), mimetype="text/plain")

    @pages.post("/wecom-bot")
    def receive() -> Response:
        started = elapsed()
        opened = bot.open(parameters(), request.get_data(cache=False), clock.now())
        message, reply = opened.message, None
        if message is not None:
            found = answers.begin(message)
            done = answers.wait(message, found)
            reply = done.reply if done else None
            metrics.messages.labels(_NAME, message.type, done.outcome if done else "later").inc()
            if message.event == "click":
                answers.tell(partial(_say, urls, bot, message, found))
        elif opened.poll is not None:
            reply = answers.again(opened.poll)
        body = bot.seal(reply, opened, clock.now())
        seconds.observe(elapsed() - started)
        return Response(body, content_type="application/json; charset=utf-8")

    return pages


def _say(
    urls: ResponseUrls, bot: WecomBot, message: InboundMessage, found: Future[Dispatched]
) -> None:
    """What there is to say to a card's tap: the passive answer only changes the card."""
    words, address = bot.words(found.result().reply), message.details.get("response_url", "")
    if not words or not address:
        return
    try:
        urls.say(address, words)
    except (PlatformProblem, MalformedMessage) as problem:
        log.error("response_url_failed", reason=str(problem))


class Answers:
    """Found by a few threads; what takes longer than the platform waits is asked for again."""

    def __init__(self, application: Application, seconds: float = _SECONDS) -> None:
        self._application = application
        self._seconds = seconds
        self._threads = ThreadPoolExecutor(THREADS, "wecom-bot")
        # Nobody who asks something waits for what is told beside that.
        self._telling = ThreadPoolExecutor(THREADS, "wecom-bot-says")
        self._late: dict[str, tuple[InboundMessage, Future[Dispatched]]] = {}
        self._lock = threading.Lock()

    def begin(self, message: InboundMessage) -> Future[Dispatched]:
        clock, dispatcher = self._application.clock, self._application.dispatcher
        return self._threads.submit(lambda: dispatcher.dispatch(message, clock.now()))

    def wait(self, message: InboundMessage, found: Future[Dispatched]) -> Dispatched | None:
        """None while it is still being found: then it can be asked for again."""
        try:
            return found.result(self._seconds)
        except StillAtIt:
            with self._lock:
                self._late[message.key.hex()] = (message, found)
                while len(self._late) > _KEPT:
                    self._late.pop(next(iter(self._late)))
            return None

    def again(self, poll: Poll) -> Reply | None:
        """The reply that a stream was begun for; nothing for somebody else's. None while it is
        still being found.
        """
        with self._lock:
            message, found = self._late.get(poll.id, (None, None))
        if message and (message.sender, message.conversation) != (poll.sender, poll.conversation):
            return SILENCE
        if found is not None:
            # What is kept of a reply may be less than the reply.
            return found.result().reply if found.done() else None
        try:
            key = bytes.fromhex(poll.id)
        except ValueError:
            return SILENCE
        said = self._application.dispatcher.said(key, poll.sender, poll.conversation)
        return said or SILENCE

    def tell(self, work: Callable[[], None]) -> None:
        """Do this beside what is answered now."""
        self._telling.submit(work)
