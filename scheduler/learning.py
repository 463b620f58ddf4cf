"""The leader's spare time: what the matcher learns of each knowledge base, in a nice thread."""

import os
import threading
from collections.abc import Callable, Mapping
from datetime import datetime

import structlog

from bot.services import calibration
from bot.services.shelf import Shelf
from bot.storage.session import Database
from content.loader import Pack
from content.matcher import calibrate
from content.matcher.calibration import TARGET

log = structlog.get_logger(__name__)

_NICE = 15


class Learner:
    """Learns one knowledge base after another; asked with every tick whether there is one."""

    def __init__(
        self,
        database: Database,
        packs: Mapping[str, Pack],
        now: Callable[[], datetime],
        precision: float = TARGET,
    ) -> None:
        """`precision` is the share of right ones among the answers given."""
        self._precision = precision
        self._database, self._now = database, now
        self._shelf = Shelf(packs, precision)
        self._running: threading.Thread | None = None

    def look(self) -> None:
        """Begin to learn what is due, unless something is being learned.

        Nobody waits for the thread at the end: what is half learned is learned again.
        """
        if self._running is None or not self._running.is_alive():
            self._running = threading.Thread(target=self._safely, name="learning", daemon=True)
            self._running.start()

    def learn(self) -> bool:
        """Learn one knowledge base that is due, some 5 s; False where none is."""
        with self._database.begin() as session:
            found = self._shelf.due(session)
        if found is None:
            return False
        scope, digest, matcher = found
        learned = calibrate(matcher.copy(), self._precision)
        with self._database.begin() as session:
            calibration.keep(session, scope, digest, learned, self._now())
        log.info("learned", scope=scope, texts=learned.sampled)
        return True

    def _safely(self) -> None:
        try:
            os.nice(_NICE)
            while self.learn():
                pass
        except Exception:
            log.exception("learning_failed")
