"""What a question is: one that is never answered, one that a command serves, or one to look up."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from threading import Lock
from typing import Literal, get_args

from content.classifier import LOOK_UP, Classifier, Traits
from content.knowledge import Knowledge
from content.matcher import Candidate, Match
from content.matcher.follow_up import resolve
from content.matcher.normalise import bare
from content.rules import Rules
from content.schema import RefusalName

Kind = Literal["answer", "clarify", "escalate", "decline", "command"]
CRISIS: Literal["crisis"] = "crisis"
COMPLAINT: Literal["complaint"] = "complaint"
DRAFT = "draft"
REFUSALS = get_args(RefusalName)
_PLAIN = 0.7
# One word without any Chinese: a code or a number, which says such things by chance only.
_CODE = re.compile(r"[!-~]*")
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
    """`name` is the refusal's or the command's, or "draft" where `entry` is found and not given as
    an answer; else `entry` is what is answered, or what a refusal points to, `document` likewise.
    `candidates` are the near entries, best first.
    """

    kind: Kind
    name: str = ""
    entry: str | None = None
    document: str | None = None
    candidates: Sequence[Candidate] = ()


@dataclass(frozen=True)
class Questions:
    """A pack's rules and what it has learned, before its knowledge."""

    refusals: Rules
    wishes: Rules
    guides: Sequence[Guide]
    knowledge: Knowledge
    examples: Mapping[str, Sequence[str]]
    traits: Traits

    @property
    def commands(self) -> set[str]:
        """The commands that the pack's wishes are for."""
        return {*self.wishes.names, *self.examples} - {*REFUSALS, LOOK_UP}

    @cached_property
    def classifier(self) -> Classifier:
        """Learned when it is first asked, by one thread."""
        with _learning:
            done = self.__dict__.get("classifier")
            return done or Classifier(self.examples, self.traits)

    def over(self, knowledge: Knowledge) -> "Questions":
        """The same rules before other knowledge."""
        other = replace(self, knowledge=knowledge)
        other.__dict__["classifier"] = self.classifier
        return other

    def warm(self) -> None:
        """Learn and load now what the first question would wait for, some two seconds."""
        self.classifier.likely("")
        self.knowledge.matcher.decide("")

    def decide(self, text: str, last: str | None = None) -> Decision:
        """A refusal before all; then a command or an answer, as certain as each is; then near
        questions. What only makes sense after another question is one about `last`.
        """
        name = self.refusals.name_of(text) or self.classifier.name_of(text)
        if name and name in REFUSALS:
            return self._decline(name, text)
        match = self.knowledge.matcher.decide(text)
        if match.rule != "same words" and (after := resolve(self.knowledge.matcher, text, last)):
            match = after
        wish = self.wishes.name_of(text)
        if match.decision == "answer" and (match.candidates[0].score == 1.0 or not wish):
            return self._found(match)
        if command := wish or name:
            return Decision("command", command)
        return Decision(match.decision, candidates=match.candidates)

    def _found(self, match: Match) -> Decision:
        entry = match.candidates[0].entry
        if entry in self.knowledge.drafts:
            return Decision("escalate", DRAFT, entry, candidates=match.candidates)
        return Decision("answer", entry=entry, candidates=match.candidates)

    def noted(self, note: str) -> Decision | None:
        """What is not kept of what somebody notes beside something else: a cry for help, a
        complaint. A note is no question, so what is only likely must be plain.
        """
        if _CODE.fullmatch(note):
            return None
        if self.refusals.name_of(note) == CRISIS:
            return Decision("decline", CRISIS)
        likely = self.classifier.likely(note)
        for name in (CRISIS, COMPLAINT):
            if likely.get(name, 0.0) >= _PLAIN:
                return Decision("decline", name)
        return None

    def _decline(self, name: str, text: str) -> Decision:
        plain = bare(text)
        for guide in self.guides:
            if guide.name == name and guide.when.search(plain):
                return Decision("decline", name, guide.entry, guide.document)
        return Decision("decline", name)
