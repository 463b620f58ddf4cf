"""Why the matcher decides as it does, for people: `ask --explain`."""

from collections.abc import Iterator

from content.matcher.compare import FEATURES
from content.matcher.match import Compared, Matcher

_SHOWN = 3
# A figure that moves the odds by less than this is not shown.
_LEAST = 0.05


def explain(matcher: Matcher, question: str) -> Iterator[str]:
    """Lines: the question as it is compared, what decided, and each candidate with its figures.

    Beside a figure stands what it adds to the logarithm of the odds.
    """
    match = matcher.decide(question)
    plain = matcher.normaliser.plain(question)
    calibration = matcher.calibration
    yield f"compared as: {' '.join(plain.words)}"
    yield f"rule: {match.rule}: {match.decision}"
    ranked = matcher.compared(plain)
    if ranked and match.rule != "same words":
        origin = f"{calibration.sampled} texts" if calibration.sampled else "the defaults"
        yield (
            f"probability: {matcher.likely(ranked):.3f}; answered from {calibration.answer:.3f} on "
            f"(target {calibration.target:.2f}, from {origin})"
        )
    for item in ranked[:_SHOWN]:
        yield f"{item.odds:+.2f}  {item.entry}  {item.known}"
        yield f"    only asked: {' '.join(item.comparison.mine) or '-'}"
        yield f"    only known: {' '.join(item.comparison.theirs) or '-'}"
        yield f"    {'; '.join(_figures(matcher, item)) or '-'}"


def _figures(matcher: Matcher, item: Compared) -> Iterator[str]:
    pairs = zip(FEATURES, item.comparison.values, matcher.weights.pair, strict=False)
    for name, value, weight in pairs:
        if abs(value * weight) >= _LEAST:
            yield f"{name} {value:.2f} ({value * weight:+.2f})"
