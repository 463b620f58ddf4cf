"""What the matcher learns of each knowledge base's own texts, kept for every process.

The worker learns it anew whenever the texts have changed; until then what was learned before, or
the shipped thresholds, stand.
"""

import json
from datetime import datetime

from bot.services import knowledge
from bot.storage.models import MatcherCalibration
from bot.storage.session import UnitOfWork, put
from content.matcher import Calibration


def keep(session: UnitOfWork, scope: str, digest: str, learned: Calibration, now: datetime) -> None:
    """Let every process use it from now on."""
    put(
        session, MatcherCalibration, ("scope",), scope=scope, digest=digest,
        value=json.dumps(learned.to_json(), ensure_ascii=False),
        version=knowledge.next_version(session), made_at=now,
    )  # fmt: skip
