"""What the platform knows of one account."""

import itertools
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from typing import Any, Literal

from bot.clock import Clock
from bot.simulator.ledger import (
    Allowance,
    Fault,
    Faults,
    File,
    Files,
    Heard,
    Masses,
    Quotas,
    Sent,
    Use,
    Windows,
)
from bot.simulator.tokens import Tokens
from bot.simulator.watching import NOBODY, Watcher

Kind = Literal["subscription", "service"]


@dataclass
class State:
    """Several threads may use the public methods; the rest is for the calls, under the lock.

    `kind` and `verified` say what the account may do; they may be changed at any time. `allowed`
    is the list of addresses; None lets everybody in. `followers`: None means everybody; `blocking`
    refuse the account's templates (the call succeeds, the event says otherwise). `templates`: None
    knows every id. `refuse` answers the next calls to a path with these codes. `faults` happen by
    chance, `next_faults` to the next calls in turn. `round_trip` is in seconds, for every answer.
    `watch` hears of everything.

    `sent` are the messages that arrived and `events` what the platform would tell the bot (the
    fields for Platform.push), `calls` the paths that were called; all oldest first. `scenes` are
    the scenes by their code's ticket.
    """

    app_id: str
    secret: str
    clock: Clock
    allowed: tuple[str, ...] | None = None
    kind: Kind = "service"
    verified: bool = True
    id: str = "gh_sandbox00001"
    followers: set[str] | None = None
    blocking: set[str] = field(default_factory=set)
    templates: set[str] | None = None
    round_trip: float = 0.0
    refuse: dict[str, list[int]] = field(default_factory=dict)
    faults: Faults = field(default_factory=Faults)
    next_faults: deque[Fault] = field(default_factory=deque)
    quotas: Quotas = field(default_factory=Quotas)
    files: Files = field(default_factory=Files)
    sent: list[Sent] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    menu: list[dict[str, Any]] | None = None
    scenes: dict[str, str] = field(default_factory=dict)
    scene_ends: dict[str, datetime] = field(default_factory=dict)
    watch: Watcher = NOBODY
    _tokens: Tokens = field(default_factory=Tokens)
    allowance: Windows = field(default_factory=Windows)
    consented: dict[tuple[str, str], int] = field(default_factory=dict)
    # When each openid did something for the first and for the last time.
    heard_at: dict[str, tuple[datetime, datetime]] = field(default_factory=dict)
    typing_until: dict[str, datetime] = field(default_factory=dict)
    repeats: dict[tuple[str, str], tuple[int, datetime]] = field(default_factory=dict)
    masses: Masses = field(default_factory=Masses)
    cleared: list[date] = field(default_factory=list)
    ids: Iterator[int] = field(default_factory=lambda: itertools.count(2_400_000_000_000_000_000))
    _news: deque[Callable[[], None]] = field(default_factory=deque)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def set_profile(self, kind: Kind, verified: bool) -> None:
        """Another kind of account from now on; no call sees half of the change."""
        with self._lock:
            self.kind, self.verified = kind, verified

    def revoke(self) -> None:
        """Every token that there is stops being good, as when the secret is reset."""
        with self._lock:
            self._tokens.revoke()

    def heard(self, openid: str, kind: Heard, at: datetime | None = None) -> None:
        """The member did something that lets the account write to them: now, or at that time."""
        with self._lock:
            now = at or self.clock.now()
            self.allowance.heard(openid, kind, now)
            self.heard_at[openid] = self.heard_at.get(openid, (now, now))[0], now

    def consent(self, openid: str, template_id: str, *, tell: bool = False) -> None:
        """The member has agreed to one more notification; with `tell` the bot hears of it."""
        with self._changing():
            key = openid, template_id
            self.consented[key] = self.consented.get(key, 0) + 1
            if tell:
                item = {"TemplateId": template_id, "SubscribeStatusString": "accept"}
                more = {"SubscribeMsgPopupEvent": {"List": item | {"PopupScene": "1"}}}
                self.tell(openid, "subscribe_msg_popup_event", more)

    def reject(self, openid: str, template_id: str, *, tell: bool = False) -> None:
        """The member wants none of these any more; with `tell` the bot hears of it."""
        with self._changing():
            self.consented[openid, template_id] = 0
            if tell:
                item = {"TemplateId": template_id, "SubscribeStatusString": "reject"}
                more = {"SubscribeMsgChangeEvent": {"List": item}}
                self.tell(openid, "subscribe_msg_change_event", more)

    def receive(self, type: str, content: bytes, content_type: str) -> str:
        """A member sends a file: its media id."""
        with self._lock:
            return self.files.store(File(type, content, content_type, self.clock.now()))

    def scene_of(self, ticket: str) -> str:
        """What a code stands for; "" for one that there is not, or that has run out."""
        ends = self.scene_ends.get(ticket)
        return "" if ends and ends <= self.clock.now() else self.scenes.get(ticket, "")

    def windows(self, openid: str) -> list[Allowance]:
        """What may still be sent to them: "48 小时" and "1 分钟", and "付款" while it is open."""
        with self._lock:
            return self.allowance.views(openid, self.clock.now())

    def used(self) -> list[Use]:
        """The paths that were called today (in Shanghai), with their limits, by name."""
        with self._lock:
            return self.quotas.used(self.clock.now())

    def consents(self, openid: str) -> dict[str, int]:
        """How often each template may still be sent to them, for those they were asked about."""
        with self._lock:
            return {name: left for (who, name), left in self.consented.items() if who == openid}

    # For the calls

    def people(self) -> list[str]:
        """Everybody who follows, by openid; where everybody does, those who were heard."""
        return sorted(self.heard_at if self.followers is None else self.followers)

    def recipient_refusal(self, body: Mapping[str, Any]) -> int:
        """The error code for `touser`, else 0."""
        openid = body.get("touser")
        if not isinstance(openid, str) or not openid.startswith("o"):
            return 40003
        return 43004 if self.followers is not None and openid not in self.followers else 0

    def deliver(self, openid: str, path: str, body: dict[str, Any]) -> None:
        key = str(body.get("client_msg_id", ""))
        sent = Sent(openid, path, body, self.clock.now(), key)
        self.sent.append(sent)
        self._news.append(partial(self.watch.delivered, sent))
        if self.typing_until.pop(openid, None):
            self.show_typing(openid, False)

    def show_typing(self, openid: str, on: bool) -> None:
        self._news.append(partial(self.watch.typing, openid, on))

    def tell(self, openid: str, event: str, more: Mapping[str, Any]) -> None:
        ends = {"ToUserName": self.id, "FromUserName": openid}
        told = {**ends, "MsgType": "event", "Event": event, **more}
        self.events.append(told)
        self._news.append(partial(self.watch.told, told))

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """The lock; whoever watches hears of what happened after it, from one thread or another."""
        with self._lock:
            yield
        while self._news:
            try:
                news = self._news.popleft()
            except IndexError:  # another thread was faster
                return
            news()
