"""One transaction a message: exactly one effect, exactly one reply."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

import structlog

from bot.domain.messages import SILENCE, TEXT_LIMITS, Channel, InboundMessage, Notice, Reply
from bot.routing.context import Context
from bot.routing.interpret import answer
from bot.routing.router import Router, collect
from bot.services import contacts, group_chat, inbox, mailbox, person
from bot.services.firing import Kinds
from bot.services.shelf import Shelf
from bot.storage.session import DATABASE_BUSY, Database, UnitOfWork, savepoint
from content import script
from content.loader import BASE, Pack

log = structlog.get_logger(__name__)

# Messages a minute that one sender gets answered; the next one gets a sentence, then silence.
RATE_LIMIT = 30
RATE_WINDOW = timedelta(minutes=1)
TEXT_LIMIT = 4000

Outcome = Literal["answered", "repeated", "limited", "failed", "busy"]


@dataclass(frozen=True, slots=True)
class Dispatched:
    reply: Reply
    outcome: Outcome


class Dispatcher:
    """Gives every message exactly one effect and one reply, in one transaction."""

    def __init__(
        self,
        database: Database,
        routers: Sequence[Router],
        packs: Mapping[str, Pack],
        default_pack: str,
        facts: Mapping[str, object] | None = None,
        *,
        pushes: frozenset[Channel] = frozenset(),
        kinds: Kinds | None = None,
    ) -> None:
        """`facts` are fields that every message may use, such as how long something is kept.
        `pushes` are the channels that can send messages of their own, `kinds` what schedules can
        be of.
        """
        self._kinds = kinds or {}
        self._pushes = pushes
        self._database = database
        self._facts = facts or {"text_hours": 24, "row_days": 7}
        self._packs = packs
        self.shelf = Shelf(packs)
        self._learned = False
        self._default = packs[default_pack]
        self._routes = collect(routers, self._default.messages)

    def dispatch(self, message: InboundMessage, now: datetime) -> Dispatched:
        """The reply to this message; never raises for what a handler or the database does.

        The inbox row is committed with its effect and never before: a process killed in
        between would turn the platform's repeat into silence.
        """
        if message.text:
            self.learn()
        try:
            with self._database.begin() as session:
                return self._receive(session, message, now)
        except DATABASE_BUSY:
            log.exception("database_busy", type=message.type)
            return Dispatched(Reply(self._notice("trouble.busy")), "busy")

    def said(self, key: bytes, sender: str, conversation: str) -> Reply | None:
        """The reply that this sender's message had in this conversation; None for none (yet)."""
        try:
            with self._database.read() as session:
                return inbox.said(session, key, sender, conversation)
        except DATABASE_BUSY:
            log.exception("database_busy", type="poll")
            return None

    def learn(self) -> None:
        """What packs learn takes seconds the first time: not while a transaction is open."""
        if not self._learned:
            for name, pack in self._packs.items():
                if name != BASE:
                    pack.questions.warm()
            self._learned = True

    def _receive(self, session: UnitOfWork, message: InboundMessage, now: datetime) -> Dispatched:
        row_id = inbox.receive(session, message, now)
        if row_id is None:
            return Dispatched(inbox.stored_reply(session, message.key), "repeated")
        sent = inbox.count_since(session, message.sender, now - RATE_WINDOW)
        if sent > RATE_LIMIT:
            first = sent == RATE_LIMIT + 1
            reply = Reply(self._notice("trouble.too_fast")) if first else SILENCE
            inbox.answer(session, row_id, reply, None)
            return Dispatched(reply, "limited")
        reply, reference = self._handle(session, message, now, row_id)
        if self._opens_a_way(message):
            # After the handler: whoever has just agreed has an address only now.
            contacts.heard(session, message)
        inbox.answer(session, row_id, reply, reference)
        return Dispatched(reply, "failed" if reference else "answered")

    def _handle(
        self, session: UnitOfWork, message: InboundMessage, now: datetime, row_id: int
    ) -> tuple[Reply, str | None]:
        """The handler's reply; its apology and a reference number when it raised.

        A failure takes back what the handler did (SAVEPOINT) but not the inbox row.
        """
        try:
            with savepoint(session):
                return self._answer(session, message, now, row_id), None
        except DATABASE_BUSY:
            raise
        except Exception:
            reference = secrets.token_hex(3).upper()
            log.exception("handler_failed", reference=reference, type=message.type)
            return Reply(self._notice("trouble.failed", reference=reference)), reference

    def _answer(
        self, session: UnitOfWork, message: InboundMessage, now: datetime, row_id: int
    ) -> Reply:
        """What is said, with what waits in the mailbox, in the sender's way of writing."""
        if len(message.text) > TEXT_LIMIT:
            # It serves nobody, and may be a list of names.
            inbox.forget_text(session, row_id)
            return Reply(self._notice("trouble.too_long"))
        group = group_chat.community_of(session, message) if message.in_group else None
        member = person.load_member(session, message, group.id if group else None)
        home = member.community if member else group
        pack = self._packs.get(home.pack, self._default) if home else self._default
        if home:
            pack = self.shelf.pack(session, home, pack, now)
        context = Context(
            session, message, now, member, pack, self._routes, row_id, self._facts,
            kinds=self._kinds, group_home=group,
        )  # fmt: skip
        reply = answer(context)
        if reply.notice is None:
            return reply
        member_id = context.member.person_id if context.member else None
        if member_id is not None and not message.in_group and message.wants_reply:
            templates = ("mailbox.head", "mailbox.foot", "paging.more")
            words = mailbox.Words(*(pack.messages.say(key) for key in templates))
            limit = TEXT_LIMITS[message.channel]
            reply = mailbox.ride(
                session, message, member_id, reply, limit, words, now,
                pushes=self._opens_a_way(message),
            )  # fmt: skip
        if reply.notice and script.is_traditional(message.text):
            riders = tuple(script.traditional(line) for line in reply.riders)
            reply = replace(reply, notice=script.in_traditional(reply.notice), riders=riders)
        return reply

    def _opens_a_way(self, message: InboundMessage) -> bool:
        """Whether the sender may be sent more here from now on, for a while or for good."""
        return message.channel in self._pushes and not message.in_group

    def _notice(self, key: str, **values: object) -> Notice:
        return Notice(kind=key, lines=(self._default.messages.say(key, **values),))
