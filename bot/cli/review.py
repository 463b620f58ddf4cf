"""content review: a person is led through the documents of a pack."""

from collections.abc import Iterator
from datetime import date

import click

from bot.clock import Clock
from bot.services import content_review
from bot.services.content_review import NAME_LIMIT, NOTE_LIMIT
from bot.storage.session import Database
from content.freshness import Review, due, reviewed
from content.knowledge import Knowledge
from content.loader import Pack
from content.schema import Document, Entry

YES, REPRINT, DIFFERS, NO, QUIT = "yes", "reprint", "differs", "no", "quit"
_ANSWERS = click.Choice([YES, REPRINT, DIFFERS, NO, QUIT])
_LEGEND = (
    "  yes：和官方原文一致  reprint：只和另一份转载对照过，一致  differs：不一致\n"
    "  no：没有对照，下次再说  quit：到此为止"
)


class Reviewing:
    """One sitting: whose it is, and what was found."""

    def __init__(self, database: Database, today: date, everything: bool) -> None:
        self._database = database
        self._today = today
        self._everything = everything
        self._name = ""
        self._found = {YES: 0, REPRINT: 0, DIFFERS: 0}

    def lead_through(self, pack: Pack) -> bool:
        """Ask about each document; False where the person has had enough."""
        with self._database.read() as session:
            reviews = content_review.all_of(session).get(pack.name, {})
        knowledge = reviewed(pack.knowledge, reviews)
        asked = list(knowledge.documents.values())
        if not self._everything:
            asked = due(knowledge, self._today)
        click.echo(f"{pack.name}：{len(asked)} 份文件要核对。")
        for number, document in enumerate(asked, start=1):
            click.echo(f"\n[{number}/{len(asked)}] {_about(pack, knowledge, document)}")
            if document.id in knowledge.differing:
                before = reviews[document.id]
                click.echo(f"  {before.checked_on} 发现不一致：{before.differs}")
            if not self._ask(pack, document):
                return False
        return True

    def conclude(self) -> None:
        found = self._found
        click.echo(
            f"\n记下了 {sum(found.values())} 份：官方原文 {found[YES]}，"
            f"转载文本 {found[REPRINT]}，不一致 {found[DIFFERS]}。"
        )

    def _ask(self, pack: Pack, document: Document) -> bool:
        click.echo(_LEGEND)
        answer = click.prompt("  对照过了吗", type=_ANSWERS, default=NO)
        if answer == QUIT:
            return False
        if answer == NO:
            return True
        differs = _asked("  哪里不一致", NOTE_LIMIT) if answer == DIFFERS else ""
        if not self._name:
            self._name = _asked("  你的名字（只问这一次，和日期一起记下）", NAME_LIMIT)
        review = Review(self._today, "reprint" if answer == REPRINT else "official", differs)
        with self._database.begin() as session:
            now = Clock().now()
            content_review.record(session, pack.name, document.id, review, self._name, now)
        self._found[answer] += 1
        click.echo("  记下了。" + ("改好之前，依据它的问答先不给。" if differs else ""))
        return True


def _about(pack: Pack, knowledge: Knowledge, document: Document) -> str:
    """The document, where its text is, and each question that rests on it with the clause."""
    resting = list(_resting(knowledge, document))
    checked = pack.messages.say(f"question.checked_{document.checked_against}")
    return "\n".join(
        [
            f"《{document.title}》",
            f"  发布机关：{document.issuer}",
            f"  版本：{document.version}",
            f"  现在记的：{checked}，{document.checked_on} 核对",
            f"  官方原文：{document.official or '没有记下地址，请到发布机关的网站上找'}",
            f"  依据它的问答 {len(resting)} 条：",
            *(f"    {clause}  {entry.question}" for entry, clause in resting),
        ]
    )


def _resting(knowledge: Knowledge, document: Document) -> Iterator[tuple[Entry, str]]:
    """Entries and drafts that cite the document, each with the clause."""
    for entry in (*knowledge.entries.values(), *knowledge.drafts.values()):
        for citation in entry.sources:
            if citation.document == document.id:
                yield entry, citation.clause


def _asked(question: str, limit: int) -> str:
    """What is typed, asked again until it is 1 to `limit` characters long."""
    while not 1 <= len(text := str(click.prompt(question)).strip()) <= limit:
        click.echo(f"  请写 1 到 {limit} 个字。")
    return text
