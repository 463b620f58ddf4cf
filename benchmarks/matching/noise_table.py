"""How much less is answered, and how rightly, when questions come less tidy: one table.

uv run python -m benchmarks.matching.noise_table KB.jsonl QUERIES.jsonl [--seed N]

Every question is asked as it is and then with one change: in traditional characters, without one
or two words that carry no meaning, with polite words around it (those of chinese.toml, and others
that stand in no list of ours), and with one, then two characters taken for others that sound
alike (see content/matcher/noise.py). The knowledge base and its calibration stay the same. The
columns are those of `xueban kb eval`.
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from random import Random

from bot.cli.knowledge_file import calibrated_matcher, knowledge_lines, query_lines
from content import loader
from content.evaluation import Asked, measure
from content.matcher import noise
from content.script import traditional

_COLUMNS = ("top1", "top3", "right", "clarified", "precision", "refused")
_BEFORE = ("各位前辈打搅了，", "新人求带，", "弱弱地问一句，", "有懂行的吗，")
_AFTER = ("，有懂的吗", "，跪谢", "，蹲一个答案", "，先谢过")


def padded(text: str, chance: Random) -> str:
    """With polite words before it or after it that stand in no list of ours."""
    bare = text.rstrip("？?。!！")
    if chance.random() < 0.5:
        return f"{chance.choice(_BEFORE)}{bare}"
    return f"{bare}{chance.choice(_AFTER)}"


def twice_misheard(text: str, chance: Random) -> str:
    return noise.misheard(noise.misheard(text, chance), chance)


CHANGES: dict[str, Callable[[str, Random], str]] = {
    "as it is": lambda text, _: text,
    "traditional": lambda text, _: traditional(text),
    "dropped words": noise.clipped,
    "polite": noise.polite,
    "polite in other words": padded,
    "one homophone": noise.misheard,
    "two homophones": twice_misheard,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kb", type=Path)
    parser.add_argument("queries", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    matcher = calibrated_matcher(knowledge_lines(options.kb), loader.load().packs[loader.BASE])
    asked = query_lines(options.queries)
    print("| |" + "|".join(_COLUMNS) + "|\n|---|" + "---:|" * len(_COLUMNS))
    for name, change in CHANGES.items():
        chance = Random(options.seed)  # noqa: S311 - a sample, not a secret
        changed = [Asked(change(one.query, chance), one.id) for one in asked]
        shares = measure(matcher, changed).shares()
        print(f"|{name}|" + "|".join(f"{shares[column]:.3f}" for column in _COLUMNS) + "|")


if __name__ == "__main__":
    main()
