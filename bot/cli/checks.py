"""What doctor looks at: each check says what it found and what to do about it."""

import secrets
import sqlite3
from collections.abc import Iterator
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

import requests
from sqlalchemy.exc import SQLAlchemyError

from bot.bootstrap import load_content, open_database
from bot.cli.check import Check
from bot.cli.check_callback import TIMEOUT, callback_check, stamp
from bot.cli.check_sending import sending_checks
from bot.cli.check_wecom import robot_checks, wecom_app_checks, wecom_bot_checks
from bot.cli.common import settings_of
from bot.cli.reviews import reviews_of, today_of
from bot.clock import Clock
from bot.config import OfficialAccountSettings, Settings
from bot.errors import (
    ConfigError,
    ContentError,
    DatabaseProblem,
)
from bot.platforms.crypto import signature
from bot.platforms.signed import WINDOW
from bot.services import heartbeat
from bot.storage import schema
from bot.storage.maintenance import sqlite_has_wal_bug
from content.freshness import due, reviewed
from content.loader import Library

_TICK_LIMIT = 120.0


def run_checks(config: Path | None) -> list[Check]:
    """Every check; a broken configuration ends them, since nothing else can be known."""
    try:
        settings = settings_of(config)
    except ConfigError as error:
        return [Check("fail", "config", problem, "correct this key") for problem in error.problems]
    return [
        Check("ok", "config", "every key is valid"),
        *_content(settings),
        *_data_folder(settings.storage.data_dir),
        *_database(settings),
        *_channels(settings),
    ]


def _content(settings: Settings) -> Iterator[Check]:
    try:
        library = load_content(settings)
    except (ContentError, ConfigError) as error:
        yield from (Check("fail", "content", text, "correct this file") for text in error.problems)
    else:
        yield Check("ok", "content", f"packs: {', '.join(library.names)}")
        yield _sources(settings, library)


def _sources(settings: Settings, library: Library) -> Check:
    """How many of the packs' documents a person should compare with their text."""
    reviews, today = reviews_of(settings), today_of(settings)
    known = count = 0
    for name in library.names:
        knowledge = reviewed(library.packs[name].knowledge, reviews.get(name, {}))
        known += len(knowledge.documents)
        count += len(due(knowledge, today))
    if not count:
        return Check("ok", "sources", f"{known} documents, none is due for review")
    finding = f"{count} of {known} documents are due for review (reprint, differs or over a year)"
    return Check("warn", "sources", finding, "xueban content review")


def _data_folder(folder: Path) -> Iterator[Check]:
    probe = folder / f".doctor-{secrets.token_hex(4)}"
    try:
        probe.touch()
        probe.unlink()
    except FileNotFoundError:
        yield Check("warn", "data folder", f"{folder} is not there", "xueban serve creates it")
    except OSError as error:
        advice = "let the user that runs xueban write there, or change storage.data_dir"
        yield Check("fail", "data folder", f"{folder}: {error.strerror}", advice)
    else:
        yield Check("ok", "data folder", str(folder.resolve()))


def _database(settings: Settings) -> Iterator[Check]:
    if settings.storage.database_url.startswith("sqlite"):
        version = sqlite3.sqlite_version
        if sqlite_has_wal_bug():
            advice = "very rare; use Python with SQLite 3.51.3 or newer, or PostgreSQL"
            yield Check("warn", "SQLite", f"{version} has the WAL-reset bug", advice)
        else:
            yield Check("ok", "SQLite", version)
    if not settings.storage.url and not settings.storage.data_dir.exists():
        yield Check("warn", "database", "there is none yet", "xueban serve creates it")
        return
    database = open_database(settings, "command")
    try:
        schema.require_current(database.engine)
        yield Check("ok", "database", f"schema {schema.expected()}")
        with database.read() as session:
            last = heartbeat.last(session, heartbeat.TICK)
        yield _worker(last, Clock().now())
    except DatabaseProblem as error:
        if schema.is_empty(database.engine):
            yield Check("warn", "database", "it is empty", "xueban serve fills it")
        else:
            yield Check("fail", "database", str(error), "xueban db upgrade")
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        yield Check("fail", "database", reason, "check storage.url and storage.data_dir")
    finally:
        database.dispose()


def _worker(last: datetime | None, now: datetime) -> Check:
    if last is None:
        return Check("warn", "worker", "it has not run yet", "xueban serve starts it")
    age = (now - last).total_seconds()
    if age > _TICK_LIMIT:
        return Check("warn", "worker", f"its last tick was {age:.0f} s ago", "start: xueban serve")
    return Check("ok", "worker", f"its last tick was {age:.0f} s ago")


def _channels(settings: Settings) -> Iterator[Check]:
    account, app = settings.official_account, settings.wecom_app
    if not (account or app or settings.wecom_bot or settings.group_robot):
        advice = "add [official_account] with the values of the platform's page"
        yield Check("warn", "channels", "none is on", advice)
    if account:
        yield from _account(settings, account)
    if app:
        if not account:
            yield _clock(app.api_base)
        yield from wecom_app_checks(settings, app)
    if settings.wecom_bot:
        yield from wecom_bot_checks(settings, settings.wecom_bot)
    yield from robot_checks(settings)


def _account(settings: Settings, account: OfficialAccountSettings) -> Iterator[Check]:
    if account.encryption:
        yield Check("ok", "official account", "only encrypted messages are taken")
    else:
        yield Check(
            "warn",
            "official account",
            "plaintext mode: the signature does not cover the message",
            "set encoding_aes_key, and safe mode on the platform",
        )
    yield _clock(account.api_base)
    yield from sending_checks(settings, account)
    timestamp, nonce, echo = stamp()
    query = {"timestamp": timestamp, "nonce": nonce, "echostr": echo}
    query["signature"] = signature(account.token.get_secret_value(), timestamp, nonce)
    yield callback_check(settings, "callback", "/callback/official-account", query, echo)


def _clock(api_base: str) -> Check:
    """The platform's Date header against this machine's clock."""
    try:
        response = requests.head(api_base, timeout=TIMEOUT)
        theirs = parsedate_to_datetime(response.headers["Date"])
    except (requests.RequestException, KeyError, ValueError):
        advice = f"let this machine reach {api_base}"
        return Check("warn", "clock", "the platform's could not be asked", advice)
    skew = (theirs - Clock().now()).total_seconds()
    if abs(skew) > WINDOW.total_seconds():
        return Check("fail", "clock", f"differs by {skew:+.0f} s", "set this machine's clock (NTP)")
    return Check("ok", "clock", f"differs by {skew:+.0f} s")
