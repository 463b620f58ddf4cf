"""The one connection that messages come and go by: whoever leads has it, the others stand by."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from bot.domain.delivery import Outcome, Push, Remedy, Way
from bot.ports import Transport


class Connected(Transport, Protocol):
    """A connection that is begun once and ended once."""

    @property
    def live(self) -> bool: ...

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def busy_until(self, conversation: str, now: datetime) -> datetime | None:
        """When the conversation can take another message; None for at once."""


class Line:
    """A Transport of the way `way`, by a connection that `connect` makes."""

    def __init__(self, way: Way, connect: Callable[[], Connected]) -> None:
        self._way = way
        self._connect = connect
        self._connection: Connected | None = None

    def lead(self, leading: bool) -> None:
        """This process leads from now on, or no longer."""
        if leading and self._connection is None:
            connection = self._connect()
            connection.start()
            self._connection = connection
        elif not leading and self._connection is not None:
            ended, self._connection = self._connection, None
            ended.stop()

    def absent(self) -> Way | None:
        """The way, while nothing can be sent from here."""
        connection = self._connection
        return None if connection is not None and connection.live else self._way

    def busy_until(self, conversation: str, now: datetime) -> datetime | None:
        """When the conversation can take another message; None for at once."""
        connection = self._connection
        return connection.busy_until(conversation, now) if connection is not None else None

    def send(self, push: Push) -> Outcome:
        """See Transport."""
        connection = self._connection
        if connection is None:
            return Outcome(Remedy.RETRY, reason="the connection is elsewhere")
        return connection.send(push)
