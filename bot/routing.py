"""From a message to its reply: routers, the handlers' context, and the one transaction."""

import re
import secrets
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import structlog

from bot.domain.messages import SILENCE, InboundMessage, MessageType, Notice, Reply
from bot.domain.person import Member
from bot.errors import RegistrationError
from bot.services import inbox, person
from bot.storage.session import DATABASE_BUSY, Database, UnitOfWork, savepoint
from content.messages import Messages

log = structlog.get_logger(__name__)

# Messages a minute that one sender gets answered; the next one gets a sentence, then silence.
RATE_LIMIT = 30
RATE_WINDOW = timedelta(minutes=1)
TEXT_LIMIT = 4000
_SEPARATOR = re.compile(r"[\s:：,，。.!！~～]+")


@dataclass(frozen=True, slots=True)
class Command:
    """A word that members send. `help` is the key of its line in 帮助; `takes` an argument."""

    word: str
    help: str
    takes: bool = False


@dataclass(slots=True)
class Context:
    """What a handler gets. `argument` is what came after the command's word."""

    session: UnitOfWork
    message: InboundMessage
    now: datetime
    member: Member | None
    messages: Messages
    commands: tuple[Command, ...]
    row_id: int
    argument: str = ""

    def say(self, key: str, **values: object) -> str:
        return self.messages.say(key, **values)


Handler = Callable[[Context], Notice | Reply | None]
Handled = tuple[Handler, str]


class Router:
    """One feature's words and events, registered by decorators at import."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.commands: dict[str, tuple[Command, Handler]] = {}
        self.events: dict[str, Handler] = {}
        self.fallback: Handler | None = None

    def command(self, word: str, *, help: str, takes: bool = False) -> Callable[[Handler], Handler]:
        """Register a handler for a word, alone or (with `takes`) followed by something."""

        def register(handler: Handler) -> Handler:
            if word in self.commands:
                raise RegistrationError(f"{self.name}: the word {word} is registered twice")
            self.commands[word] = (Command(word, help, takes), handler)
            return handler

        return register

    def event(self, name: str) -> Callable[[Handler], Handler]:
        """Register a handler for a platform's event, by its lower-case name."""

        def register(handler: Handler) -> Handler:
            if name in self.events:
                raise RegistrationError(f"{self.name}: the event {name} is registered twice")
            self.events[name] = handler
            return handler

        return register

    def otherwise(self, handler: Handler) -> Handler:
        """Register the handler for what no other router took."""
        self.fallback = handler
        return handler

    def match(self, message: InboundMessage, head: str, rest: str) -> Handled | None:
        """The handler for this message and its argument."""
        if message.type is MessageType.EVENT:
            handler = self.events.get(message.event)
            return (handler, "") if handler else None
        found = self.commands.get(head)
        if found and (not rest or found[0].takes):
            return found[1], rest
        return (self.fallback, message.text) if self.fallback else None


def split(text: str) -> tuple[str, str]:
    """The first word, in half-width form and without a leading slash, and what follows it."""
    parts = _SEPARATOR.split(text.strip().lstrip("/／").lstrip(), maxsplit=1)
    rest = parts[1].strip() if len(parts) > 1 else ""
    return unicodedata.normalize("NFKC", parts[0]), rest


def check_routers(routers: Sequence[Router], messages: Messages) -> None:
    """Raise RegistrationError for a word or event with two routers, or help that nobody wrote."""
    seen: dict[str, str] = {}
    for router in routers:
        for name in [*router.commands, *(f"event {event}" for event in router.events)]:
            if name in seen:
                raise RegistrationError(f"{name} is claimed by {seen[name]} and {router.name}")
            seen[name] = router.name
        for command, _ in router.commands.values():
            if command.help not in messages:
                raise RegistrationError(f"{command.word}: no pack has the message {command.help}")


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
        packs: Mapping[str, Messages],
        default_pack: str,
    ) -> None:
        self._database = database
        self._routers = tuple(routers)
        self._packs = packs
        self._default = packs[default_pack]
        check_routers(self._routers, self._default)
        self._commands = tuple(self._all_commands())

    def _all_commands(self) -> Iterator[Command]:
        for router in self._routers:
            yield from (command for command, _ in router.commands.values())

    def dispatch(self, message: InboundMessage, now: datetime) -> Dispatched:
        """The reply to this message; never raises for what a handler or the database does.

        The inbox row is committed with its effect and never before: a process killed in
        between would turn the platform's repeat into silence.
        """
        try:
            with self._database.begin() as session:
                return self._receive(session, message, now)
        except DATABASE_BUSY:
            log.exception("database_busy", type=message.type)
            return Dispatched(Reply(self._notice("trouble.busy")), "busy")

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
                return self._route(session, message, now, row_id), None
        except DATABASE_BUSY:
            raise
        except Exception:
            reference = secrets.token_hex(3).upper()
            log.exception("handler_failed", reference=reference, type=message.type)
            return Reply(self._notice("trouble.failed", reference=reference)), reference

    def _route(
        self, session: UnitOfWork, message: InboundMessage, now: datetime, row_id: int
    ) -> Reply:
        if len(message.text) > TEXT_LIMIT:
            return Reply(self._notice("trouble.too_long"))
        member = person.load_member(session, message)
        messages = (
            self._packs.get(member.community.pack, self._default) if member else self._default
        )
        context = Context(session, message, now, member, messages, self._commands, row_id)
        head, rest = split(message.text)
        for router in self._routers:
            if match := router.match(message, head, rest):
                handler, context.argument = match
                said = handler(context)
                return said if isinstance(said, Reply) else Reply(said)
        log.info("unhandled", type=message.type, event_name=message.event)
        return SILENCE

    def _notice(self, key: str, **values: object) -> Notice:
        return Notice(kind=key, lines=(self._default.say(key, **values),))
