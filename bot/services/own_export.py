"""A community's own entries as files of a pack."""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.domain.person import CommunityView
from bot.errors import NotFound
from bot.services import knowledge
from bot.services.knowledge import DRAFT, WITHDRAWN
from bot.services.shelf import rule_of
from bot.storage.session import UnitOfWork
from content.knowledge import Knowledge
from content.overlay import OwnRule
from content.schema import Citation, Document, Entry
from content.writing import document_file, entry_file

_WAITING = "no second organiser has approved it yet"


@dataclass(frozen=True, slots=True)
class Exported:
    """`files` maps a path within the pack's folder to its text."""

    files: Mapping[str, str]
    entries: int


def exported(
    session: UnitOfWork, home: CommunityView, knows: Knowledge, base: Knowledge
) -> Exported:
    """All that is not withdrawn; what waits for approval is a draft there.

    What adds a rule to an entry of the community's pack, which `knows` it, is an entry of its own:
    rule-B07 for B07. It points to that entry where every pack has it (`base`), and names it in a
    comment. Raises NotFound where there is nothing.
    """
    documents: dict[str, Document] = {}
    entries = []
    for row in knowledge.listed(session, home.id):
        if row.state == WITHDRAWN:
            continue
        rule = rule_of(row, home.name)
        documents[rule.document.id] = rule.document
        about = knows.find(rule.key)
        comment = f"adds to {about.id}: {about.question}" if about else ""
        entries.append((_entry(rule, row.state == DRAFT, about, base), comment))
    if not entries:
        raise NotFound(f"{home.name} has no entries of its own.")
    files = {
        "sources.toml": document_file(documents.values()),
        "knowledge/own.toml": entry_file(entries),
    }
    return Exported(files, len(entries))


def _entry(rule: OwnRule, waits: bool, about: Entry | None, base: Knowledge) -> Entry:
    return Entry(
        id=f"rule-{rule.key}" if about else rule.key,
        question=rule.question,
        variants=rule.variants,
        answer=rule.answer,
        topic=rule.topic,
        scope="community",
        sources=(Citation(document=rule.document.id, clause=rule.clause),),
        checked_on=rule.since,
        see_also=(about.id,) if about and base.find(about.id) else (),
        draft=_WAITING if waits else None,
    )
