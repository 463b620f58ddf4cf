"""What is asked about the matter, in one spelling: why, how, whether one may, how much.

Which expressions each word stands for is in chinese.toml.
"""

import re
from functools import cache

from content.matcher.chinese import chinese

WHY, HOW, MAY, WILL, MUST = "为什么", "怎么", "能不能", "会不会", "要不要"
EFFECT, USE, COST, LONG, WHEN, WHERE = "有效吗", "作用", "多少钱", "多久", "什么时候", "哪里"
WHO, MANY, WHICH, MEANING, HARM = "谁", "几个", "什么", "什么意思", "副作用"
GOOD, DIFFERENCE, THERE, CARE, STEPS = "好不好", "区别", "有没有", "注意什么", "流程"
OPINION = "好吗"
# What the words above ask for; two texts that ask for nothing in common ask different things.
ASKING = frozenset(
    {WHY, HOW, MAY, WILL, MUST, EFFECT, USE, COST, LONG, WHEN, WHERE, WHO, MANY, MEANING, HARM}
    | {GOOD, DIFFERENCE, CARE, STEPS, THERE, OPINION}
)
# Those that are not asked in passing: 能不能 and 有没有 are often left to 吗.
PLAINLY = ASKING - {MAY, WILL, MUST, THERE, GOOD}
# What may be asked in the place of another of them, for near misses that are made: those that
# nobody takes for each other.
INSTEAD = (WHY, HOW, COST, LONG, WHEN, WHERE, HARM, CARE)


@cache
def _expression() -> tuple[re.Pattern[str], tuple[str, ...]]:
    """One expression with a group for each word: the first that fits at a place is taken."""
    listed = chinese()["asking"]
    what = chinese()["what"]
    groups = ["|".join(line["is"]).replace("{what}", what) for line in listed]
    joined = "|".join(f"({group})" for group in groups)
    return re.compile(joined), tuple(line["word"] for line in listed)


def in_one_spelling(text: str) -> str:
    """The text with its asking phrases as the words above."""
    expression, words = _expression()
    return expression.sub(lambda found: words[(found.lastindex or 1) - 1], text)
