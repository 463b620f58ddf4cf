"""How good a matcher is over questions whose right entry is known: `kb eval`."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import quantiles
from typing import Protocol

from content.matcher import Candidate, Match

_RANKED = 10


class Answering(Protocol):
    """What can be measured: our matcher, or a peer's in a benchmark."""

    def decide(self, question: str) -> Match: ...

    def rank(self, question: str, limit: int) -> Sequence[Candidate]: ...


@dataclass(frozen=True, slots=True)
class Asked:
    """A question and its right entry; None is for one that no entry answers."""

    query: str
    id: str | None


@dataclass(slots=True)
class Figures:
    """Counts, and the seconds that each decision took."""

    inside: int = 0
    outside: int = 0
    first: int = 0
    third: int = 0
    reciprocal: float = 0.0
    answered: int = 0
    right: int = 0
    clarified: int = 0
    refused: int = 0
    seconds: list[float] = field(default_factory=list)

    def shares(self) -> dict[str, float]:
        """The figures by name; 0 where nothing was asked. Times in milliseconds."""
        asked, inside = self.inside + self.outside, max(1, self.inside)
        cuts = quantiles(self.seconds, n=100) if len(self.seconds) > 1 else [0.0] * 99
        return {
            "top1": self.first / inside,
            "top3": self.third / inside,
            "mrr": self.reciprocal / inside,
            "answered": self.answered / max(1, asked),
            "precision": self.right / max(1, self.answered),
            "right": self.right / inside,
            "clarified": self.clarified / inside,
            "refused": self.refused / max(1, self.outside),
            "p50_ms": cuts[49] * 1000,
            "p99_ms": cuts[98] * 1000,
        }


def measure(matcher: Answering, asked: Iterable[Asked]) -> Figures:
    """Ask every question once; deciding is timed, ranking is not."""
    figures = Figures()
    for question in asked:
        started = time.perf_counter()
        match = matcher.decide(question.query)
        figures.seconds.append(time.perf_counter() - started)
        _count(figures, match, question)
        if question.id is not None:
            _rank(figures, matcher.rank(question.query, _RANKED), question.id)
    return figures


def _count(figures: Figures, match: Match, asked: Asked) -> None:
    answered = match.decision == "answer"
    figures.answered += answered
    if asked.id is None:
        figures.outside += 1
        figures.refused += not answered
        return
    figures.inside += 1
    figures.right += answered and match.candidates[0].entry == asked.id
    figures.clarified += match.decision == "clarify" and any(
        item.entry == asked.id for item in match.candidates
    )


def _rank(figures: Figures, ranked: Sequence[Candidate], right: str) -> None:
    place = next((n for n, item in enumerate(ranked, start=1) if item.entry == right), 0)
    if place:
        figures.first += place == 1
        figures.third += place <= 3
        figures.reciprocal += 1 / place
