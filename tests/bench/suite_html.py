"""Web pages: 4-gram precision, recall and F1 of the view against the article's text.

The measure of scrapinghub/article-extraction-benchmark: word 4-grams as a
multiset; precision and recall are averaged over pages, F1 is of the averages.
A page that passes through scores what its source scores.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from furler_engine.types import Hints

from .clock import Times
from .corpus import read_text
from .furler_side import count, engine_times, engine_view
from .report import Bar, SuiteResult, Table, at_least, percent, saved
from .setting import Setting

GRAM = 4
_WORD = re.compile(r"\w+")
_TRAILER = re.compile(r"\n\[furler: [^\n]*\]\Z")


@dataclass(slots=True)
class _Figures:
    page: str
    passed_through: bool
    before: int
    after: int
    precision: float
    recall: float
    p50: float
    peer_after: int | None = None
    peer_precision: float | None = None
    peer_recall: float | None = None


def run(setting: Setting) -> SuiteResult:
    """Measure every page that has a gold article."""
    gold = json.loads((setting.corpus.files("html", "ground-truth.json")[0]).read_text())
    pages = [p for p in setting.corpus.files("html", "*.html.gz") if _key(p) in gold]
    figures = [
        _measure(setting, page, gold[_key(page)]["articleBody"])
        for page in setting.progress("html", pages, len(pages))
    ]
    rows = [_row("Furler", figures)]
    if setting.peer is not None:
        rows.append(_peer_row(figures))
    columns = ("side", "pages", "as it is", "saved %", "precision", "recall", "F1", "worst recall",
               "p50 ms")  # fmt: skip
    table = Table("Web pages, 4-grams of the article", columns, tuple(rows))
    return SuiteResult("html", (table,), {"pages": [asdict(f) for f in figures]}, _bars(figures))


def _key(page: Path) -> str:
    return page.name.removesuffix(".html.gz")


def _measure(setting: Setting, page: Path, gold: str) -> _Figures:
    text = read_text(page)
    view = engine_view(text, Hints())
    precision, recall = _score(gold, _TRAILER.sub("", view.text))
    figures = _Figures(
        page=_key(page)[:12],
        passed_through=view.is_passthrough,
        before=count(text),
        after=count(view.text),
        precision=precision,
        recall=recall,
        p50=engine_times(text, Hints(), most=5, seconds=0.1).p50,
    )
    if setting.peer is not None:
        theirs = setting.peer.compress(text, "").text
        figures.peer_after = count(theirs)
        figures.peer_precision, figures.peer_recall = _score(gold, theirs)
    return figures


def _score(gold: str, got: str) -> tuple[float, float]:
    """Return precision and recall; of a text too short for a 4-gram, of what there is."""
    wanted, found = _grams(gold), _grams(got)
    both = sum((wanted & found).values())
    return both / max(1, sum(found.values())), both / max(1, sum(wanted.values()))


def _grams(text: str) -> Counter[tuple[str, ...]]:
    words = _WORD.findall(text)
    return Counter(zip(*(words[i:] for i in range(min(GRAM, len(words)))), strict=False))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / max(1, len(values))


def _f1(precision: float, recall: float) -> float:
    return 2 * precision * recall / max(1e-9, precision + recall)


def _row(name: str, figures: Sequence[_Figures]) -> tuple[str, ...]:
    precision, recall = _mean([f.precision for f in figures]), _mean([f.recall for f in figures])
    return (
        name,
        str(len(figures)),
        str(sum(f.passed_through for f in figures)),
        percent(saved(sum(f.before for f in figures), sum(f.after for f in figures))),
        f"{precision:.3f}",
        f"{recall:.3f}",
        f"{_f1(precision, recall):.3f}",
        f"{min(f.recall for f in figures):.3f}",
        f"{Times(tuple(f.p50 for f in figures)).p50:.1f}",
    )


def _peer_row(figures: Sequence[_Figures]) -> tuple[str, ...]:
    precision = _mean([f.peer_precision or 0.0 for f in figures])
    recall = _mean([f.peer_recall or 0.0 for f in figures])
    return (
        "peer",
        str(len(figures)),
        str(sum(f.peer_after == f.before for f in figures)),
        percent(saved(sum(f.before for f in figures), sum(f.peer_after or 0 for f in figures))),
        f"{precision:.3f}",
        f"{recall:.3f}",
        f"{_f1(precision, recall):.3f}",
        f"{min(f.peer_recall or 0.0 for f in figures):.3f}",
        "",
    )


def _bars(figures: Sequence[_Figures]) -> tuple[Bar, ...]:
    share = saved(sum(f.before for f in figures), sum(f.after for f in figures))
    f1 = _f1(_mean([f.precision for f in figures]), _mean([f.recall for f in figures]))
    return (
        at_least("web pages: saved", 85, round(100 * share, 1)),
        at_least("web pages: 4-gram F1", 0.95, round(f1, 3), ""),
        at_least(
            "web pages: worst page's recall", 0.75, round(min(f.recall for f in figures), 3), ""
        ),
    )
