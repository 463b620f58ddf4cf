"""Learn the matcher's weights from our own questions; writes content/matcher/weights.json.

uv run python -m benchmarks.matching.fit

Each of our bases (questions.txt and the packs') is asked about with what words say in the others,
as a knowledge base that nobody has seen is asked about with what words say in ours.
"""

import json
from pathlib import Path
from random import Random

import numpy as np

from benchmarks.matching import own
from content import loader, matcher
from content.matcher import samples
from content.matcher.compare import FEATURES
from content.matcher.habits import Count, Counting, Evidence, Habits, by_class
from content.matcher.match import Matcher
from content.matcher.model import CHOICE, Weights, chosen, fit

_FILE = Path(matcher.__file__).parent / "weights.json"
# To begin with: likeness counts, every difference speaks against.
_FOR = {
    "own evidence": 1.0, "other evidence": 1.0, "worst": 0.2, "shared": 0.1, "same": 1.0,
    "all words": 1.0,
    "ratio": 4.0, "cosine": 4.0,
}  # fmt: skip
_START = Weights(
    (*(_FOR.get(name, -0.5) for name in FEATURES), -4.0), (1.0, 0.3, 0.0, -1.0), Habits()
)
# Which way each figure may count; 0 for either.
_SIGNS = tuple(1 if name in _FOR else -1 for name in FEATURES)


# At least this much against an answer, whatever our own questions say: they have few of these, and
# an answer that is wrong about them is the worst.
_AT_LEAST = {"numbers": -1.5, "denied": -1.5, "turned": -3.0, "prefixed": -1.0, "excluded": -0.5}


# What is made by chance is made several times.
_SEEDS = (1, 2, 3)
# How much questions.txt and the pack count: whoever writes a pack's variants words them as
# differently as can be, which people who ask do not.
_SHARES = (1.0, 0.3)
# Likeness that no word shows decides between entries whose words fit alike: ratio and cosine
# count at least this, which the constant takes back. So does another order of the same words,
# which our own questions have few of.
_LIKENESS = 1.0


def _capped(name: str, weight: float) -> float:
    if name in ("ratio", "cosine", "all words"):
        return max(weight, _LIKENESS)
    return min(weight, _AT_LEAST.get(name, np.inf))


def main() -> None:
    base = loader.load().packs["base"].knowledge.normaliser
    party = loader.load().packs["party-branch"].knowledge.normaliser
    bases = [(own.written(), base), (own.pack("party-branch"), party)]
    weights = _START
    matchers = [Matcher(one.texts, normaliser, weights=weights) for one, normaliser in bases]
    found = [samples.neighbours(each, list(each.texts), 8) for each in matchers]
    counts = [_with_near(samples.count(found[at]), bases[at][0], matchers[at]) for at in (0, 1)]
    for _ in range(3):
        cases = []
        for at, share in enumerate(_SHARES):
            other = matchers[1 - at].normaliser.segmenter
            habits = Habits(counts[1 - at], by_class(counts[1 - at], other))
            each = Matcher(
                bases[at][0].texts,
                bases[at][1],
                weights=Weights(weights.pair, weights.choice, habits),
            )
            evidence = samples.evidence_of(each, habits, counts[at])
            for seed in _SEEDS:
                chance = Random(seed)  # noqa: S311 - a sample, not a secret
                made = samples.cases(each, found[at], evidence, chance)
                cases += [(share * samples.SHARES[case.kind], case) for case in made]
            near = _near(each, bases[at][0], found[at], evidence)
            cases += [(len(_SEEDS) * share, case) for case in near]
        weights = _learned(cases, weights)
    every: dict[str, Count] = {}
    for part in counts:
        for word, numbers in part.items():
            total = every.setdefault(word, [0.0] * 4)
            for at, number in enumerate(numbers):
                total[at] += number
    kept = {word: numbers for word, numbers in every.items() if numbers[1] + numbers[3] >= 4}
    habits = Habits(kept, by_class(every, matchers[1].normaliser.segmenter))
    final = Weights(weights.pair, weights.choice, habits)
    _FILE.write_text(json.dumps(final.to_json(), ensure_ascii=False, indent=1) + "\n", "utf-8")


def _with_near(counts: dict[str, Count], base: own.Base, each: Matcher) -> dict[str, Count]:
    counting = Counting()
    counting.words = counts
    for entry, text in base.near:
        plain = each.normaliser.plain(text)
        counting.see([(plain, known) for known in each.plain_texts(entry)[:2]], same=False)
    return counting.words


def _near(
    each: Matcher, base: own.Base, found: list[samples.Neighbours], evidence: Evidence
) -> list[samples.Case]:
    by_entry = {one.entry: samples.Unseen(evidence, one) for one in found}
    result = []
    for entry, text in base.near:
        plain = each.normaliser.plain(text)
        if not each.knows(plain):
            result.append(
                samples.Case("near", plain, None, each.compared(plain, evidence=by_entry[entry]))
            )
    return result


def _learned(cases: list[tuple[float, samples.Case]], weights: Weights) -> Weights:
    rows, right, each = [], [], []
    for share, case in cases:
        wrong = [item for item in case.found if item.entry != case.right][:2]
        good = [item for item in case.found if item.entry == case.right]
        for item in [*wrong, *good]:
            rows.append(item.comparison.values)
            right.append(float(item.entry == case.right))
            each.append(share * (1.0 if item in good or case.right is None else 0.5))
    pair = fit(np.array(rows), np.array(right), np.array(each), strength=0.3, signs=_SIGNS)
    print(
        len(rows),
        {n: round(float(w), 2) for n, w in zip((*FEATURES, "constant"), pair, strict=True)},
    )
    capped = [_capped(name, float(weight)) for name, weight in zip(FEATURES, pair, strict=False)]
    capped.append(float(pair[-1]) - _LIKENESS)
    again = Weights(tuple(capped), weights.choice, weights.habits)
    rows, right, each = [], [], []
    for share, case in cases:
        scored = sorted(
            ((again.score(item.comparison.values), item.entry) for item in case.found), reverse=True
        )
        if scored:
            rows.append(chosen(scored[0][0], scored[1][0] if len(scored) > 1 else None))
            right.append(float(scored[0][1] == case.right))
            each.append(share)
    choice = fit(np.array(rows), np.array(right), np.array(each), strength=0.3, signs=(1, 1, 0))
    print(len(rows), dict(zip((*CHOICE, "constant"), choice.round(2), strict=True)))
    return Weights(again.pair, tuple(map(float, choice)), weights.habits)


if __name__ == "__main__":
    main()
