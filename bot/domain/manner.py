"""How something is said on a day of remembrance: without emoji and exclamation marks."""

import re
from dataclasses import replace

from bot.domain.messages import Notice

# Pictographs, flags, keycaps and what joins or colours them; a web address keeps its marks.
_EMOJI = (
    "[\U0001f000-\U0001faff\u2600-\u27bf\u2b00-\u2bff\u2300-\u23ff\u20e3\ufe0f\u200d"
    "\U000e0020-\U000e007f]"
)
_LOUD = re.compile(rf"(?P<url>https?://\S+)|(?P<emoji>{_EMOJI}+)|(?P<mark>[!！]+)(?P<end>\s*$)?")
_SPACES = re.compile(r"(?<=\S)[ \t]{2,}")
_DOUBLED = re.compile(r"([。，,.？?…])。")


def plain(notice: Notice) -> Notice:
    """The same without emoji and exclamation marks; the link and what is sent stay as they are."""
    return replace(
        notice,
        title=plain_text(notice.title),
        lines=tuple(plain_text(line) for line in notice.lines),
        source=plain_text(notice.source),
        link=replace(notice.link, label=plain_text(notice.link.label)) if notice.link else None,
        options=tuple(replace(one, label=plain_text(one.label)) for one in notice.options),
    )


def plain_text(text: str) -> str:
    """今天开会！🎉 is 今天开会。"""
    lines = (_LOUD.sub(_quiet, line) for line in text.splitlines())
    return "\n".join(_DOUBLED.sub(r"\1", _SPACES.sub(" ", line)).strip() for line in lines)


def _quiet(found: re.Match[str]) -> str:
    if found["url"]:
        return found["url"]
    return "" if found["emoji"] else "。"
