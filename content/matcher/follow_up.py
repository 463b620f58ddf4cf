"""A question that only makes sense after the one before: 那转正呢.

What is new in it takes the place of a word of the last question, or is asked about alone; which of
these is meant the matcher says by how well an entry fits. Where none fits well it is asked back.
"""

import re

from content.matcher.asking import ASKING, in_one_spelling
from content.matcher.match import NEAREST, Candidate, Match, Matcher
from content.matcher.normalise import Plain, bare

# What a follow-up begins with, or ends with; one of both, and little between.
_SHAPE = re.compile(r"(?P<head>那么?|然后|还有|要是|如果是?|换成)?(?P<new>.+?)(?P<tail>呢|的话)?")
_NUMBERED = re.compile(r"\d+(?P<of>\D+)")
_LONGEST = 8
_MOST_TRIED = 8


def new_part(text: str) -> str | None:
    """What a follow-up names: 转正 of 那转正呢; None for a question that stands alone."""
    plain = bare(text).removesuffix("呀").removesuffix("啊")
    found = _SHAPE.fullmatch(plain)
    if not found or not (found["head"] or found["tail"]) or len(found["new"]) > _LONGEST:
        return None
    return found["new"].removesuffix("的话")


def resolve(matcher: Matcher, text: str, last: str | None) -> Match | None:
    """What to do with a follow-up of the question `last`; None where the text stands alone.

    Never an answer without a last question: then, and where no expansion is sure, it clarifies
    between the entries that came nearest, or escalates where there is none.
    """
    new = new_part(text)
    if new is None:
        return None
    tried = [new, *expansions(matcher, new, last)] if last else [new]
    matches = [matcher.decide(question) for question in tried[:_MOST_TRIED]]
    sure = [match for match in matches[1:] if match.decision == "answer"]
    if last and sure:
        best = max(sure, key=lambda match: match.candidates[0].score)
        others = {match.candidates[0].entry for match in sure}
        if len(others) == 1:
            return Match("answer", best.candidates, "follow-up")
    return _asked_back(matches)


def expansions(matcher: Matcher, new: str, last: str) -> list[str]:
    """The last question with the new part in the place of each word that says something, the
    longest first; and the new part before what was asked, such as 什么时候.
    """
    plain: Plain = matcher.normaliser.plain(last)
    says = matcher.normaliser.meaning
    named = matcher.normaliser.plain(new).text
    if number := _NUMBERED.fullmatch(named):
        # 二大 after 一大: another of the same row.
        row = re.compile(rf"\d+{re.escape(number['of'])}")
        return [row.sub(named, plain.text, count=1)] if row.search(plain.text) else [new]
    if any(word in ASKING for word in matcher.normaliser.plain(in_one_spelling(new)).words):
        kept = "".join(word for word in plain.words if word not in ASKING)
        return [f"{kept}{new}"]
    replaced = sorted({word for word in plain.words if says(word)[1]}, key=len, reverse=True)
    asked = "".join(word for word in plain.words if word in ASKING)
    found = ["".join(new if one == word else one for one in plain.words) for word in replaced]
    return [*found, f"{new}{asked}"] if asked else found


def _asked_back(matches: list[Match]) -> Match:
    named: dict[str, Candidate] = {}
    for match in matches:
        if match.decision != "escalate":
            for item in match.candidates:
                if item.entry not in named or named[item.entry].score < item.score:
                    named[item.entry] = item
    best = sorted(named.values(), key=lambda item: (-item.score, item.entry))[:NEAREST]
    if len(best) > 1:
        return Match("clarify", tuple(best), "follow-up")
    return Match("escalate", tuple(best), "follow-up")
