"""JSON files of real APIs: what lossless re-encoding saves, and that it gives the value back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from furler_engine.json_value import JsonError, same_value
from furler_engine.types import Fidelity, Hints, Source, ValueShown, View

from .clock import Times
from .corpus import read_text
from .drafts import draft_of
from .furler_side import count, engine_times, engine_view
from .report import SuiteResult, Table, all_of, percent, saved
from .setting import Setting


@dataclass(slots=True)
class _Figures:
    file: str
    seen_as: str
    before: int
    minified: int
    lossless: int
    default: int
    round_trip: bool
    p50: float
    peer_after: int | None = None
    peer_ms: float | None = None


def run(setting: Setting) -> SuiteResult:
    """Measure every file of json_api/."""
    paths = setting.corpus.files("json_api")
    figures = [_measure(setting, p) for p in setting.progress("json_api", paths, len(paths))]
    rows = [*(_row(f.file, [f]) for f in figures), _row("all", figures)]
    table = Table("JSON of real APIs", _columns(figures), tuple(rows))
    bars = (
        all_of("json_api, lossless mode", "gives the value back",
               sum(f.round_trip for f in figures), len(figures)),
    )  # fmt: skip
    return SuiteResult("json_api", (table,), {"files": [asdict(f) for f in figures]}, bars)


def _measure(setting: Setting, path: Path) -> _Figures:
    text = read_text(path)
    view = engine_view(text, Hints())
    lossless = engine_view(text, Hints(), Fidelity.LOSSLESS)
    figures = _Figures(
        file=path.name,
        seen_as=view.kind,
        before=count(text),
        minified=count(_minify(text)),
        lossless=count(lossless.text),
        default=count(view.text),
        round_trip=_comes_back(text, lossless),
        p50=engine_times(text, Hints(), most=5, seconds=0.3).p50,
    )
    if setting.peer is not None:
        answers = [setting.peer.compress(text, "") for _ in range(2)]
        figures.peer_after = count(answers[0].text)
        figures.peer_ms = Times(tuple(a.ms for a in answers)).p50
    return figures


def _minify(text: str) -> str:
    """Return the shortest JSON of the same values, a line per document of JSON Lines."""
    try:
        return json.dumps(json.loads(text), ensure_ascii=False, separators=(",", ":"))
    except ValueError:
        lines = [json.loads(line) for line in text.splitlines() if line.strip()]
    return "\n".join(json.dumps(v, ensure_ascii=False, separators=(",", ":")) for v in lines)


def _comes_back(text: str, view: View) -> bool:
    """Whether the view's own text decodes to the original's value."""
    if view.is_passthrough:
        return view.text == text
    draft = draft_of(text, view, Hints(), Fidelity.LOSSLESS)
    if draft is None or not isinstance(draft.coverage, ValueShown):
        return False
    try:
        return same_value(draft.coverage.decode(draft.text), Source(text).value)
    except (JsonError, ValueError, LookupError):
        return False


def _columns(figures: Sequence[_Figures]) -> tuple[str, ...]:
    columns = ("file", "seen as", "before", "minified %", "lossless %", "default %", "round trip",
               "p50 ms")  # fmt: skip
    return columns + (
        ("peer %", "peer ms") if any(f.peer_after is not None for f in figures) else ()
    )


def _row(name: str, members: Sequence[_Figures]) -> tuple[str, ...]:
    before = sum(f.before for f in members)
    row = (
        name,
        members[0].seen_as if len(members) == 1 else "",
        str(before),
        percent(saved(before, sum(f.minified for f in members))),
        percent(saved(before, sum(f.lossless for f in members))),
        percent(saved(before, sum(f.default for f in members))),
        f"{sum(f.round_trip for f in members)}/{len(members)}",
        f"{Times(tuple(f.p50 for f in members)).p50:.1f}",
    )
    theirs = [f.peer_after for f in members if f.peer_after is not None]
    if not theirs:
        return row
    times = Times(tuple(f.peer_ms or 0.0 for f in members))
    return (*row, percent(saved(before, sum(theirs))), f"{times.p50:.1f}")
