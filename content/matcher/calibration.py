"""From where on an answer is given: what was learned about one knowledge base."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from content.matcher.habits import Count
from content.matcher.model import Weights

# Right among the answers given.
TARGET = 0.97


@dataclass(frozen=True, slots=True)
class Calibration:
    """`answer` is a probability; `near` and `lone` say which questions are worth naming.

    `near` is the logarithm of the odds of an entry that may be named, `lone` the probability from
    which on one near entry is named with the next one beside it. `habits` are the knowledge
    base's own counts of words; `weights` are None where the shipped ones stand. `sampled` is how
    many texts it rests on, 0 for the defaults.
    """

    answer: float
    near: float
    lone: float
    target: float = TARGET
    sampled: int = 0
    habits: Mapping[str, Count] = field(default_factory=dict)
    choice: tuple[float, ...] = ()
    weights: Weights | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "answer": self.answer,
            "near": self.near,
            "lone": self.lone,
            "target": self.target,
            "sampled": self.sampled,
            "habits": {word: list(counts) for word, counts in self.habits.items()},
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Calibration":
        habits = {str(word): list(counts) for word, counts in value["habits"].items()}
        return replace(
            DEFAULT,
            answer=float(value["answer"]),
            near=float(value["near"]),
            lone=float(value["lone"]),
            target=float(value["target"]),
            sampled=int(value["sampled"]),
            habits=habits,
        )


# Chosen on our own questions; see docs/matcher.md.
DEFAULT = Calibration(answer=0.75, near=-2.5, lone=0.25)
