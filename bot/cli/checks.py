"""What doctor looks at: each check says what it found and what to do about it."""

import secrets
import sqlite3
from collections.abc import Iterator
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

import requests
from sqlalchemy.exc import SQLAlchemyError

from bot.bootstrap import load_content, open_database
from bot.cli.check import Check
from bot.cli.check_sending import sending_checks
from bot.cli.common import settings_of
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

_TIMEOUT = 5.0
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
        *_account(settings),
    ]


def _content(settings: Settings) -> Iterator[Check]:
    try:
        library = load_content(settings)
    except (ContentError, ConfigError) as error:
        yield from (Check("fail", "content", text, "correct this file") for text in error.problems)
    else:
        yield Check("ok", "content", f"packs: {', '.join(library.names)}")


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


def _account(settings: Settings) -> Iterator[Check]:
    account = settings.official_account
    if account is None:
        advice = "add [official_account] with the values of the platform's page"
        yield Check("warn", "official account", "no channel is on", advice)
        return
    if account.encryption:
        yield Check("ok", "official account", "only encrypted messages are taken")
    else:
        yield Check(
            "warn",
            "official account",
            "plaintext mode: the signature does not cover the message",
            "set encoding_aes_key, and safe mode on the platform",
        )
    yield _clock(account)
    yield from sending_checks(settings, account)
    yield _callback(settings, account)


def _clock(account: OfficialAccountSettings) -> Check:
    """The platform's Date header against this machine's clock."""
    try:
        response = requests.head(account.api_base, timeout=_TIMEOUT)
        theirs = parsedate_to_datetime(response.headers["Date"])
    except (requests.RequestException, KeyError, ValueError):
        advice = f"let this machine reach {account.api_base}"
        return Check("warn", "clock", "the platform's could not be asked", advice)
    skew = (theirs - Clock().now()).total_seconds()
    if abs(skew) > WINDOW.total_seconds():
        return Check("fail", "clock", f"differs by {skew:+.0f} s", "set this machine's clock (NTP)")
    return Check("ok", "clock", f"differs by {skew:+.0f} s")


def _callback(settings: Settings, account: OfficialAccountSettings) -> Check:
    """Asks the public address what the platform's page asks when it is saved."""
    base = settings.server.public_url
    if not base:
        advice = "set server.public_url; the platform calls port 80 or 443 only"
        return Check("warn", "callback", "no public address is configured", advice)
    if urlsplit(base).port not in (None, 80, 443):
        advice = "put a reverse proxy on port 80 or 443 in front"
        return Check("fail", "callback", f"{base}: the platform calls port 80 or 443 only", advice)
    timestamp, nonce, echo = (
        str(int(Clock().now().timestamp())),
        secrets.token_hex(5),
        secrets.token_hex(8),
    )
    query = {"timestamp": timestamp, "nonce": nonce, "echostr": echo}
    query["signature"] = signature(account.token.get_secret_value(), timestamp, nonce)
    url = f"{base}/callback/official-account"
    try:
        response = requests.get(url, params=query, timeout=_TIMEOUT)
    except requests.RequestException as error:
        reason = type(error).__name__
        return Check(
            "fail", "callback", f"{url}: {reason}", "start xueban serve; check the proxy and DNS"
        )
    if response.status_code != 200 or response.text != echo:
        advice = "the proxy must pass path, query and body unchanged"
        return Check(
            "fail", "callback", f"{url} answers {response.status_code}, not the echo", advice
        )
    return Check("ok", "callback", url)
