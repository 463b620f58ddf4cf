"""What a feature can be asked for: words, events, answers to its own questions."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from bot.domain.grammar import Takes
from bot.domain.messages import Notice, Reply
from bot.domain.person import Role
from bot.errors import RegistrationError
from bot.routing.context import Context
from content.messages import Messages

Said = Notice | Reply | None
Payload = Mapping[str, Any]
Handler = Callable[[Context], Said]
Action = Callable[[Context, Payload], Said]
SomeAction = TypeVar("SomeAction", bound=Action)


@dataclass(frozen=True, slots=True)
class Command:
    """A word that members send.

    `help` is the key of its line in 帮助 ("" leaves it out), `takes` what may follow it, `role`
    who may use it. `member` says that it is of no use to somebody who has not bound; `private`
    that it is not answered in a group. A private one that only `shows` something or asks, when
    nothing follows it, can be sent in a group: the answer is pushed to who sent it. `listed_for`
    is who is told of it in 帮助, where that is not everybody who may use it.
    """

    word: str
    help: str
    takes: Takes = Takes.NOTHING
    role: Role | None = None
    member: bool = False
    private: bool = False
    shows: bool = False
    listed_for: Role | None = None

    @property
    def told(self) -> Role | None:
        """Whose line it is in 帮助."""
        return self.listed_for or self.role

    @property
    def carries_note(self) -> bool:
        """Whether any member may write words of their own behind it."""
        return self.role is None and self.takes in (Takes.TEXT, Takes.ANYTHING)


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may do an action: somebody with this role, any member, or anybody."""

    role: Role | None
    member: bool


class Router:
    """One feature's registrations, made by decorators at import. A name twice is refused."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.commands: dict[str, tuple[Command, Handler]] = {}
        self.in_groups: dict[str, Handler] = {}
        self.events: dict[str, Handler] = {}
        self.actions: dict[str, tuple[Rule, Action]] = {}
        self.media: Handler | None = None
        self.shape: Handler | None = None
        self.fallback: Handler | None = None

    def command(
        self,
        word: str,
        *,
        help: str = "",
        takes: Takes = Takes.NOTHING,
        role: Role | None = None,
        member: bool = False,
        private: bool = False,
        shows: bool = False,
        listed_for: Role | None = None,
    ) -> Callable[[Handler], Handler]:
        """Register a handler for a word, alone or followed by what it takes."""
        member, private = member or role is not None, private or shows
        command = Command(word, help, takes, role, member, private, shows, listed_for)

        def register(handler: Handler) -> Handler:
            if word in self.commands:
                raise RegistrationError(f"{self.name}: the word {word} is registered twice")
            self.commands[word] = (command, handler)
            return handler

        return register

    def in_group(self, word: str) -> Callable[[Handler], Handler]:
        """Register what a private word gets in a group; None leaves it at "in private"."""

        def register(handler: Handler) -> Handler:
            if word in self.in_groups:
                raise RegistrationError(f"{self.name}: {word} in a group is registered twice")
            self.in_groups[word] = handler
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

    def action(
        self, name: str, *, role: Role | None = None, member: bool = False
    ) -> Callable[[SomeAction], SomeAction]:
        """Register what happens on a menu's choice, on 确认 or on 撤销.

        `role` is asked for again then, in the community that it was offered for.
        """
        rule = Rule(role, member or role is not None)

        def register(action: SomeAction) -> SomeAction:
            if name in self.actions:
                raise RegistrationError(f"{self.name}: the action {name} is registered twice")
            self.actions[name] = (rule, action)
            return action

        return register

    def otherwise(self, handler: Handler) -> Handler:
        """Register the handler for a text that is nothing else."""
        self.fallback = handler
        return handler

    def pictures_and_voices(self, handler: Handler) -> Handler:
        """Register the handler for what comes without words."""
        self.media = handler
        return handler

    def by_shape(self, handler: Handler) -> Handler:
        """Register who looks at a text of several lines before anybody else; None passes it on."""
        self.shape = handler
        return handler


@dataclass(frozen=True, slots=True)
class Routes:
    """All routers' registrations in one place, checked against each other."""

    commands: Mapping[str, tuple[Command, Handler]]
    in_groups: Mapping[str, Handler]
    events: Mapping[str, Handler]
    actions: Mapping[str, tuple[Rule, Action]]
    media: Handler
    fallback: Handler
    shapes: tuple[Handler, ...] = ()

    def words(self) -> Mapping[str, Takes]:
        return {word: command.takes for word, (command, _) in self.commands.items()}


def collect(routers: Sequence[Router], messages: Messages) -> Routes:
    """Raise RegistrationError for a name with two routers, or help that nobody wrote."""
    for router in routers:
        for command, _ in router.commands.values():
            if command.help and command.help not in messages:
                raise RegistrationError(f"{command.word}: no pack has the message {command.help}")
    media = [router.media for router in routers if router.media]
    fallback = [router.fallback for router in routers if router.fallback]
    if not fallback:
        raise RegistrationError("no router answers what no other takes")
    return Routes(
        commands=dict(_once(routers, "commands")),
        in_groups=dict(_once(routers, "in_groups")),
        events=dict(_once(routers, "events")),
        actions=dict(_once(routers, "actions")),
        media=(media or fallback)[0],
        fallback=fallback[0],
        shapes=tuple(router.shape for router in routers if router.shape),
    )


def _once(routers: Sequence[Router], kind: str) -> Iterator[tuple[str, Any]]:
    seen: dict[str, str] = {}
    for router in routers:
        for name, value in getattr(router, kind).items():
            if name in seen:
                raise RegistrationError(
                    f"{kind}: {name} is claimed by {seen[name]} and {router.name}"
                )
            seen[name] = router.name
            yield name, value
