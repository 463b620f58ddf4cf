"""What sends and what ticks: the worker, its transports, the line, the scheduler's loop."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import structlog

from bot.bootstrap.application import DEMO_TICK, KINDS_BY_NAME, Application, build
from bot.bootstrap.channels import (
    capabilities_of,
    phrases_of,
    platform_client,
    templates_of,
    ways_of,
    wecom_app_client,
)
from bot.clock import elapsed, pause
from bot.domain.delivery import DIRECT, Outcome, Push, Remedy, Way, channel_of
from bot.domain.messages import Channel
from bot.platforms.group_robot.client import Robot
from bot.platforms.group_robot.transport import GroupRobotTransport
from bot.platforms.official_account.transport import OfficialAccountTransport
from bot.platforms.wecom_app.transport import WecomAppTransport
from bot.platforms.wecom_bot.connection import Credentials, Patience
from bot.platforms.wecom_bot.long_connection import LongConnection
from bot.ports import Transport
from bot.services import community, firing, group_chat, heartbeat, outlet, pace
from bot.services.outbox import LEASE, Rules
from bot.storage.leader import leader_lock
from bot.storage.session import DATABASE_BUSY
from bot.storage.tokens import DatabaseTokens
from content.messages import Messages
from scheduler.learning import Learner
from scheduler.line import Line
from scheduler.runner import INTERVAL, Runner
from scheduler.tick import tick
from scheduler.worker import BATCH, BUNDLE, Tools, Worker

log = structlog.get_logger(__name__)

# Seconds after the start, in which the web has the processor.
_SETTLED = 60.0


def build_line(application: Application, patience: Patience | None = None) -> Line | None:
    """The long connection of the WeCom bot, which the leader begins; None where there is none."""
    settings, clock = application.settings, application.clock
    section = settings.wecom_bot
    if section is None or section.mode != "websocket":
        return None
    credentials = Credentials(section.ws_url, section.bot_id, section.secret.get_secret_value())

    def connect() -> LongConnection:
        with application.database.read() as session:
            said = pace.said_since(session, Way.WECOM_BOT, clock.now() - timedelta(hours=1))
        # Somebody waits for these answers: before what the worker does otherwise.
        talking = build(settings, "web", library=application.library)
        # It takes seconds: before the platform sends anything.
        talking.dispatcher.learn()
        connection = LongConnection(
            credentials, section.name, phrases_of(application.library, settings),
            lambda message: talking.dispatcher.dispatch(message, clock.now()).reply,
            clock.now, elapsed, patience, talking.database.dispose,
        )  # fmt: skip
        connection.remember(said)
        return connection

    return Line(Way.WECOM_BOT, connect)


class _Transports:
    """Each channel's own. Nothing is planned where there is none; should it be, it waits."""

    def __init__(self, by_channel: Mapping[Channel, Transport]) -> None:
        self._by_channel = by_channel

    def send(self, push: Push) -> Outcome:
        transport = self._by_channel.get(channel_of(push.way))
        if transport is None:
            return Outcome(Remedy.CAPABILITY, reason="the account has no way to push")
        return transport.send(push)


def build_worker(
    application: Application, *, lease: timedelta = LEASE, line: Line | None = None
) -> Worker:
    """What sends, also by the `line`; it tells the ways that there are to the other processes."""
    settings, database, clock = application.settings, application.database, application.clock
    messages = application.library.packs[settings.defaults.pack].messages
    app, robots = _app(application, messages), _robots(application, messages)
    transports: dict[Channel, Transport] = {Channel.GROUP_ROBOT: robots}
    if line is not None:
        transports[Channel.WECOM_BOT] = line
    if app is not None:
        transports[Channel.WECOM_APP] = app
    if account := _account(application, messages):
        transports[Channel.OFFICIAL_ACCOUNT] = account
    _configure(application)

    def busy_until(way: Way, address: str, now: datetime) -> datetime | None:
        if way is Way.GROUP_ROBOT:
            return robots.busy_until(address, now)
        return line.busy_until(address, now) if line and way is Way.WECOM_BOT else None

    rules = Rules(
        messages.say("delivery.several"),
        {key: template.id for key, template in templates_of(settings).items()},
        lease,
        line.absent if line else lambda: None,
        busy_until,
        {
            Channel.WECOM_BOT: messages.say("group.foot"),
            Channel.GROUP_ROBOT: messages.say("group.foot_robot"),
        },
    )
    tools = Tools(
        database, _Transports(transports), rules, clock.now, elapsed, pause,
        lambda: _expand(application), {Way.WECOM_APP: app} if app else {},
    )  # fmt: skip
    only_app = app is not None and not account and line is None
    return Worker(tools, batch=BUNDLE if only_app else BATCH)


def _account(application: Application, messages: Messages) -> OfficialAccountTransport | None:
    settings, clock = application.settings, application.clock
    account = settings.official_account
    if account is None or not capabilities_of(account):
        return None
    tokens = DatabaseTokens(application.database, clock.now, pause)
    client = platform_client(account, tokens, clock)
    return OfficialAccountTransport(client, messages.say("delivery.more"), templates_of(settings))


def _app(application: Application, messages: Messages) -> WecomAppTransport | None:
    app, clock = application.settings.wecom_app, application.clock
    if app is None or not app.secret.get_secret_value():
        return None
    tokens = DatabaseTokens(application.database, clock.now, pause)
    client = wecom_app_client(app, tokens, clock)
    return WecomAppTransport(client, messages.say("delivery.more"))


def _robots(application: Application, messages: Messages) -> GroupRobotTransport:
    listed = application.settings.group_robot
    robots = {robot.name: Robot(robot.url.get_secret_value()) for robot in listed}
    return GroupRobotTransport(robots, messages.say("group.cut"), application.clock.now)


def _configure(application: Application) -> None:
    """Write down which ways there are, and which groups the robots speak to."""
    settings, now = application.settings, application.clock.now()
    ways = ways_of(settings)
    with application.database.begin() as session:
        for channel in DIRECT:
            own = [way for way in ways if channel_of(way) is channel]
            outlet.configure(session, channel, own, now)
        every = community.all_of(session)
        homes = {view.name: view.id for view in every} | {"": every[0].id}
        robots = {}
        for robot in settings.group_robot:
            home = homes.get(robot.community)
            if home is None:
                log.error("robot_without_community", robot=robot.name)
            else:
                robots[robot.name] = home
        group_chat.set_robots(session, robots, now)


def _expand(application: Application) -> bool:
    """Tell some of a firing's audience; whether there was one."""
    database, clock = application.database, application.clock
    with database.read() as session:
        if not firing.waiting(session):
            return False
    try:
        with database.begin() as session:
            return firing.expand(session, KINDS_BY_NAME, clock.now()) is not None
    except DATABASE_BUSY:
        raise
    except Exception:
        # It would hold up every other; it is kept, and shown.
        log.exception("expanding_failed")
        with database.begin() as session:
            return firing.park(session, "cannot be told", clock.now())


def tick_once(application: Application) -> None:
    """What the leader does every few seconds."""
    retention = application.settings.retention
    tick(
        application.database,
        application.clock.now(),
        pause,
        text_hours=retention.inbox_text_hours,
        row_days=retention.inbox_row_days,
        data_dir=application.settings.storage.data_dir,
        kinds=KINDS_BY_NAME,
        packs=application.library.packs,
    )


def build_runner(
    application: Application, *, demo: bool = False, line: Line | None = None
) -> Runner:
    """The scheduler's loop; the leader has the `line`."""

    learner = Learner(
        application.database, application.library.packs, application.clock.now,
        application.settings.content.precision,
    )  # fmt: skip

    began = elapsed()

    def work() -> None:
        tick_once(application)
        if elapsed() - began > _SETTLED:
            learner.look()
        if line is not None and line.absent() is None:
            with application.database.begin() as session:
                heartbeat.beat(session, heartbeat.LINE, application.clock.now())

    lock = leader_lock(application.database.engine, application.settings.storage.data_dir)
    lead = line.lead if line else lambda _leading: None
    return Runner(work, lock, DEMO_TICK if demo else INTERVAL, lead)
