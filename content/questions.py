"""What a question is: one that is never answered, one that a command serves, or one to look up."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from content.knowledge import Knowledge
from content.matcher import Candidate
from content.matcher.normalise import bare
from content.rules import Rules

Kind = Literal["answer", "clarify", "escalate", "decline", "command"]
CRISIS = "crisis"


@dataclass(frozen=True, slots=True)
class Guide:
    """What the refusal `name` points to in a message that `when` is found in."""

    name: str
    when: re.Pattern[str]
    entry: str | None
    document: str | None


@dataclass(frozen=True, slots=True)
class Decision:
    """`name` is the refusal's or the command's; `entry` what is answered, or what a refusal
    points to, `document` likewise. `candidates` are the near entries, best first.
    """

    kind: Kind
    name: str = ""
    entry: str | None = None
    document: str | None = None
    candidates: Sequence[Candidate] = ()

    @property
    def score(self) -> float:
        return self.candidates[0].score if self.candidates else 0.0


@dataclass(frozen=True)
class Questions:
    """A pack's rules, in their order, before its knowledge."""

    refusals: Rules
    wishes: Rules
    guides: Sequence[Guide]
    knowledge: Knowledge

    def decide(self, text: str) -> Decision:
        if refusal := self.refusals.name_of(text):
            return self._decline(refusal, text)
        if command := self.wishes.name_of(text):
            return Decision("command", command)
        match = self.knowledge.matcher.decide(text)
        entry = match.candidates[0].entry if match.decision == "answer" else None
        return Decision(match.decision, entry=entry, candidates=match.candidates)

    def is_crisis(self, text: str) -> bool:
        """Whether somebody may be in danger; asked of notes and of whatever else is typed."""
        return self.refusals.holds(CRISIS, text)

    def _decline(self, name: str, text: str) -> Decision:
        plain = bare(text)
        for guide in self.guides:
            if guide.name == name and guide.when.search(plain):
                return Decision("decline", name, guide.entry, guide.document)
        return Decision("decline", name)
