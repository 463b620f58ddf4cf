"""Our matcher and others on the same entries and questions: quality and time in one table.

uv run python -m benchmarks.matching.compare KB.jsonl QUERIES.jsonl [--sample N]

Each gives an entry and a score. `right@95` is the share of the questions that have an entry which
is answered rightly when 95 of 100 answers are right, with the threshold chosen on these very
questions, which is the most that a threshold could do; our own line at its shipped threshold is
what `xueban kb eval` prints. Times are of one thread, warm. ChatterBot asks for older libraries
than ours, so that its comparison runs in an environment of its own, over fewer questions.
"""

import argparse
import json
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import bm25s
import numpy as np
import tantivy
from rapidfuzz import fuzz, process

from bot.cli.knowledge_file import knowledge_lines, query_lines
from content import loader
from content.evaluation import Asked
from content.matcher import Matcher, calibrate
from content.matcher.normalise import bare
from content.segment import Segmenter

_CHATTERBOT = "chatterbot==1.2.15"
_CHATTERBOT_ASKED = 150
_FETCHED = 20
# The entries by text number, best first, each with its score.
Ranking = list[tuple[int, float]]
Ranker = Callable[[str], Ranking]
_CUT = Segmenter().cut


@dataclass(frozen=True, slots=True)
class Base:
    texts: list[str]
    owners: list[str]


def with_rapidfuzz(base: Base) -> Ranker:
    texts = [bare(text) for text in base.texts]

    def rank(question: str) -> Ranking:
        found = process.extract(bare(question), texts, scorer=fuzz.ratio, limit=_FETCHED)
        return [(at, score) for _, score, at in found]

    return rank


def with_bm25s(base: Base) -> Ranker:
    index = bm25s.BM25()
    index.index([_CUT(bare(text)) for text in base.texts], show_progress=False)
    most = min(_FETCHED, len(base.texts))

    def rank(question: str) -> Ranking:
        found, scores = index.retrieve([_CUT(bare(question))], k=most, show_progress=False)
        return list(zip(found[0].tolist(), scores[0].tolist(), strict=True))

    return rank


def with_tfidf(base: Base) -> Ranker:
    """Words, cosine; a dense table, as there are few texts."""
    split = [Counter(_CUT(bare(text))) for text in base.texts]
    columns = {word: at for at, word in enumerate(dict.fromkeys(w for c in split for w in c))}
    table = np.zeros((len(split), len(columns)), dtype=np.float32)
    for row, counts in enumerate(split):
        for word, count in counts.items():
            table[row, columns[word]] = count
    rarity = np.log(1 + len(split) / (1 + (table > 0).sum(axis=0)))
    table *= rarity
    table /= np.linalg.norm(table, axis=1, keepdims=True) + 1e-9

    def rank(question: str) -> Ranking:
        row = np.zeros(len(columns), dtype=np.float32)
        for word in _CUT(bare(question)):
            if word in columns:
                row[columns[word]] += rarity[columns[word]]
        scores = table @ (row / (np.linalg.norm(row) + 1e-9))
        return [(int(at), float(scores[at])) for at in np.argsort(-scores)[:_FETCHED]]

    return rank


def with_tantivy(base: Base) -> Ranker:
    schema = tantivy.SchemaBuilder()
    schema.add_integer_field("number", stored=True)
    schema.add_text_field("text", tokenizer_name="whitespace")
    index = tantivy.Index(schema.build())
    writer = index.writer()
    for number, text in enumerate(base.texts):
        writer.add_document(tantivy.Document(number=number, text=" ".join(_CUT(bare(text)))))
    writer.commit()
    index.reload()
    searcher = index.searcher()

    def rank(question: str) -> Ranking:
        words = [f'"{word}"' for word in _CUT(bare(question))]
        if not words:
            return []
        found = searcher.search(index.parse_query(" ".join(words), ["text"]), _FETCHED)
        return [(searcher.doc(at)["number"][0], score) for score, at in found.hits]

    return rank


def with_ours(base: Base) -> Ranker:
    texts: dict[str, list[str]] = {}
    for owner, text in zip(base.owners, base.texts, strict=True):
        texts.setdefault(owner, []).append(text)
    matcher = Matcher(texts, loader.load().packs[loader.BASE].knowledge.normaliser)
    matcher.calibration = calibrate(matcher)
    first = {owner: at for at, owner in reversed(list(enumerate(base.owners)))}

    def rank(question: str) -> Ranking:
        return [(first[item.entry], item.score) for item in matcher.decide(question).candidates]

    return rank


PEERS: dict[str, Callable[[Base], Ranker]] = {
    "rapidfuzz ratio": with_rapidfuzz,
    "jieba + bm25s": with_bm25s,
    "jieba + TF-IDF": with_tfidf,
    "jieba + tantivy": with_tantivy,
    "ours": with_ours,
}


def measured(rank: Ranker, base: Base, asked: Sequence[Asked]) -> dict[str, float]:
    seconds, ranked = [], []
    for one in asked:
        started = time.perf_counter()
        found = rank(one.query)
        seconds.append(time.perf_counter() - started)
        ranked.append([(base.owners[at], score) for at, score in found])
    return figures(ranked, asked, np.array(seconds) * 1000)


def figures(
    ranked: Sequence[Sequence[tuple[str, float]]], asked: Sequence[Asked], times: Any
) -> dict[str, float]:
    inside = sum(one.id is not None for one in asked)
    entries = [list(dict.fromkeys(entry for entry, _ in found)) for found in ranked]
    right = np.array([bool(f) and f[0] == a.id for f, a in zip(entries, asked, strict=True)])
    third = sum(a.id in f[:3] for f, a in zip(entries, asked, strict=True))
    scores = np.array([found[0][1] if found else 0.0 for found in ranked])
    order = np.argsort(-scores, kind="stable")
    done = np.cumsum(right[order])
    enough = np.flatnonzero(done / np.arange(1, len(order) + 1) >= 0.95)
    wrong, good = np.sort(scores[~right]), scores[right]
    below = np.searchsorted(wrong, good) + np.searchsorted(wrong, good, side="right")
    return {
        "top1": right.sum() / inside,
        "top3": third / inside,
        "auroc": float(below.sum()) / 2 / max(1, len(wrong) * len(good)),
        "right@95": done[enough[-1]] / inside if len(enough) else 0.0,
        "p50_ms": float(np.percentile(times, 50)),
        "p99_ms": float(np.percentile(times, 99)),
    }


_THEIRS = """
import json, sys, time
from chatterbot.comparisons import LevenshteinDistance
from chatterbot.conversation import Statement
compare = LevenshteinDistance(None).compare
base, asked = json.load(open(sys.argv[1]))
known = [Statement(text) for text in base]
for question in asked:
    started = time.perf_counter()
    scores = [float(compare(Statement(question), text)) for text in known]
    best = sorted(range(len(known)), key=lambda at: -scores[at])[:20]
    taken = time.perf_counter() - started
    print(json.dumps([taken, [[at, scores[at]] for at in best]]), flush=True)
"""


def with_chatterbot(base: Base, asked: Sequence[Asked]) -> dict[str, float]:
    """ChatterBot's own comparison of statements. Raises CalledProcessError when it does not run."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "asked.json"
        file.write_text(json.dumps([base.texts, [one.query for one in asked]]), "utf-8")
        command = ["uv", "run", "--no-project", "--isolated", "--with", _CHATTERBOT, "python"]
        done = subprocess.run(
            [*command, "-c", _THEIRS, str(file)], check=True, capture_output=True, text=True
        )
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    ranked = [[(base.owners[at], score) for at, score in row[1]] for row in rows]
    return figures(ranked, asked, np.array([row[0] for row in rows]) * 1000)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kb", type=Path)
    parser.add_argument("queries", type=Path)
    parser.add_argument("--sample", type=int, default=1_000)
    parser.add_argument("--chatterbot", action="store_true", help="needs the network")
    options = parser.parse_args()
    lines, asked = knowledge_lines(options.kb), query_lines(options.queries)
    chance = Random(1)  # noqa: S311 - a sample, not a secret
    asked = chance.sample(asked, min(options.sample, len(asked)))
    pairs = [(text, line.id) for line in lines for text in (line.question, *line.variants)]
    base = Base([text for text, _ in pairs], [owner for _, owner in pairs])
    table = {}
    for name, make in PEERS.items():
        started = time.perf_counter()
        rank = make(base)
        built = time.perf_counter() - started
        for one in asked[:20]:
            rank(one.query)
        table[name] = measured(rank, base, asked) | {"build_s": built}
    if options.chatterbot:
        table["ChatterBot"] = with_chatterbot(base, asked[:_CHATTERBOT_ASKED])
    columns = list(table["ours"])
    print("| |" + "|".join(columns) + "|\n|---|" + "---:|" * len(columns))
    for name, row in table.items():
        shown = [f"{row[key]:.3f}" if key in row else "" for key in columns]
        print(f"|{name}|{'|'.join(shown)}|")


if __name__ == "__main__":
    main()
