"""What a question is: one that is never answered, one that a command serves, or one to look up."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from threading import Lock
from typing import Literal, get_args

from content.classifier import Classifier, Traits
from content.knowledge import Knowledge
from content.matcher import Candidate
from content.matcher.normalise import bare
from content.rules import Rules
from content.schema import RefusalName

Kind = Literal["answer", "clarify", "escalate", "decline", "command"]
CRISIS = "crisis"
COMPLAINT = "complaint"
REFUSALS = get_args(RefusalName)
_learning = Lock()


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
    """A pack's rules and what it has learned, before its knowledge."""

    refusals: Rules
    wishes: Rules
    guides: Sequence[Guide]
    knowledge: Knowledge
    examples: Mapping[str, Sequence[str]]
    traits: Traits

    @cached_property
    def classifier(self) -> Classifier:
        """Learned when it is first asked, by one thread."""
        with _learning:
            return Classifier(self.examples, self.traits)

    def decide(self, text: str) -> Decision:
        name = self.refusals.name_of(text) or self.classifier.name_of(text)
        if name and name in REFUSALS:
            return self._decline(name, text)
        if command := self.wishes.name_of(text) or name:
            return Decision("command", command)
        match = self.knowledge.matcher.decide(text)
        entry = match.candidates[0].entry if match.decision == "answer" else None
        return Decision(match.decision, entry=entry, candidates=match.candidates)

    def refusal_of(self, text: str) -> str | None:
        """The class of a text that is not a question by itself, such as a note."""
        name = self.refusals.name_of(text) or self.classifier.name_of(text)
        return name if name in REFUSALS else None

    def _decline(self, name: str, text: str) -> Decision:
        plain = bare(text)
        for guide in self.guides:
            if guide.name == name and guide.when.search(plain):
                return Decision("decline", name, guide.entry, guide.document)
        return Decision("decline", name)
