"""The shared token of a platform account: one fetches a new one, the others wait for it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy import select, update

from bot.storage.models import PlatformToken
from bot.storage.session import Database, UnitOfWork, insert_new

# Longer than the call that fetches a token may take; then another process may try.
_LEASE = timedelta(seconds=20)
_PAUSE = 0.1
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
_BARE = {"synchronize_session": False}


class DatabaseTokens:
    """A TokenStore. The row says who fetches; no transaction is open meanwhile."""

    def __init__(
        self, database: Database, now: Callable[[], datetime], pause: Callable[[float], None]
    ) -> None:
        self._database = database
        self._now = now
        self._pause = pause

    def current(self, name: str) -> str | None:
        with self._database.read() as session:
            return self._usable(session, name, None)

    def renew(self, name: str, stale: str | None, fetch: Callable[[], tuple[str, datetime]]) -> str:
        while True:
            with self._database.begin() as session:
                mine = self._claim(session, name)
                # Looked at behind the claim: whoever had it may just have put a new token there.
                found = self._usable(session, name, stale)
                if found and mine:
                    self._write(session, name, renewing_until=_LONG_AGO)
            if found:
                return found
            if mine:
                return self._fetch(name, fetch)
            self._pause(_PAUSE)

    def _usable(self, session: UnitOfWork, name: str, stale: str | None) -> str | None:
        row = session.scalar(select(PlatformToken).where(PlatformToken.name == name))
        if row is None or row.value in ("", stale) or row.expires_at <= self._now():
            return None
        return row.value

    def _claim(self, session: UnitOfWork, name: str) -> bool:
        now = self._now()
        insert_new(
            session, PlatformToken,
            name=name, value="", expires_at=_LONG_AGO, renewing_until=_LONG_AGO,
        )  # fmt: skip
        claimed = session.execute(
            update(PlatformToken)
            .where(PlatformToken.name == name, PlatformToken.renewing_until <= now)
            .values(renewing_until=now + _LEASE),
            execution_options=_BARE,
        )
        return bool(claimed.rowcount)  # type: ignore[attr-defined]

    def _fetch(self, name: str, fetch: Callable[[], tuple[str, datetime]]) -> str:
        new: dict[str, str | datetime] = {}
        try:
            value, until = fetch()
            new = {"value": value, "expires_at": until}
        finally:
            # Also when it failed: the next caller shall not wait for the lease to end.
            with self._database.begin() as session:
                self._write(session, name, renewing_until=_LONG_AGO, **new)
        return value

    def _write(self, session: UnitOfWork, name: str, **values: str | datetime) -> None:
        session.execute(
            update(PlatformToken).where(PlatformToken.name == name).values(values),
            execution_options=_BARE,
        )
