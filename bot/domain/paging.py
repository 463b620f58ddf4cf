"""A notice as text, cut into pages that fit the channel."""

from bot.domain.messages import BLANK, Notice

NEXT_PAGE = "9"
# Where a page may end, best first: after a line, after a sentence, after a clause.
_ENDS = ("\n", "。！？!?；;", "，,、 ")


def as_text(notice: Notice) -> str:
    """The whole notice in reading order, without its source line."""
    parts = [notice.title, *notice.lines]
    parts += [f"{option.send} {option.label}" for option in notice.options]
    if notice.link:
        parts.append(f'<a href="{notice.link.url}">{notice.link.label}</a>')
    return "\n".join("" if part == BLANK else part for part in parts if part)


def pages(notice: Notice, limit: int, more: str) -> tuple[str, ...]:
    """The texts to send, each at most `limit` bytes of UTF-8, each with the source line.

    `more` is the line under every page but the last, with the fields {page} and {pages}.
    A source that would fill more than a third of a page is cut.
    """
    text = as_text(notice)
    source = _head(notice.source, limit // 3)[0]
    whole = f"{text}\n{source}" if source else text
    if len(whole.encode()) <= limit:
        return (whole,)
    foot = "\n".join(part for part in (source, more.format(page=999, pages=999)) if part)
    room = limit - len(foot.encode()) - 1
    bodies: list[str] = []
    rest = text
    while rest:
        body, rest = _cut(rest, room)
        bodies.append(body)
    return tuple(
        "\n".join(
            part
            for part in (
                body,
                source,
                more.format(page=number, pages=len(bodies)) if number < len(bodies) else "",
            )
            if part
        )
        for number, body in enumerate(bodies, start=1)
    )


def page(notice: Notice, index: int, limit: int, more: str) -> str:
    """One page; past the end it is the last one."""
    texts = pages(notice, limit, more)
    return texts[min(index, len(texts) - 1)]


def _head(text: str, limit: int) -> tuple[str, str]:
    """The longest start of `text` that fits `limit` bytes on a character boundary, and the rest."""
    raw = text.encode()
    if len(raw) <= limit:
        return text, ""
    head = raw[:limit].decode(errors="ignore")
    return head, text[len(head) :]


def _cut(text: str, limit: int) -> tuple[str, str]:
    """A page's body and what is left: at the last line, sentence or clause end that fits.

    An end in the first half of the page is not taken: it would waste the page.
    """
    head, rest = _head(text, limit)
    if not rest:
        return head, ""
    for ends in _ENDS:
        position = max(head.rfind(end) for end in ends) + 1
        if position > len(head) // 2:
            return head[:position].rstrip("\n"), text[position:].lstrip("\n")
    return head, rest
