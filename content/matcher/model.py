"""Figures to a probability: two logistic regressions, one over the other.

The first says of a question and one known text whether they ask the same. The second says of the
best entry whether it is right: a text may be near and another entry just as near.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from math import exp
from typing import Any

import numpy as np
from numpy.typing import NDArray

from content.matcher.compare import FEATURES
from content.matcher.habits import Habits

Floats = NDArray[np.float64]
# Of the second regression: the best text's score, how far the next entry is behind, and whether
# there is none.
CHOICE = ("score", "lead", "lone")
LARGEST_LEAD = 6.0
_LEAST_LEAD, _EVEN = 0.25, 0.5
_FILE = "weights.json"


@dataclass(frozen=True, slots=True)
class Weights:
    """Of both regressions, the constant last; and what words say in general."""

    pair: tuple[float, ...]
    choice: tuple[float, ...]
    habits: Habits

    def score(self, values: Sequence[float]) -> float:
        """The logarithm of the odds that both ask the same."""
        total = self.pair[-1]
        for value, weight in zip(values, self.pair, strict=False):
            total += value * weight
        return total

    def to_json(self) -> dict[str, Any]:
        return {
            "pair": dict(zip((*FEATURES, "constant"), self.pair, strict=True)),
            "choice": dict(zip((*CHOICE, "constant"), self.choice, strict=True)),
            "habits": self.habits.to_json(),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Weights":
        return cls(
            tuple(float(value["pair"][name]) for name in (*FEATURES, "constant")),
            tuple(float(value["choice"][name]) for name in (*CHOICE, "constant")),
            Habits.from_json(value["habits"]),
        )


@cache
def shipped() -> Weights:
    """Those that come with the program; benchmarks/matching/fit.py makes them."""
    text = (files("content.matcher") / _FILE).read_text(encoding="utf-8")
    return Weights.from_json(json.loads(text))


def chosen(score: float, next_score: float | None) -> tuple[float, float, float]:
    """The figures of the second regression; without a second entry there is no lead to speak of."""
    lead = LARGEST_LEAD if next_score is None else score - next_score
    return score, max(0.0, min(LARGEST_LEAD, lead)), float(next_score is None)


def likely(score: float, next_score: float | None, weights: Sequence[float]) -> float:
    """How probable it is that the best entry is right. Of two that fit alike neither is sure."""
    share = probability(logit(chosen(score, next_score), weights))
    if next_score is not None and score - next_score < _LEAST_LEAD:
        return min(share, _EVEN)
    return share


def logit(values: Sequence[float], weights: Sequence[float]) -> float:
    return weights[-1] + sum(a * b for a, b in zip(values, weights, strict=False))


def probability(odds: float) -> float:
    """Of the logarithm of the odds."""
    return 1 / (1 + exp(-max(-30.0, min(30.0, odds))))


def fit(
    rows: Floats, right: Floats, weights: Floats | None = None, *,
    prior: Floats | None = None, strength: float = 1.0, signs: Sequence[int] | None = None,
) -> Floats:  # fmt: skip
    """Weights, the constant last, nearest to `prior` (default 0) as `strength` says (Newton).

    `signs` forbids weights of the wrong sign: 1, -1, or 0 for either.
    """
    table = np.hstack([rows, np.ones((len(rows), 1))])
    each = np.ones(len(rows)) if weights is None else weights
    base = np.zeros(table.shape[1]) if prior is None else prior
    pull = np.full(table.shape[1], strength)
    if prior is None:
        pull[-1] = 1e-6
    free = np.ones(table.shape[1], dtype=bool)
    while True:
        found = _newton(table, right, each, np.where(free, base, 0.0), pull, free)
        wrong = [(sign * found[at], at) for at, sign in enumerate(signs or ()) if free[at]]
        if not wrong or min(wrong)[0] >= 0:
            return found
        free[min(wrong)[1]] = False


def _newton(
    table: Floats, right: Floats, each: Floats, base: Floats, pull: Floats, free: NDArray[np.bool_]
) -> Floats:
    """The weights at which the loss is least; those that are not free stay at the base."""

    def loss(weights: Floats) -> float:
        odds = table @ weights
        likely = np.logaddexp(0, odds) - right * odds
        return float(each @ likely + (pull * (weights - base) ** 2)[free].sum() / 2)

    found = base.copy()
    part = table[:, free]
    least = loss(found)
    for _ in range(50):
        shares = 1 / (1 + np.exp(-np.clip(table @ found, -30, 30)))
        slope = part.T @ (each * (shares - right)) + (pull * (found - base))[free]
        curve = (part * (each * shares * (1 - shares))[:, None]).T @ part + np.diag(pull[free])
        step = np.zeros(len(found))
        step[free] = np.linalg.solve(curve, slope)
        while (less := loss(found - step)) > least and float(np.abs(step).max()) > 1e-7:
            step /= 2
        found, before, least = found - step, least, min(least, less)
        if before - least < 1e-7:
            break
    return found
