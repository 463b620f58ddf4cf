"""What a handler gets, and what it can ask the member for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from bot.domain.messages import InboundMessage, Notice, Option, Reply
from bot.domain.person import CommunityView, Member
from bot.services import community, content_review, conversation, person
from bot.services.firing import Kinds
from bot.storage.session import UnitOfWork
from content.knowledge import Knowledge
from content.loader import Pack
from content.messages import Messages
from content.questions import Decision

if TYPE_CHECKING:
    from bot.routing.router import Command, Routes


@dataclass(slots=True)
class Context:
    """What a handler gets.

    `argument` is what came after the command's word, `number` the number that it begins with and
    `rest` what follows that; `decision` is what a question is, for the handler of questions.
    `kinds` are those that schedules can be of. `group_home` is whose the group is that the
    message comes from.

    What is said `apart` is pushed later: its menu is kept in `menu` till then, as
    conversation.open_menu() takes it.
    """

    session: UnitOfWork
    message: InboundMessage
    now: datetime
    member: Member | None
    pack: Pack
    routes: Routes
    row_id: int
    facts: Mapping[str, object]
    argument: str = ""
    number: int | None = None
    rest: str = ""
    decision: Decision | None = None
    kinds: Kinds = field(default_factory=dict)
    apart: bool = False
    menu: str = ""
    group_home: CommunityView | None = None

    @property
    def messages(self) -> Messages:
        """What the bot says, in the words of the community's pack."""
        return self.pack.messages

    @property
    def bound(self) -> Member:
        """The member; only for handlers of commands that need one."""
        if self.member is None:
            raise RuntimeError("a handler that needs a member was called without one")
        return self.member

    @property
    def person_id(self) -> int | None:
        """Who writes, as far as we know them."""
        return self.member.person_id if self.member else None

    @property
    def home(self) -> CommunityView:
        """The community that this conversation is about; for somebody unknown that of the group,
        or the oldest.
        """
        if self.member:
            return self.member.community
        return self.group_home or community.view(community.oldest(self.session))

    @property
    def local_now(self) -> datetime:
        """Now in the community's time zone."""
        return self.now.astimezone(ZoneInfo(self.bound.community.timezone))

    @property
    def today(self) -> date:
        """The day in the time zone of `home`."""
        return self.now.astimezone(ZoneInfo(self.home.timezone)).date()

    @property
    def knowledge(self) -> Knowledge:
        """What the pack knows, with what reviews have found of its documents."""
        return content_review.current(self.session, self.pack, self.now)

    @property
    def commands(self) -> Sequence[Command]:
        """What this sender can use here, in the routers' order."""
        roles = self.member.roles if self.member else frozenset()
        return [
            command
            for command, _ in self.routes.commands.values()
            if (command.role is None or command.role in roles)
            and (command.told is None or command.told in roles)
            and not ((command.private or command.told) and self.message.in_group)
        ]

    def say(self, key: str, **values: object) -> str:
        """A message of the pack; what is configured ({text_hours} …) is known to each."""
        return self.messages.say(key, **{**self.facts, **values})

    def notice(self, key: str, **values: object) -> Notice:
        """A notice of one message."""
        return Notice(kind=key, lines=(self.say(key, **values),))

    def offer(
        self,
        choices: Sequence[tuple[str, str, dict[str, Any]]],
        *,
        none: str = "conversation.none_of_these",
        zero: str = "conversation.zero",
        instead: tuple[str, dict[str, Any]] | None = None,
        explicit: bool = False,
    ) -> tuple[Option, ...]:
        """Open a menu of (label, action, payload), answered by number.

        `none` is the key of what 0 is called, `zero` of what is said to it; `instead` is an
        action (with its payload) that 0 does. An `explicit` choice is not made by 嗯 or 可以.

        It replaces the last menu of this sender in this conversation.
        """
        payload = conversation.menu(choices, self.say(none), instead, explicit=explicit)
        if self.apart:
            self.menu = conversation.stored(payload, zero, self.bound.community.id)
        else:
            conversation.remember(
                self.session, self.message, conversation.MENU, zero, payload,
                self._community_id, self.now,
            )  # fmt: skip
        options = [Option(str(n), choice[0]) for n, choice in enumerate(choices, start=1)]
        return (*options, Option("0", self.say(none)))

    def confirm(self, action: str, payload: dict[str, Any]) -> str:
        """Hold an action until 确认; the line that says so. Replaces what was held before.

        An older menu is closed: from now on 0 is about this.
        """
        self._require_here()
        conversation.forget(self.session, self.message, conversation.MENU)
        conversation.remember(
            self.session, self.message, conversation.CONFIRM, action, payload,
            self._community_id, self.now,
        )  # fmt: skip
        return self.say("conversation.confirm")

    def undoable(self, action: str, payload: dict[str, Any], life: timedelta) -> None:
        """Let 撤销 do this action; replaces what could be undone before."""
        self._require_here()
        conversation.remember(
            self.session, self.message, conversation.UNDO, action, payload,
            self._community_id, self.now, life,
        )  # fmt: skip

    def nothing_to_undo(self) -> None:
        """What was done now cannot be undone, so 撤销 must not fall on something older."""
        conversation.forget(self.session, self.message, conversation.UNDO)

    def _require_here(self) -> None:
        if self.apart:
            raise RuntimeError("what is pushed later can hold nothing for 确认 or 撤销")

    @property
    def _community_id(self) -> int | None:
        return self.member.community.id if self.member else None

    def act(
        self, action: str, payload: dict[str, Any], community_id: int | None
    ) -> Notice | Reply | None:
        """Do a registered action of any feature, in the community that it was offered for.

        Whoever has lost the right to it in between, or has left, is told so.
        """
        rule, do = self.routes.actions[action]
        if self.member and community_id not in (None, self.member.community.id):
            self.member = person.load_member(self.session, self.message, community_id)
            if self.member is None:
                return self.notice("conversation.no_longer")
        if rule.member and self.member is None:
            return self.notice("conversation.bind_first")
        if rule.role and rule.role not in self.bound.roles:
            return self.notice("conversation.no_longer")
        return do(self, payload)
