"""Judge the model that ships: ``python -m training.evaluate --data DIRECTORY --corpus DIRECTORY``.

What lives here: the gates, the tables, what is printed. Needs no torch: what is judged is the
int8 model in the package with the engine's rules, as the product runs them.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from furler_engine import tokens
from furler_kompress import artefact
from furler_kompress.encode import encode
from furler_kompress.scorer import Scorer
from furler_kompress.words import Shape, shapes
from training import methods, qmsum, squad
from training.data import Passage, read_passages, split
from training.measures import Bools, Share, best_f1, bootstrap_f1, f1, share
from training.methods import Text

TOKENIZER: Final = "o200k_base"
FEW: Final = 40
"""Contexts of a quick run, and every how many meetings times as few."""
FREE: Final = {0.81: (0.975, 0.970), 0.70: (0.94, 0.930), 0.50: (0.85, 0.840)}
"""Without the question: share of words -> answers left (normalised), lower end of its interval."""
ASKED: Final = {0.81: 0.985, 0.52: 0.96, 0.36: 0.92}
"""With the question: share of words -> answers left letter by letter."""
TIGHT_F1: Final = 0.83
KIND_F1: Final = 0.80
_MUST: Final = frozenset({Shape.NUMBER, Shape.IDENTIFIER, Shape.LIMIT})

Method: TypeAlias = Callable[[Text, float], list[bool]]
Asked: TypeAlias = Callable[[Text, float, str], list[bool]]


class Gates:
    """What must hold; prints each as it is measured and remembers whether all did."""

    def __init__(self) -> None:
        self.failed: list[str] = []

    def check(self, name: str, value: float, least: float) -> None:
        """Print a gate; a value below its bar fails."""
        good = value >= least
        if not good:
            self.failed.append(name)
        verdict = "pass" if good else f"FAIL by {least - value:.4f}"
        print(f"  gate {name}: {value:.4f} >= {least}: {verdict}")


def _percent(found: Share) -> str:
    return f"{found.value:.4f} [{found.low:.4f}, {found.high:.4f}]"


@dataclass(frozen=True, slots=True)
class _Judged:
    """A passage with scores, and the forced words."""

    passage: Passage
    scores: NDArray[np.float32]
    forced: Bools

    def kept(self, threshold: float) -> Bools:
        return (self.scores > threshold) | self.forced

    def wanted(self, level: int) -> Bools:
        return np.asarray(self.passage.labels) >= level


def _judged(scorer: Scorer, passages: Sequence[Passage]) -> list[_Judged]:
    found = []
    for passage in passages:
        text = Text.of(passage.text, scorer.score(passage.text).tolist())
        scores = np.asarray(text.scores, dtype=np.float32)
        found.append(_Judged(passage, scores, np.asarray(text.found.forced)))
    return found


def agreement(scorer: Scorer, passages: Sequence[Passage], gates: Gates) -> None:
    """F1 against held-out annotations; thresholds are chosen on the development passages."""
    parts = split(passages)
    dev, test = _judged(scorer, parts.dev), _judged(scorer, parts.test)
    print(f"\n## Agreement with annotators, {len(test)} held-out passages")
    scores = np.concatenate([j.scores for j in dev])
    for name, level in (("light", 1), ("tight", 2)):
        _, threshold = best_f1(scores, np.concatenate([j.wanted(level) for j in dev]))
        kept, wanted = [j.kept(threshold) for j in test], [j.wanted(level) for j in test]
        drops = bootstrap_f1([~k for k in kept], [~w for w in wanted])
        words = np.concatenate(kept).mean()
        print(
            f"{name}: F1 {_percent(bootstrap_f1(kept, wanted))}, drop-F1 {_percent(drops)}, "
            f"words kept {words:.3f}, threshold {threshold:.3f}"
        )
        if level == 2:
            everything = f1(np.ones(sum(map(len, kept)), dtype=np.bool_), np.concatenate(wanted))
            print(f"tight, everything kept: F1 {everything:.4f}")
            gates.check("tight F1", bootstrap_f1(kept, wanted).value, TIGHT_F1)
            _by_kind(test, threshold, gates)


def _by_kind(test: Sequence[_Judged], threshold: float, gates: Gates) -> None:
    for kind in sorted({j.passage.kind for j in test}):
        group = [j for j in test if j.passage.kind == kind]
        kept, wanted = [j.kept(threshold) for j in group], [j.wanted(2) for j in group]
        found = bootstrap_f1(kept, wanted)
        drops = bootstrap_f1([~k for k in kept], [~w for w in wanted])
        light = bootstrap_f1([j.kept(0.3) for j in group], [j.wanted(1) for j in group])
        print(
            f"  {kind:13} {len(group):3} passages: tight F1 {_percent(found)}, "
            f"drop-F1 {drops.value:.4f}, light F1 {light.value:.4f}"
        )
        gates.check(f"tight F1 of {kind}", found.value, KIND_F1)


def must_keep(texts: Sequence[Text], gates: Gates) -> None:
    """Numbers, identifiers, negation, limits: found by the model's word shapes, not by the rules."""
    kept = total = 0
    for text in texts:
        needed = [kind in _MUST for kind in shapes(text.text, text.words)]
        chosen = methods.by_choice(text, 0.3)
        total += sum(needed)
        kept += sum(n and c for n, c in zip(needed, chosen, strict=True))
    print(f"\n## Must-keep words at .30 of the words: {kept} of {total}")
    gates.check("must-keep recall", kept / max(1, total), 1.0)


@dataclass(frozen=True, slots=True)
class _Row:
    words: float
    tokens: float
    normal: Share
    literal: Share
    tuned: float
    confirmed: float

    def __str__(self) -> str:
        return (
            f"words {self.words:.3f} tokens {self.tokens:.3f} norm {_percent(self.normal)} "
            f"literal {_percent(self.literal)} tune/confirm {self.tuned:.4f}/{self.confirmed:.4f}"
        )


def _row(data: squad.Squad, held: squad.Held, shown: Sequence[str], measure: Bools) -> _Row:
    contexts = [data.contexts[q.context] for q in data.questions]
    tuning = data.tuning()
    return _Row(
        sum(len(s.split()) for s in shown) / sum(len(c.split()) for c in contexts),
        sum(map(_tokens, shown)) / sum(map(_tokens, contexts)),
        share(held.normal),
        share(held.literal),
        float(measure[tuning].mean()),
        float(measure[~tuning].mean()),
    )


_COUNTS: dict[str, int] = {}


def _tokens(text: str) -> int:
    if text not in _COUNTS:
        _COUNTS[text] = tokens.count(text, TOKENIZER).tokens
    return _COUNTS[text]


def answers(data: squad.Squad, texts: Mapping[str, Text], gates: Gates) -> None:
    """SQuAD without the question: every method at equal shares of words."""
    print(f"\n## SQuAD v2, question not seen: {len(data.questions)} questions")
    table: dict[str, Method] = {
        "random": methods.at_random,
        "rules only": methods.by_rules,
        "self-information + must-keep": methods.SelfInformation(list(texts.values())),
        "Kompress, no rules": methods.by_scores,
        "Kompress (ships)": methods.by_choice,
    }
    for keep, (bar, low) in FREE.items():
        rows = {}
        for name, method in table.items():
            shown = {cid: text.shown(method(text, keep)) for cid, text in texts.items()}
            held = squad.held(data, shown)
            by_question = [shown[q.context] for q in data.questions]
            rows[name] = _row(data, held, by_question, held.normal)
            print(f"{keep:.2f} {name:29} {rows[name]}")
        ours = rows.pop("Kompress (ships)")
        gates.check(f"SQuAD at {keep}", ours.normal.value, bar)
        gates.check(f"SQuAD at {keep}, lower end", ours.normal.low, low)
        gates.check(
            f"SQuAD at {keep}, beside the best baseline",
            ours.normal.value,
            max(r.normal.value for r in rows.values()),
        )


def answers_asked(data: squad.Squad, texts: Mapping[str, Text], gates: Gates) -> None:
    """SQuAD with the question as the query."""
    print(f"\n## SQuAD v2, question as the query: {len(data.questions)} questions")
    table: dict[str, Asked] = {
        "BM25 sentences": methods.by_sentences,
        "Kompress (ships)": methods.by_query,
    }
    for keep, bar in ASKED.items():
        rows = {}
        for name, method in table.items():
            shown = {
                q.id: texts[q.context].shown(method(texts[q.context], keep, q.text))
                for q in data.questions
            }
            held = squad.held_by_question(data, shown)
            rows[name] = _row(data, held, list(shown.values()), held.literal)
            print(f"{keep:.2f} {name:29} {rows[name]}")
        gates.check(
            f"SQuAD with the question at {keep}, literal",
            rows["Kompress (ships)"].literal.value,
            bar,
        )


def speed(scorer: Scorer, texts: Sequence[str]) -> None:
    """Time of a chunk of 256 tokens, tokens per second, a long document; wall and CPU."""
    print("\n## Speed (a figure of this machine at this moment)")
    chunk = next(c for t in texts for c in encode(t) if 250 <= c.length <= 256)
    walls, cores = [], []
    for _ in range(100):
        begun, used = time.perf_counter(), time.process_time()
        scorer.run(chunk)
        walls.append(1e3 * (time.perf_counter() - begun))
        cores.append(1e3 * (time.process_time() - used))
    print(
        f"{chunk.length} tokens: wall median {np.median(walls):.1f} ms, best {min(walls):.1f} ms; "
        f"core time median {np.median(cores):.1f} ms over all threads"
    )
    long = "\n\n".join(texts)[:46_000]
    count = sum(c.length for c in encode(long))
    begun, used = time.perf_counter(), time.process_time()
    scorer.score(long)
    wall, cpu = time.perf_counter() - begun, time.process_time() - used
    print(f"{count} tokens: {wall:.2f} s wall, {cpu:.2f} s of CPU, {count / wall:.0f} tokens/s")


def _scorer(artefacts: Path | None, threads: int) -> Scorer:
    """Return the model that ships, or a trial's, which has no version of its own."""
    if artefacts is None:
        return Scorer.load(threads=threads)
    return Scorer(
        artefacts / artefact.MODEL, "a trial's weights, not those that ship", threads=threads
    )


def main() -> None:
    """Print all tables; exit with 1 where a gate fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--meetings", type=int, default=4, help="every how many meetings of QMSum")
    parser.add_argument("--artefacts", type=Path, help="a trial's; default: those that ship")
    parser.add_argument("--quick", action="store_true", help="few contexts; no gate decides")
    options = parser.parse_args()
    scorer = _scorer(options.artefacts, options.threads)
    print(f"{scorer.version}, int8, {options.threads} threads, tokens are {TOKENIZER}")
    gates = Gates()
    passages = read_passages(options.data / "labels.jsonl")
    agreement(scorer, passages, gates)
    data = squad.read(options.corpus / "squad")
    if options.quick:
        data = data.part(FEW)
    texts = {cid: Text.of(t, scorer.score(t).tolist()) for cid, t in data.contexts.items()}
    held_out = [Text.of(p.text, scorer.score(p.text).tolist()) for p in split(passages).test]
    must_keep([*held_out, *texts.values()], gates)
    answers(data, texts, gates)
    answers_asked(data, texts, gates)
    qmsum.report(scorer, options.corpus / "qmsum", options.meetings * (FEW if options.quick else 1))
    speed(scorer, [p.text for p in passages])
    print(
        f"\n{len(gates.failed)} gates failed{': ' if gates.failed else ''}{', '.join(gates.failed)}"
    )
    sys.exit(bool(gates.failed) and not options.quick)


if __name__ == "__main__":
    main()
