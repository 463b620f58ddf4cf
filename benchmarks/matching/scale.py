"""Time and memory of the matcher over a knowledge base of made-up texts.

uv run python -m benchmarks.matching.scale [TEXTS ...]

Texts (default: 2,000, then 100,000) are words of general Chinese around a question's frame, two an
entry. Asked are texts that are known with a word taken out. Each size has a process of its own;
memory is what the process holds more after building, and the most it held.
"""

import argparse
import multiprocessing
import time
from random import Random
from resource import RUSAGE_SELF, getrusage

import numpy as np
import psutil

from content import loader
from content.matcher import Matcher, calibrate
from content.segment import frequent_words

_SIZES = (2_000, 100_000)
_WORDS = 20_000
_ASKED = 2_000
_FRAMES = (
    "{}怎么办理{}",
    "{}和{}有什么区别",
    "为什么{}要{}",
    "{}在哪里{}",
    "{}{}要多少钱",
    "什么时候{}{}",
)
_MEBIBYTE = 1024 * 1024


def texts(count: int, chance: Random) -> dict[str, list[str]]:
    """Entries of two texts each."""
    words = frequent_words(_WORDS)

    def text() -> str:
        parts = ["".join(chance.sample(words, chance.choice((1, 2)))) for _ in range(2)]
        return chance.choice(_FRAMES).format(*parts)

    return {f"e{number}": [text(), text()] for number in range(count // 2)}


def measured(count: int) -> None:
    """Print one row of the table."""
    chance = Random(1)  # noqa: S311 - a sample, not a secret
    normaliser = loader.load().packs[loader.BASE].knowledge.normaliser
    base = texts(count, chance)
    Matcher({"warm": ["怎么办"]}, normaliser).decide("怎么办呢")
    process = psutil.Process()
    before, started = process.memory_info().rss, time.perf_counter()
    matcher = Matcher(base, normaliser)
    built = time.perf_counter() - started
    held, most = process.memory_info().rss - before, getrusage(RUSAGE_SELF).ru_maxrss * 1024
    started = time.perf_counter()
    matcher.calibration = calibrate(matcher)
    learned = time.perf_counter() - started
    seconds = []
    for entry in chance.choices(list(base), k=_ASKED):
        words = normaliser.plain(chance.choice(base[entry])).words
        left_out = chance.randrange(len(words))
        asked = "".join(word for at, word in enumerate(words) if at != left_out)
        started = time.perf_counter()
        matcher.decide(asked)
        seconds.append(time.perf_counter() - started)
    p50, p99 = np.percentile(np.array(seconds) * 1000, [50, 99])
    memory = f"{held / _MEBIBYTE:.0f}|{most / _MEBIBYTE:.0f}"
    print(f"|{count}|{built:.2f}|{memory}|{learned:.1f}|{p50:.2f}|{p99:.2f}|", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("texts", type=int, nargs="*", default=_SIZES)
    print("|texts|build s|MiB more|MiB at most|calibrate s|p50 ms|p99 ms|\n|" + "---:|" * 7)
    for count in parser.parse_args().texts:
        # Memory that one size has freed would hide what the next one takes.
        process = multiprocessing.get_context("spawn").Process(target=measured, args=(count,))
        process.start()
        process.join()


if __name__ == "__main__":
    main()
