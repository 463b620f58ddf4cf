"""Simplified and traditional characters: who writes 繁體 is answered in it (OpenCC)."""

from dataclasses import replace
from functools import cache

from opencc import OpenCC

from bot.domain.messages import Link, Notice, Option


@cache
def _converter(name: str) -> OpenCC:
    return OpenCC(name)


def simplified(text: str) -> str:
    return _converted("t2s", text)


def traditional(text: str) -> str:
    return _converted("s2tw", text)


def _converted(name: str, text: str) -> str:
    """Half a character, which JSON can hold and UTF-8 cannot, becomes a question mark."""
    whole = text.encode("utf-8", "replace").decode("utf-8")
    converted: str = _converter(name).convert(whole)
    return converted


def is_traditional(text: str) -> bool:
    """Whether more characters are written only the traditional way than only the simplified."""
    old = sum(a != b for a, b in zip(text, simplified(text), strict=False))
    new = sum(a != b for a, b in zip(text, traditional(text), strict=False))
    return old > new


def in_traditional(notice: Notice) -> Notice:
    """The notice with every text that a member reads converted; what is to be sent as well."""
    link = notice.link
    return replace(
        notice,
        title=traditional(notice.title),
        lines=tuple(traditional(line) for line in notice.lines),
        source=traditional(notice.source),
        link=Link(traditional(link.label), link.url) if link else None,
        options=tuple(Option(option.send, traditional(option.label)) for option in notice.options),
    )
