"""What a pack knows: its entries, the documents they rest on, and the numbers it may give."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING

from content.matcher import Matcher, Normaliser
from content.schema import Document, Entry, HelpLine

if TYPE_CHECKING:
    from content.overlay import OwnRule

_building = Lock()


@dataclass(frozen=True)
class Knowledge:
    """`entries` and `documents` by id, in the order of the files; `files` by entry.

    `drafts` are found like entries, and not given as answers. `own` are a community's rules by
    entry, said after it. `differing` are the documents that somebody has found the entries to
    differ from.
    """

    entries: Mapping[str, Entry]
    documents: Mapping[str, Document]
    help_lines: tuple[HelpLine, ...]
    drafts: Mapping[str, Entry] = field(default_factory=dict)
    own: Mapping[str, "OwnRule"] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    normaliser: Normaliser = field(default_factory=lambda: Normaliser({}, ()))
    differing: frozenset[str] = frozenset()

    @cached_property
    def matcher(self) -> Matcher:
        """Built when it is first asked, by one thread."""
        with _building:
            if done := self.__dict__.get("matcher"):
                return done  # type: ignore[no-any-return]
            known = (*self.entries.values(), *self.drafts.values())
            texts = {entry.id: (entry.question, *entry.variants) for entry in known}
            return Matcher(texts, self.normaliser)

    @cached_property
    def followers(self) -> Mapping[str, Sequence[Document]]:
        """The versions that supersede a document, by its id."""
        found: dict[str, list[Document]] = {}
        for document in self.documents.values():
            if document.supersedes:
                found.setdefault(document.supersedes, []).append(document)
        return found

    def over(self, documents: Mapping[str, Document], differing: frozenset[str]) -> "Knowledge":
        """The same entries over documents in another state; what has been built stays."""
        other = replace(self, documents=documents, differing=differing)
        built = self.__dict__.get("matcher")
        return other.with_matcher(built) if built else other

    def with_matcher(self, matcher: Matcher) -> "Knowledge":
        """The same, asked through a matcher that knows its texts already."""
        self.__dict__["matcher"] = matcher
        return self

    def find(self, entry: str) -> Entry | None:
        """The entry, be it a draft."""
        return self.entries.get(entry) or self.drafts.get(entry)

    def sources(self, entry: Entry) -> Sequence[tuple[Document, str]]:
        """The documents that the entry cites, each with the clause."""
        return [(self.documents[item.document], item.clause) for item in entry.sources]
