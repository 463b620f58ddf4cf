"""The composition root: Settings to Application. The only module that names concrete classes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bot.clock import Clock, OffsetClock, pause
from bot.config import OfficialAccountSettings, Settings
from bot.errors import ConfigError, ContentError, DatabaseProblem
from bot.platforms.official_account.channel import OfficialAccount
from bot.platforms.official_account.client import Client
from bot.platforms.official_account.crypto import MessageKey
from bot.routing import Dispatcher
from bot.services import community
from bot.services.community import CommunitySettings
from bot.storage import schema
from bot.storage.engine import build_engine
from bot.storage.leader import leader_lock
from bot.storage.session import Database
from bot.storage.tokens import DatabaseTokens
from content import loader
from content.check import unknown_commands
from content.loader import Library
from handlers import ROUTERS
from scheduler.runner import Runner
from scheduler.tick import tick

# Seconds that a writer waits for the database. The platform waits 5 s for an answer in all.
_WAITS = {"web": 3.0, "worker": 10.0, "command": 10.0}
THREADS = 4
DEMO_TICK = 1.0
COMMANDS = frozenset(word for router in ROUTERS for word in router.commands)

Purpose = Literal["web", "worker", "command"]


@dataclass(frozen=True)
class Application:
    settings: Settings
    clock: Clock
    database: Database
    library: Library
    dispatcher: Dispatcher
    official_account: OfficialAccount | None


def demo_clock_file(data_dir: Path) -> Path:
    return data_dir / "demo_clock"


def build(settings: Settings, purpose: Purpose, *, demo: bool = False) -> Application:
    """Put everything together; no connection is opened. Raises ContentError or ConfigError."""
    library = load_content(settings)
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
            },
        ),
        official_account=_official_account(settings.official_account, library, settings),
    )


def load_content(settings: Settings) -> Library:
    library = loader.load(settings.content.dir)
    packs = library.packs.values()
    if unknown := [text for pack in packs for text in unknown_commands(pack, COMMANDS)]:
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
    return Database(engine, wait=_WAITS[purpose])


def _official_account(
    section: OfficialAccountSettings | None, library: Library, settings: Settings
) -> OfficialAccount | None:
    if section is None:
        return None
    keys = tuple(MessageKey(key, section.app_id) for key in section.aes_keys)
    more = library.packs[settings.defaults.pack].messages.say("paging.more")
    return OfficialAccount(section.token.get_secret_value(), keys, more)


def platform_client(account: OfficialAccountSettings, database: Database, clock: Clock) -> Client:
    """Calls to the official account's API; no call is made yet."""
    tokens = DatabaseTokens(database, clock.now, pause)
    secret = account.secret.get_secret_value()
    return Client(account.app_id, secret, account.api_base, tokens, clock.now)


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


def build_runner(application: Application, *, demo: bool = False) -> Runner:
    """The worker's loop."""
    retention = application.settings.retention
    database = application.database

    def work() -> None:
        tick(
            database,
            application.clock.now(),
            pause,
            text_hours=retention.inbox_text_hours,
            row_days=retention.inbox_row_days,
            data_dir=application.settings.storage.data_dir,
        )

    lock = leader_lock(database.engine, application.settings.storage.data_dir)
    return Runner(work, lock, DEMO_TICK) if demo else Runner(work, lock)
