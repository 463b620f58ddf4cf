"""Something that a person did, and what the bot made of it."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bot.simulator.wecom.watching import Kind, Shown


@dataclass(eq=False)
class Exchange:
    """`id` is the msgid, `request` the req_id of the long connection; `body` is what the bot was
    sent, without encryption. `problem` says what the bot did wrong, "" for nothing; `attempts` how
    often it was sent. `card` is the card that was tapped: its task_id.
    """

    id: str
    request: str
    kind: Kind
    sender: str
    chat: str
    body: Mapping[str, Any]
    at: datetime
    task_id: str = ""
    attempts: int = 0
    problem: str = ""
    _shown: dict[int, Shown] = field(default_factory=dict)
    _over: threading.Event = field(default_factory=threading.Event)

    def wait(self, seconds: float = 5.0) -> "Exchange":
        """Itself, when the bot has answered whole (a stream is finished, a card is updated), when
        there was a problem, or when the time is over.
        """
        self._over.wait(seconds)
        return self

    @property
    def over(self) -> bool:
        return self._over.is_set()

    @property
    def shown(self) -> list[Shown]:
        """The bot's messages, as they stand now, oldest first; a card that was updated as well."""
        return [message for _, message in sorted(self._shown.items())]

    @property
    def last(self) -> Shown | None:
        found = self.shown
        return found[-1] if found else None

    @property
    def text(self) -> str:
        """The words of the last message; "" for none."""
        return self.last.text if self.last else ""

    @property
    def card(self) -> Mapping[str, Any] | None:
        """The newest card, as the person sees it."""
        cards = [card for message in self.shown if (card := message.card_of(self.sender))]
        return cards[-1] if cards else None

    @property
    def stream(self) -> str:
        """The id of the last message's stream."""
        return self.last.stream if self.last else ""

    @property
    def finished(self) -> bool:
        """Whether something was answered, and nothing more will come to it."""
        return bool(self._shown) and all(message.finished for message in self._shown.values())

    @property
    def unfinished(self) -> str:
        """The id of a stream that goes on; "" for none."""
        return next((one.stream for one in self._shown.values() if not one.finished), "")

    # For the platform

    def saw(self, message: Shown) -> None:
        """A message that belongs to this, new or changed."""
        self._shown[message.number] = message
        if self.finished:
            self._over.set()

    def end(self, problem: str = "") -> None:
        """Nothing more will come."""
        self.problem = self.problem or problem
        self._over.set()
