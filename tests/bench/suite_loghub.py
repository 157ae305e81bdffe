"""Loghub: which kinds of event a log view still shows, against the events marked by people.

An event is recalled when one of its lines is shown. For Furler a line is shown
when the view's proven coverage says so; the second figure, the only one that
can be had of the peer, asks for the line's message (the corpus's ``Content``
column) word for word in the text.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from furler_engine.types import Hints

from .clock import Times
from .corpus import read_text
from .drafts import draft_of, shown_lines
from .furler_side import count, engine_times, engine_view
from .report import Bar, Json, SuiteResult, Table, all_of, at_least, percent, saved
from .setting import Setting

RARE = 2
"""An event with no more lines than this is rare."""
_SEVERE_LEVEL = re.compile(r"(?i)^(?:w|e|f|warn(?:ing)?|error|fatal|crit(?:ical)?|severe|alert)$")
_SEVERE_TEXT = re.compile(
    r"(?i)\b(?:error|fatal|critical|severe|warn(?:ing)?|panic|exception|fail(?:ed|ure)?|denied)\b"
)


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    event: str
    message: str
    severe: bool


@dataclass(slots=True)
class _Recall:
    """Events recalled of events there are: all, rare ones, ones with a severe line."""

    events: tuple[int, int]
    rare: tuple[int, int]
    severe: tuple[int, int]


@dataclass(slots=True)
class _Figures:
    log: str
    before: int
    after: int
    proven: _Recall
    worded: _Recall
    p50: float
    peer_after: int | None = None
    peer: _Recall | None = None
    peer_ms: float | None = None


def run(setting: Setting) -> SuiteResult:
    """Measure every log that has its events marked."""
    paths = setting.corpus.files("loghub", "*/*_structured.csv")
    figures = [_measure(setting, p) for p in setting.progress("loghub", paths, len(paths))]
    table = Table("Loghub", _columns(figures), tuple(_row(f.log, [f]) for f in figures))
    total = Table("Loghub, all", _columns(figures), (_row("all", figures),))
    return SuiteResult("loghub", (table, total), _data(figures), tuple(_bars(figures)))


def _measure(setting: Setting, structured: Path) -> _Figures:
    text = read_text(structured.with_name(structured.name.removesuffix("_structured.csv")))
    lines = list(_lines(structured))
    view = engine_view(text, Hints())
    shown = shown_lines(text, draft_of(text, view, Hints()))
    figures = _Figures(
        log=structured.parent.name,
        before=count(text),
        after=count(view.text),
        proven=_recall(lines, {n.number for n in lines if n.number in shown}),
        worded=_recall(lines, _worded(lines, view.text)),
        p50=engine_times(text, Hints(), most=7, seconds=0.3).p50,
    )
    if setting.peer is not None:
        answers = [setting.peer.compress(text, "") for _ in range(3)]
        figures.peer_after = count(answers[0].text)
        figures.peer = _recall(lines, _worded(lines, answers[0].text))
        figures.peer_ms = Times(tuple(a.ms for a in answers)).p50
    return figures


def _lines(structured: Path) -> Iterable[_Line]:
    for row in csv.DictReader(io.StringIO(read_text(structured))):
        level, message = row.get("Level") or "", row["Content"]
        severe = bool(_SEVERE_LEVEL.match(level) or _SEVERE_TEXT.search(message))
        yield _Line(int(row["LineId"]), row["EventId"], message, severe)


def _worded(lines: Sequence[_Line], text: str) -> set[int]:
    shown = {message: message in text for message in {line.message for line in lines}}
    return {line.number for line in lines if shown[line.message]}


def _recall(lines: Sequence[_Line], shown: set[int]) -> _Recall:
    sizes = Counter(line.event for line in lines)
    recalled = {line.event for line in lines if line.number in shown}
    severe: dict[str, bool] = defaultdict(bool)
    for line in lines:
        severe[line.event] |= line.severe

    def of(events: Iterable[str]) -> tuple[int, int]:
        wanted = set(events)
        return len(wanted & recalled), len(wanted)

    return _Recall(
        events=of(sizes),
        rare=of(event for event, size in sizes.items() if size <= RARE),
        severe=of(event for event, is_severe in severe.items() if is_severe),
    )


def _columns(figures: Sequence[_Figures]) -> tuple[str, ...]:
    columns = ("log", "before", "after", "saved %", "events", "rare", "severe",
               "events, worded", "rare", "severe", "p50 ms")  # fmt: skip
    peer = ("peer saved %", "events, worded", "rare", "severe", "ms")
    return columns + (peer if any(f.peer for f in figures) else ())


def _row(name: str, figures: Sequence[_Figures]) -> tuple[str, ...]:
    before, after = sum(f.before for f in figures), sum(f.after for f in figures)
    row = (
        name,
        str(before),
        str(after),
        percent(saved(before, after)),
        *_shares([f.proven for f in figures]),
        *_shares([f.worded for f in figures]),
        f"{Times(tuple(f.p50 for f in figures)).p50:.1f}",
    )
    peers = [f.peer for f in figures if f.peer]
    if not peers:
        return row
    peer_after = sum(f.peer_after or 0 for f in figures)
    times = Times(tuple(f.peer_ms or 0.0 for f in figures))
    return (*row, percent(saved(before, peer_after)), *_shares(peers), f"{times.p50:.1f}")


def _shares(recalls: Sequence[_Recall]) -> tuple[str, str, str]:
    return (
        _share([r.events for r in recalls]),
        _share([r.rare for r in recalls]),
        _share([r.severe for r in recalls]),
    )


def _share(pairs: Sequence[tuple[int, int]]) -> str:
    good, total = (sum(column) for column in zip(*pairs, strict=True))
    return f"{good}/{total}"


def _bars(figures: Sequence[_Figures]) -> list[Bar]:
    share = saved(sum(f.before for f in figures), sum(f.after for f in figures))
    events = [f.proven.events for f in figures]
    recall = sum(good for good, _ in events) / max(1, sum(total for _, total in events))
    return [
        at_least("loghub: saved", 88, round(100 * share, 1)),
        at_least("loghub: event recall", 0.95, round(recall, 3), ""),
        _every("loghub: events with a severe line", [f.proven.severe for f in figures]),
        _every(f"loghub: rare events (<= {RARE} lines)", [f.proven.rare for f in figures]),
    ]


def _every(name: str, pairs: Sequence[tuple[int, int]]) -> Bar:
    return all_of(name, "all shown", sum(g for g, _ in pairs), sum(t for _, t in pairs))


def _data(figures: Sequence[_Figures]) -> dict[str, Json]:
    return {"logs": [asdict(f) for f in figures]}
