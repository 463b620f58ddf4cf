"""ask: what would be decided about a text, and why."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import click

from bot.bootstrap import load_content
from bot.cli.common import config_option, settings_of
from bot.cli.knowledge_file import KnowledgeLine, calibrated_matcher, knowledge_lines
from bot.cli.reviews import reviews_of, today_of
from bot.domain.grammar import Kind, read
from bot.routing.answers import answer_lines, refusal_lines
from bot.routing.router import collect
from content.citing import withheld_lines
from content.freshness import reviewed, withheld
from content.knowledge import Knowledge
from content.loader import BASE, Pack
from content.matcher import Candidate, Matcher
from content.matcher.explain import explain as explained
from content.questions import DRAFT, Decision
from content.script import simplified
from handlers import ROUTERS

_LIKELIEST = 3


@dataclass(frozen=True, slots=True)
class _Here:
    """A pack, what it knows with the reviews of its documents, and the day."""

    pack: Pack
    knowledge: Knowledge
    today: date


@click.command()
@click.argument("text")
@click.option(
    "--kb",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Ask the matcher alone, over this file: a JSON object a line with id, question, "
    "variants, answer.",
)
@click.option("--pack", "name", help="Of this pack (default: defaults.pack of the configuration).")
@click.option("--explain", is_flag=True, help="Say what it looked like, and how near what was.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@config_option
def ask(
    text: str, kb: Path | None, name: str | None, explain: bool, as_json: bool, config: Path | None
) -> None:
    """Say what a member would get who sends TEXT.

    It needs no database; where there is one, the reviews of the documents count as in a chat.
    """
    settings = settings_of(config)
    if name is not None:
        defaults = settings.defaults.model_copy(update={"pack": name})
        settings = settings.model_copy(update={"defaults": defaults})
    library = load_content(settings)
    pack = library.packs[settings.defaults.pack]
    if kb:
        lines = {line.id: line for line in knowledge_lines(kb)}
        matcher = calibrated_matcher(lines.values(), library.packs[BASE])
        found = _of_matcher(matcher, lines, text)
    else:
        matcher = pack.knowledge.matcher
        knowledge = reviewed(pack.knowledge, reviews_of(settings).get(pack.name, {}))
        found = _of_pack(text, _Here(pack, knowledge, today_of(settings)))
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
        return
    click.echo(f"{found['decision']}{': ' + found['class'] if found['class'] else ''}")
    click.echo(found["answer"])
    if explain:
        if not kb:
            _explain(text, pack)
        for line in explained(matcher, simplified(text)):
            click.echo(line)


def _of_pack(text: str, here: _Here) -> dict[str, Any]:
    """The whole way: a command, a courtesy, a refusal, an answer, near questions or a human."""
    pack = here.pack
    said = read(simplified(text), collect(ROUTERS, pack.messages).words(), pack.courtesies)
    match said.kind:
        case Kind.NUMBER:
            return _found("command", answer=pack.messages.say("conversation.no_menu"))
        case Kind.COMMAND:
            return _of_command(said.word, said.argument, here)
        case Kind.COURTESY:
            kind = pack.courtesies.get(said.word, "smile")
            line = "" if kind == "silent" else pack.messages.say(f"courtesy.{kind}")
            return _found("courtesy", answer=line)
    decision = _given(pack.questions.decide(simplified(text)), here)
    return _found(
        decision.kind,
        name=decision.name if decision.kind == "decline" else None,
        entry=None if decision.name == DRAFT else decision.entry,
        answer=_answer(decision, here),
        sources=_sources(decision, here),
        candidates=decision.candidates,
    )


def _given(decision: Decision, here: _Here) -> Decision:
    """An entry that is not given as an answer today is like a draft."""
    entry = here.knowledge.find(decision.entry) if decision.entry else None
    if decision.kind == "answer" and entry and withheld(here.knowledge, entry, here.today):
        return replace(decision, kind="escalate", name=DRAFT)
    return decision


def _of_command(word: str, argument: str, here: _Here) -> dict[str, Any]:
    """The command, unless what is noted beside it is not kept."""
    pack = here.pack
    command = collect(ROUTERS, pack.messages).commands[word][0]
    decision = pack.questions.noted(argument) if command.carries_note else None
    if decision is None:
        return _found("command", answer=word)
    return _found("decline", name=decision.name, answer=_answer(decision, here))


def _answer(decision: Decision, here: _Here) -> str:
    say, knowledge = here.pack.messages.say, here.knowledge
    entry = knowledge.find(decision.entry) if decision.entry else None
    match decision.kind:
        case "answer" if entry:
            return "\n".join(answer_lines(say, knowledge, entry, here.today))
        case "decline":
            return "\n".join(refusal_lines(say, knowledge, decision, "", here.today))
        case "command":
            return decision.name
        case "clarify":
            near = filter(None, (knowledge.find(item.entry) for item in decision.candidates))
            numbered = [f"{number} {entry.question}" for number, entry in enumerate(near, start=1)]
            return "\n".join([say("question.near"), *numbered])
        case "escalate" if entry:
            return "\n".join(withheld_lines(say, knowledge, entry, here.today))
    return say("question.unsure")


def _sources(decision: Decision, here: _Here) -> list[dict[str, str]]:
    if decision.entry is None or decision.name == DRAFT:
        return []
    cited = here.knowledge.sources(here.knowledge.entries[decision.entry])
    return [
        {"document": document.title, "clause": clause, "version": document.version}
        for document, clause in cited
    ]


def _of_matcher(matcher: Matcher, lines: Mapping[str, KnowledgeLine], text: str) -> dict[str, Any]:
    match = matcher.decide(text)
    entry = match.candidates[0].entry if match.decision == "answer" else None
    return _found(
        match.decision,
        entry=entry,
        answer=lines[entry].answer if entry else "",
        candidates=match.candidates,
    )


def _found(
    decision: str,
    *,
    name: str | None = None,
    entry: str | None = None,
    answer: str = "",
    sources: Sequence[dict[str, str]] = (),
    candidates: Sequence[Candidate] = (),
) -> dict[str, Any]:
    """The shape that scripts rely on (design, the outside of it)."""
    return {
        "decision": decision,
        "class": name,
        "entry": entry,
        "score": candidates[0].score if candidates else 0.0,
        "answer": answer,
        "sources": list(sources),
        "candidates": [{"entry": item.entry, "score": item.score} for item in candidates],
    }


def _explain(text: str, pack: Pack) -> None:
    """What comes before the matcher: refusals, wishes, and what the text looks like."""
    likely = pack.questions.classifier.likely(text)
    nearest = sorted(likely.items(), key=lambda item: -item[1])[:_LIKELIEST]
    click.echo("")
    if rule := pack.questions.refusals.name_of(text):
        click.echo(f"words that never pass: {rule}")
    if wish := pack.questions.wishes.name_of(text):
        click.echo(f"words of a wish for: {wish}")
    click.echo("looks like: " + ", ".join(f"{name} {share:.2f}" for name, share in nearest))
