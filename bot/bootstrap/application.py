"""Settings to Application, and its database made ready."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Literal

import structlog

from bot.bootstrap.channels import (
    official_account_of,
    templates_of,
    ways_of,
    wecom_app_of,
    wecom_bot_of,
)
from bot.clock import Clock, OffsetClock, pause
from bot.config import Settings
from bot.domain.delivery import (
    channel_of,
)
from bot.domain.reach import Outlet
from bot.errors import ConfigError, ContentError, DatabaseProblem
from bot.platforms.official_account.channel import OfficialAccount
from bot.platforms.wecom_app.channel import WecomApp
from bot.platforms.wecom_bot.channel import WecomBot
from bot.ports import TokenStore
from bot.routing import Dispatcher
from bot.services import community, outlet
from bot.services.community import CommunitySettings
from bot.storage import schema
from bot.storage.engine import build_engine
from bot.storage.session import Database, UnitOfWork
from bot.storage.tokens import DatabaseTokens
from content import loader
from content.check import unknown_buttons, unknown_commands, unknown_kinds
from content.loader import Library
from handlers import ROUTERS
from scheduler.kinds import KINDS

Purpose = Literal["web", "worker", "command"]
log = structlog.get_logger(__name__)

# Seconds that a writer waits for the database. The platform waits 5 s for an answer in all.
_WAITS = {"web": 2.6, "worker": 10.0, "command": 10.0}
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
        official_account=official_account_of(settings.official_account, library, settings),
        wecom_bot=wecom_bot_of(settings.wecom_bot, library, settings),
        wecom_app=wecom_app_of(settings.wecom_app, library, settings),
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
        names = ", ".join(library.names)
        raise ConfigError(
            [f"defaults.pack: there is no pack {settings.defaults.pack!r}; there are {names}"]
        )
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


def prepare_tokens(database: Database, clock: Clock) -> TokenStore:
    """The account's token, shared with the bot by the database.

    Raises DatabaseProblem or SchemaOutdated where the database is not ready.
    """
    schema.require_tables(database.engine)
    return DatabaseTokens(database, clock.now, pause)


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


def outlet_of(settings: Settings, session: UnitOfWork, now: datetime) -> Outlet:
    """What can be pushed now; nothing before a worker has run."""
    known = outlet.ways_of(session, now)
    ids = {key: template.id for key, template in templates_of(settings).items()}
    return replace(known, templates=ids)
