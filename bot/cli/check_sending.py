"""What doctor looks at for pushes: what the account may do, and whether what is due goes out."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from sqlalchemy.exc import SQLAlchemyError

from bot.bootstrap import capabilities_of, open_database, platform_client
from bot.cli.check import Check
from bot.clock import Clock
from bot.config import OfficialAccountSettings, Settings
from bot.domain.delivery import Capability, Way
from bot.errors import DatabaseProblem, PlatformRefused, PlatformSilent
from bot.platforms.official_account import endpoints
from bot.services import delivery_list, outbox, outlet, schedule
from bot.storage import schema
from bot.storage.session import Database

_LATE = timedelta(minutes=10)
# What to do about the codes that a first set-up meets.
_SENDING = {
    40013: "correct official_account.app_id",
    40125: "correct official_account.secret; reset the AppSecret on the platform if it is lost",
    40164: "add this machine's public address to the platform's IP allow-list (IP白名单)",
    40243: "the AppSecret is frozen: unfreeze it on the platform",
}
# There is no menu yet; to ask for it is allowed.
_NO_MENU = 46003
_NOT_ALLOWED = 48001


def sending_checks(settings: Settings, account: OfficialAccountSettings) -> Iterator[Check]:
    """Credentials, the IP allow-list, capability, and what is late or parked."""
    if not account.secret.get_secret_value():
        if not account.verified:
            yield Check("ok", "sending", "off: an unverified account only answers")
        else:
            advice = "set official_account.secret (AppSecret) to push messages"
            yield Check("warn", "sending", "no secret is configured", advice)
    else:
        yield from _platform(account)
    yield from _templates(account)
    database = open_database(settings, "command")
    try:
        yield from _deliveries(database)
    except (DatabaseProblem, SQLAlchemyError):
        # The check of the database has said so.
        return
    finally:
        database.dispose()


class TokensOfOneRun:
    """A TokenStore for one run: there may be no database yet."""

    def __init__(self) -> None:
        self._token: str | None = None

    def current(self, name: str) -> str | None:
        return self._token

    def renew(self, name: str, stale: str | None, fetch: Callable[[], tuple[str, datetime]]) -> str:
        self._token = fetch()[0]
        return self._token


def _platform(account: OfficialAccountSettings) -> Iterator[Check]:
    """Whether the platform gives this machine a token, and lets the account do what it should."""
    client = platform_client(account, TokensOfOneRun(), Clock())
    reach = f"let this machine reach {account.api_base}"
    try:
        client.check()
    except PlatformRefused as refused:
        advice = _SENDING.get(refused.code, "see the platform's page of return codes")
        yield Check("fail", "sending", str(refused), advice)
        return
    except PlatformSilent as silent:
        yield Check("warn", "sending", str(silent), reach)
        return
    yield Check("ok", "sending", "the platform gives us a token")
    wanted = capabilities_of(account)
    if Capability.MENU not in wanted:
        yield Check("ok", "capability", "an unverified account only answers: nothing is pushed")
        return
    try:
        endpoints.get_menu(client)
    except PlatformRefused as refused:
        if refused.code == _NOT_ALLOWED:
            advice = "correct official_account.kind and verified, or verify the account"
            yield Check("fail", "capability", "the account may do less than configured", advice)
            return
        if refused.code != _NO_MENU:
            advice = "see the platform's page of return codes"
            yield Check("warn", "capability", str(refused), advice)
            return
    except PlatformSilent as silent:
        yield Check("warn", "capability", str(silent), reach)
        return
    yield Check("ok", "capability", ", ".join(sorted(wanted)))


def _templates(account: OfficialAccountSettings) -> Iterator[Check]:
    allowed = capabilities_of(account)
    for item in account.template:
        if Capability(item.way) not in allowed:
            finding = f"{item.topic}: this account cannot send {item.way} messages"
            yield Check("warn", "template", finding, "only a verified service account can")


def _deliveries(database: Database) -> Iterator[Check]:
    schema.require_current(database.engine)
    now = Clock().now()
    with database.read() as session:
        known = outlet.ways_of(session, now)
        due = outbox.next_due(session)
        parked = [row for row in schedule.listed(session) if row.state == "parked"]
        counts = delivery_list.counts(session)
        refused = outlet.refused(session, now)
    failed = sum(count for _, state, count in counts if state == "failed")
    for way in sorted(refused):
        finding = f"the platform refuses {way} messages"
        yield Check("warn", "capability", finding, "it is tried again after a day")
    for way, until in sorted(known.rests.items()):
        if until > now:
            finding = f"{Way(way)} messages rest until {until:%Y-%m-%d %H:%M} UTC"
            yield Check("warn", "quota", finding, "nothing: what waits goes out then")
    if due is not None and now - due > _LATE:
        finding = f"the oldest is {(now - due).total_seconds() / 60:.0f} min late"
        yield Check("warn", "deliveries", finding, "start: xueban serve")
    elif failed:
        finding = f"{failed} failed in the last weeks"
        yield Check("warn", "deliveries", finding, "see: xueban deliveries list --state failed")
    else:
        yield Check("ok", "deliveries", "none is late or has failed")
    for row in parked:
        advice = "the organisers can set it anew with 安排"
        yield Check("warn", "schedule", f"{row.kind} ({row.rule}) is parked: {row.reason}", advice)
