"""The composition root: Settings to Application. The only module that names concrete classes."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

import structlog

from bot.clock import Clock, OffsetClock, elapsed
from bot.clock import pause as wait
from bot.config import OfficialAccountSettings, Settings, WecomAppSettings, WecomBotSettings
from bot.domain.delivery import (
    DIRECT,
    PROFILES,
    Capability,
    Outcome,
    Push,
    Remedy,
    Way,
    channel_of,
)
from bot.domain.messages import Channel
from bot.domain.reach import Outlet
from bot.errors import ConfigError, ContentError, DatabaseProblem
from bot.platforms.crypto import MessageKey
from bot.platforms.official_account.channel import OfficialAccount
from bot.platforms.official_account.client import Client
from bot.platforms.official_account.transport import OfficialAccountTransport, Template
from bot.platforms.wecom_app.channel import WecomApp
from bot.platforms.wecom_app.client import Client as WecomAppClient
from bot.platforms.wecom_bot.channel import WecomBot
from bot.platforms.wecom_bot.connection import Credentials, Patience
from bot.platforms.wecom_bot.long_connection import LongConnection
from bot.platforms.wecom_bot.replies import Phrases
from bot.ports import TokenStore, Transport
from bot.routing import Dispatcher
from bot.services import community, firing, heartbeat, outlet, pace
from bot.services.community import CommunitySettings
from bot.services.outbox import LEASE, Rules
from bot.storage import schema
from bot.storage.engine import build_engine
from bot.storage.leader import leader_lock
from bot.storage.session import DATABASE_BUSY, Database, UnitOfWork
from bot.storage.tokens import DatabaseTokens
from content import loader
from content.check import unknown_buttons, unknown_commands, unknown_kinds
from content.loader import Library
from handlers import ROUTERS
from scheduler.kinds import KINDS
from scheduler.line import Line
from scheduler.runner import INTERVAL, Runner
from scheduler.tick import tick
from scheduler.worker import Tools, Worker

Purpose = Literal["web", "worker", "command"]
log = structlog.get_logger(__name__)

# Seconds that a writer waits for the database. The platform waits 5 s for an answer in all.
_WAITS = {"web": 3.0, "worker": 10.0, "command": 10.0}
_PRIORITIES: Mapping[Purpose, Literal["first", "yield", ""]] = {
    "web": "first",
    "worker": "yield",
    "command": "",
}
THREADS = 4
DEMO_TICK = 1.0
COMMANDS = frozenset(word for router in ROUTERS for word in router.commands)

KINDS_BY_NAME = {kind.name: kind for kind in KINDS}
ROUTINES = frozenset(kind.routine for kind in KINDS if kind.routine)


@dataclass(frozen=True)
class Application:
    settings: Settings
    clock: Clock
    database: Database
    library: Library
    dispatcher: Dispatcher
    official_account: OfficialAccount | None
    wecom_bot: WecomBot | None
    wecom_app: WecomApp | None


def demo_clock_file(data_dir: Path) -> Path:
    return data_dir / "demo_clock"


def build(
    settings: Settings, purpose: Purpose, *, demo: bool = False, library: Library | None = None
) -> Application:
    """Put everything together; no connection is opened. Raises ContentError or ConfigError.

    `library` takes the place of the configured content.
    """
    library = library or load_content(settings)
    database = open_database(settings, purpose)
    return Application(
        settings=settings,
        clock=OffsetClock(demo_clock_file(settings.storage.data_dir)) if demo else Clock(),
        database=database,
        library=library,
        dispatcher=Dispatcher(
            database,
            ROUTERS,
            library.packs,
            settings.defaults.pack,
            {
                "text_hours": settings.retention.inbox_text_hours,
                "row_days": settings.retention.inbox_row_days,
                "public_url": settings.server.public_url,
            },
            pushes=frozenset(channel_of(way) for way in ways_of(settings)),
            kinds=KINDS_BY_NAME,
        ),
        official_account=_official_account(settings.official_account, library, settings),
        wecom_bot=_wecom_bot(settings.wecom_bot, library, settings),
        wecom_app=_wecom_app(settings.wecom_app, library, settings),
    )


def load_content(settings: Settings) -> Library:
    library = loader.load(settings.content.dir)
    packs = library.packs.values()
    unknown = [text for pack in packs for text in unknown_commands(pack, COMMANDS)]
    unknown += [text for pack in packs for text in unknown_buttons(pack, COMMANDS)]
    unknown += [text for pack in packs for text in unknown_kinds(pack, ROUTINES)]
    if unknown:
        raise ContentError(unknown)
    if settings.defaults.pack not in library.names:
        raise ConfigError([f"defaults.pack: there is no pack {settings.defaults.pack!r}"])
    return library


def open_database(settings: Settings, purpose: Purpose) -> Database:
    """The configured database; nothing is read or written yet."""
    storage = settings.storage
    engine = build_engine(
        storage.database_url,
        wait=_WAITS[purpose],
        synchronous=storage.synchronous,
        threads=THREADS,
        checkpoints=purpose != "web",
    )
    return Database(engine, wait=_WAITS[purpose], priority=_PRIORITIES[purpose])


def _official_account(
    section: OfficialAccountSettings | None, library: Library, settings: Settings
) -> OfficialAccount | None:
    if section is None:
        return None
    keys = tuple(MessageKey(key, section.app_id) for key in section.aes_keys)
    more = library.packs[settings.defaults.pack].messages.say("paging.more")
    return OfficialAccount(section.token.get_secret_value(), keys, more)


def _wecom_bot(
    section: WecomBotSettings | None, library: Library, settings: Settings
) -> WecomBot | None:
    """The callback's side; None where there is none, or the long connection is used."""
    if section is None or section.mode != "callback":
        return None
    key, phrases = section.encoding_aes_key.get_secret_value(), _phrases(library, settings)
    return WecomBot(section.token.get_secret_value(), key, section.name, phrases)


def _phrases(library: Library, settings: Settings) -> Phrases:
    say = library.packs[settings.defaults.pack].messages.say
    keys = ("paging.more", "conversation.card_ask", "conversation.card_chose")
    return Phrases(*map(say, (*keys, "conversation.working")))


def build_line(application: Application, patience: Patience | None = None) -> Line | None:
    """The long connection of the WeCom bot, which the leader begins; None where there is none."""
    settings, clock = application.settings, application.clock
    section = settings.wecom_bot
    if section is None or section.mode != "websocket":
        return None
    credentials = Credentials(section.ws_url, section.bot_id, section.secret.get_secret_value())

    def connect() -> LongConnection:
        # Somebody waits for these answers: before what the worker does otherwise.
        talking = build(settings, "web", library=application.library)
        connection = LongConnection(
            credentials, section.name, _phrases(application.library, settings),
            lambda message: talking.dispatcher.dispatch(message, clock.now()).reply,
            clock.now, elapsed, patience, talking.database.dispose,
        )  # fmt: skip
        with talking.database.read() as session:
            said = pace.said_since(session, Way.WECOM_BOT, clock.now() - timedelta(hours=1))
        connection.remember(said)
        return connection

    return Line(Way.WECOM_BOT, connect)


def _wecom_app(
    section: WecomAppSettings | None, library: Library, settings: Settings
) -> WecomApp | None:
    if section is None:
        return None
    more = library.packs[settings.defaults.pack].messages.say("paging.more")
    key = section.encoding_aes_key.get_secret_value()
    return WecomApp(section.token.get_secret_value(), key, section.corp_id, more)


def wecom_app_client(app: WecomAppSettings, tokens: TokenStore, clock: Clock) -> WecomAppClient:
    """Calls to the WeCom app's API; no call is made yet."""
    secret = app.secret.get_secret_value()
    return WecomAppClient(app.corp_id, app.agent_id, secret, app.api_base, tokens, clock.now)


def platform_client(account: OfficialAccountSettings, tokens: TokenStore, clock: Clock) -> Client:
    """Calls to the official account's API; no call is made yet."""
    secret = account.secret.get_secret_value()
    return Client(account.app_id, secret, account.api_base, tokens, clock.now)


def prepare_tokens(database: Database, clock: Clock) -> TokenStore:
    """The account's token, shared with the bot by the database.

    Raises DatabaseProblem or SchemaOutdated where the database is not ready.
    """
    schema.require_tables(database.engine)
    return DatabaseTokens(database, clock.now, wait)


def capabilities_of(account: OfficialAccountSettings | None) -> frozenset[Capability]:
    """What the configured account may ask the platform for; nothing without its secret."""
    if account is None or not account.secret.get_secret_value():
        return frozenset()
    return PROFILES[account.kind, account.verified]


def ways_of(settings: Settings) -> frozenset[Way]:
    """How the configured channels can push; by template only where one is configured."""
    account, bot = settings.official_account, settings.wecom_bot
    templates = account.template if account else ()
    configured = {Way.CUSTOMER, *(Way(item.way) for item in templates)}
    ways = {way for way in configured if Capability(way) in capabilities_of(account)}
    if bot is not None and bot.mode == "websocket":
        ways.add(Way.WECOM_BOT)
    return frozenset(ways)


def default_community(settings: Settings) -> CommunitySettings:
    values = settings.defaults
    return CommunitySettings(
        timezone=values.timezone,
        quiet_hours=values.quiet_hours,
        daily_message_budget=values.daily_message_budget,
        pack=values.pack,
    )


def prepare_database(application: Application) -> None:
    """Create an empty database with its first community; refuse one of another version.

    Raises SchemaOutdated, or DatabaseProblem where the data folder cannot be written.
    """
    settings, database = application.settings, application.database
    try:
        settings.storage.data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatabaseProblem(
            f"The folder {settings.storage.data_dir} cannot be created: {error.strerror}. "
            "Create it, or set storage.data_dir to one that this user may write."
        ) from error
    if schema.is_empty(database.engine):
        schema.upgrade(database.engine)
    schema.require_current(database.engine)
    with database.begin() as session:
        if not community.all_of(session):
            community.add(
                session,
                settings.defaults.community,
                default_community(settings),
                application.clock.now(),
                packs=application.library.names,
            )


def templates_of(settings: Settings) -> Mapping[tuple[str, Way], Template]:
    """The configured templates by topic and way."""
    account = settings.official_account
    listed = account.template if account else ()
    return {(item.topic, Way(item.way)): Template(item.id, item.fields) for item in listed}


def outlet_of(settings: Settings, session: UnitOfWork, now: datetime) -> Outlet:
    """What can be pushed now; nothing before a worker has run."""
    known = outlet.ways_of(session, now)
    ids = {key: template.id for key, template in templates_of(settings).items()}
    return replace(known, templates=ids)


class _Transports:
    """Each way's own. Nothing is planned for a way that there is not; should it be, it waits."""

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
    account = settings.official_account
    templates = templates_of(settings)
    transports: dict[Channel, Transport] = {}
    if line is not None:
        transports[Channel.WECOM_BOT] = line
    if account and capabilities_of(account):
        tokens = DatabaseTokens(database, clock.now, wait)
        client = platform_client(account, tokens, clock)
        more = messages.say("delivery.more")
        transports[Channel.OFFICIAL_ACCOUNT] = OfficialAccountTransport(client, more, templates)
    with database.begin() as session:
        for channel in DIRECT:
            ways = [way for way in ways_of(settings) if channel_of(way) is channel]
            outlet.configure(session, channel, ways, clock.now())

    def chore() -> bool:
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

    rules = Rules(
        messages.say("delivery.several"),
        {key: template.id for key, template in templates.items()},
        lease,
        line.absent if line else lambda: None,
        line.busy_until if line else lambda *_: None,
        {
            Channel.WECOM_BOT: messages.say("group.foot"),
            Channel.GROUP_ROBOT: messages.say("group.foot_robot"),
        },
    )
    transport = _Transports(transports)
    return Worker(Tools(database, transport, rules, clock.now, elapsed, wait, chore))


def tick_once(application: Application) -> None:
    """What the leader does every few seconds."""
    retention = application.settings.retention
    tick(
        application.database,
        application.clock.now(),
        wait,
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

    def work() -> None:
        tick_once(application)
        if line is not None and line.absent() is None:
            with application.database.begin() as session:
                heartbeat.beat(session, heartbeat.LINE, application.clock.now())

    lock = leader_lock(application.database.engine, application.settings.storage.data_dir)
    lead = line.lead if line else lambda _leading: None
    return Runner(work, lock, DEMO_TICK if demo else INTERVAL, lead)
