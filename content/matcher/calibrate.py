"""Learn one knowledge base's own habits and threshold from its own texts, within seconds.

Every sampled text is asked about as if it were not there; its entry, other entries and near misses
made of it show how right the answers would be at each probability. The threshold is the lowest
one at which a lower confidence bound of that share reaches the target: a small knowledge base
proves little, and so answers less.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import sqrt
from random import Random

from content.matcher import samples
from content.matcher.calibration import DEFAULT, TARGET, Calibration
from content.matcher.match import Matcher
from content.matcher.model import Weights, likely

MOST_TEXTS = 1_200
# With fewer questions than this whose entry is known the defaults stand.
_FEWEST = 60
_MOST_OF_ENTRY = 6
# One-sided, of the lower bound: 95 % sure.
_SURE = 1.6449
# Never below: what is about as likely wrong is no answer, whatever a small sample says.
LOWEST, HIGHEST = 0.75, 0.985


@dataclass(frozen=True, slots=True)
class Outcome:
    """A question's probability, whether what it would get is right, and how much it weighs."""

    likely: float
    right: bool
    share: float


def calibrate(
    matcher: Matcher, target: float = TARGET, most: int = MOST_TEXTS, seed: int = 1
) -> Calibration:
    """What to set as `matcher.calibration`; the matcher itself stays as it is."""
    chance = Random(seed)  # noqa: S311 - a sample, not a secret
    entries = sorted(matcher.texts)
    chance.shuffle(entries)
    found, size = [], 0
    for entry in entries:
        one = samples.neighbours(matcher, [entry], _MOST_OF_ENTRY)[0]
        size += len(one.texts)
        if size > most:
            break
        found.append(one)
    own = samples.count(found)
    evidence = samples.evidence_of(matcher, matcher.weights.habits, own)
    outcomes = list(judged(samples.cases(matcher, found, evidence, chance), matcher.weights))
    calibration = replace(DEFAULT, habits=own, target=target, sampled=size)
    if sum(outcome.right for outcome in outcomes) < _FEWEST:
        return replace(DEFAULT, target=target)
    return replace(calibration, answer=threshold(outcomes, target))


def judged(cases: Iterable[samples.Case], weights: Weights) -> Iterable[Outcome]:
    for case in cases:
        if case.found:
            second = case.found[1].odds if len(case.found) > 1 else None
            sure = likely(case.found[0].odds, second, weights.choice)
            share = samples.SHARES[case.kind]
            yield Outcome(sure, case.found[0].entry == case.right, share)


def threshold(outcomes: Sequence[Outcome], target: float) -> float:
    """The lowest probability from which on the lower bound of the share of right ones is enough."""
    ordered = sorted(outcomes, key=lambda outcome: -outcome.likely)
    right = total = squares = 0.0
    lowest = HIGHEST
    for at, outcome in enumerate(ordered):
        right += outcome.right * outcome.share
        total += outcome.share
        squares += outcome.share**2
        last = at + 1 == len(ordered) or ordered[at + 1].likely < outcome.likely
        if last and lower_bound(right / total, total**2 / squares) >= target:
            lowest = outcome.likely
    return round(min(HIGHEST, max(LOWEST, lowest)), 4)


def lower_bound(share: float, count: float) -> float:
    """Wilson's lower bound of a share that was seen in so many cases."""
    square = _SURE**2
    middle = share + square / (2 * count)
    spread = _SURE * sqrt(share * (1 - share) / count + square / (4 * count**2))
    return (middle - spread) / (1 + square / count)
