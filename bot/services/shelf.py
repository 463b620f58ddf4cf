"""What each community knows at this moment, kept by every process and renewed by one number.

A change raises the number in `knowledge_state`. A process looks at it every few seconds and reads
what has changed since: no entry but those is learned anew.
"""

import json
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from threading import Lock

from sqlalchemy import select

from bot.domain.person import CommunityView
from bot.storage.models import (
    Community,
    KnowledgeEntry,
    KnowledgeState,
    MatcherCalibration,
)
from bot.storage.session import UnitOfWork
from content.loader import Pack
from content.matcher import Calibration, Matcher
from content.overlay import OwnRule, digest, overlaid

# So often a process looks whether something has changed.
LOOK = timedelta(seconds=2)
# So many communities with rules of their own are kept ready; another takes some 0.2 s.
_READY = 32


@dataclass(frozen=True, slots=True)
class _Kept:
    """What a chain of communities was last given, and what was made of it."""

    rules: Mapping[str, OwnRule]
    pack: Pack
    digest: str


class Shelf:
    """The packs, each community's rules over them, and what the matcher has learned of both."""

    def __init__(self, packs: Mapping[str, Pack]) -> None:
        self._packs = packs
        self._lock = Lock()
        self._looked: datetime | None = None
        self._version = 0
        self._checked = -1
        self._rules: dict[int, dict[str, OwnRule]] = {}
        self._parents: dict[int, int | None] = {}
        self._homes: dict[int, str] = {}
        self._learned: dict[str, tuple[str, Calibration]] = {}
        self._kept: OrderedDict[tuple[str, int], _Kept] = OrderedDict()
        self._digests: dict[str, str] = {}

    def pack(self, session: UnitOfWork, home: CommunityView, pack: Pack, now: datetime) -> Pack:
        """The community's pack with its own rules and those of the communities above it."""
        with self._lock:
            self._look(session, now)
            rules = self._rules_of(home.id)
            return self._over(home.id, pack, rules) if rules else pack

    def due(self, session: UnitOfWork) -> tuple[str, str, Matcher] | None:
        """A knowledge base of whose texts nothing was learned: its name, their digest, a matcher
        that knows them. None where there is none.
        """
        with self._lock:
            self._renew(session)
            if self._checked == self._version:
                return None
            for name, pack in self._packs.items():
                if self._stale(_of_pack(name), self._digest(pack)):
                    return _of_pack(name), self._digest(pack), pack.knowledge.matcher
            for community_id, name in self._homes.items():
                rules = self._rules_of(community_id)
                if rules and name in self._packs:
                    self._over(community_id, self._packs[name], rules)
                    kept = self._kept[name, community_id]
                    if self._stale(_of_community(community_id), kept.digest):
                        return _of_community(community_id), kept.digest, kept.pack.knowledge.matcher
            self._checked = self._version
            return None

    def _stale(self, scope: str, of: str) -> bool:
        """Whether what was learned of the scope is of other texts, or nothing was."""
        learned = self._learned.get(scope)
        return learned is None or learned[0] != of

    def _look(self, session: UnitOfWork, now: datetime) -> None:
        if self._looked is None or not timedelta() <= now - self._looked < LOOK:
            self._looked = now
            self._renew(session)

    def _renew(self, session: UnitOfWork) -> None:
        version = session.scalar(select(KnowledgeState.count)) or 0
        if version == self._version:
            return
        self._read(session, version)

    def _read(self, session: UnitOfWork, version: int) -> None:
        """All that has changed since the last version; after a restore from a backup all of it."""
        since = self._version if version > self._version else -1
        if since < 0:
            self._rules, self._learned = {}, {}
            self._kept.clear()
        columns = Community.id, Community.name, Community.parent_id, Community.pack
        every = session.execute(select(*columns)).all()
        names = {row.id: row.name for row in every}
        self._parents = {row.id: row.parent_id for row in every}
        self._homes = {row.id: row.pack for row in every}
        for row in session.scalars(select(KnowledgeEntry).where(KnowledgeEntry.version > since)):
            own = self._rules.setdefault(row.community_id, {})
            own.pop(row.key, None)
            if row.state == "live":
                own[row.key] = rule_of(row, names[row.community_id])
        for learned in session.scalars(
            select(MatcherCalibration).where(MatcherCalibration.version > since)
        ):
            value = Calibration.from_json(json.loads(learned.value))
            self._learned[learned.scope] = (learned.digest, value)
        self._version = version
        for name, pack in self._packs.items():
            self._teach(_of_pack(name), pack, self._digest(pack))

    def _rules_of(self, community_id: int) -> dict[str, OwnRule]:
        """Its own and those of the communities above; of two with the same key the nearer one's."""
        if not any(self._rules.values()):
            return {}
        found: dict[str, OwnRule] = {}
        seen: set[int] = set()
        at: int | None = community_id
        while at is not None and at not in seen:
            seen.add(at)
            own = self._rules.get(at, {})
            if at != community_id:
                own = {key: replace(rule, inherited=True) for key, rule in own.items()}
            found = {**own, **found}
            at = self._parents.get(at)
        return found

    def _over(self, community_id: int, pack: Pack, rules: dict[str, OwnRule]) -> Pack:
        key = (pack.name, community_id)
        kept = self._kept.get(key)
        if kept is None or kept.rules != rules:
            before = kept.pack if kept else None
            made = overlaid(pack, rules, before, _changed(kept.rules if kept else {}, rules))
            kept = self._kept[key] = _Kept(rules, made, digest(made.knowledge))
        self._kept.move_to_end(key)
        while len(self._kept) > _READY:
            self._kept.popitem(last=False)
        self._teach(_of_community(community_id), kept.pack, kept.digest, _of_pack(pack.name))
        return kept.pack

    def _teach(self, scope: str, pack: Pack, of: str, otherwise: str = "") -> None:
        """Give its matcher what was learned of it; till then what was learned of its pack."""
        learned = self._learned.get(scope) or self._learned.get(otherwise)
        if learned is None or (scope.startswith("pack:") and learned[0] != of):
            return
        if pack.knowledge.matcher.calibration is not learned[1]:
            pack.knowledge.matcher.calibration = learned[1]

    def _digest(self, pack: Pack) -> str:
        if pack.name not in self._digests:
            self._digests[pack.name] = digest(pack.knowledge)
        return self._digests[pack.name]


def rule_of(row: KnowledgeEntry, community: str) -> OwnRule:
    return OwnRule(
        key=row.key,
        community_id=row.community_id,
        community=community,
        question=row.question,
        variants=tuple(json.loads(row.variants)),
        answer=row.answer,
        topic=row.topic,
        title=row.title,
        clause=row.clause,
        since=row.changed_at.date(),
        reviewed=row.approved_by is not None,
    )


def _changed(before: Mapping[str, OwnRule], after: Mapping[str, OwnRule]) -> Iterable[str]:
    return [key for key in {**before, **after} if before.get(key) != after.get(key)]


def _of_pack(name: str) -> str:
    return f"pack:{name}"


def _of_community(community_id: int) -> str:
    return f"community:{community_id}"
