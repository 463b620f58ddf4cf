"""What is shown in a conversation with the bot, and what somebody who watches hears of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

Kind = Literal["message", "enter_chat", "card", "feedback"]
Way = Literal["people", "reply", "push", "response_url"]


@dataclass(frozen=True, slots=True)
class Shown:
    """One message of a conversation as it stands. `number` grows in the order of messages and
    stays the same when a stream goes on or a card changes.

    `chat` is a chatid, or a userid for a single chat; `sender` a userid, "" for the bot. `type` is
    the vendor's msgtype. `stream` is the stream's id, "" for what is none; until `finished` the
    person sees that more will come. `pictures` and `file` are contents. `card` is the template card
    as everybody sees it, `cards` what single members see instead, by userid. `feedback` is the id
    for feedback_event.
    """

    number: int
    chat: str
    sender: str
    way: Way
    type: str
    at: datetime
    text: str = ""
    stream: str = ""
    finished: bool = True
    card: Mapping[str, Any] | None = None
    cards: Mapping[str, Mapping[str, Any]] | None = None
    pictures: tuple[bytes, ...] = ()
    file: bytes = b""
    feedback: str = ""

    def card_of(self, userid: str) -> Mapping[str, Any] | None:
        """The card as this member sees it."""
        return (self.cards or {}).get(userid, self.card)


@dataclass(frozen=True, slots=True)
class Traffic:
    """One request or frame between platform and bot. `to_bot` says which way it went; `what` is
    in a few words: "aibot_msg_callback text", "poll". `text` is its JSON, secrets and contents of
    files masked. `chat` is "" where it is about none. `code` is the platform's errcode, `problem`
    what the platform found wrong, "" when all was well; `milliseconds` how long the bot's callback
    took to answer.
    """

    at: datetime
    chat: str
    to_bot: bool
    what: str
    text: str
    code: int = 0
    problem: str = ""
    milliseconds: int = 0


class Watcher(Protocol):
    """Hears everything once, in one thread or another; nothing is locked meanwhile.

    What is not overridden does nothing.
    """

    def shown(self, message: Shown, /) -> None:
        """A message is new in a conversation: a member's, or the bot's."""
        return

    def changed(self, message: Shown, /) -> None:
        """A stream went on, or a card was updated."""
        return

    def passed(self, traffic: Traffic, /) -> None:
        """Something went from the platform to the bot, or came from it."""
        return

    def connected(self, live: bool, /) -> None:
        """The bot's long connection is subscribed, or no longer."""
        return


class _Nobody(Watcher):
    pass


NOBODY: Watcher = _Nobody()
