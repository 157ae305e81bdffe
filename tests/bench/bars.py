"""What the kinds have to reach with the default policy, as a table. The one home of these numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .clock import Times
from .figures import Figures
from .report import Bar, all_of, at_least, saved

REAL = "b_"
"""Groups of real output start so."""
PEERS_OWN = "a_"
"""Groups made with the peer's generators start so."""
CODE_TOKENS = 1_500
"""Source code below this is not held to a saving."""
TIMES_FASTER = 5.0
TAIL = 3.0


@dataclass(frozen=True, slots=True)
class Row:
    """One row: which kinds of the corpus it speaks of, and the percentage to be saved."""

    name: str
    kinds: tuple[str, ...]
    saved: float
    least_tokens: int = 0

    def members(self, figures: Iterable[Figures]) -> list[Figures]:
        """Return the inputs that the row speaks of; a kind ending in ``_`` is a prefix."""
        return [
            f
            for f in figures
            if any(f.kind == k or (k.endswith("_") and f.kind.startswith(k)) for k in self.kinds)
            and f.before >= self.least_tokens
        ]


ROWS = (
    Row("JSON arrays, API replies, JSON logs", ("json_api", "json_array", "json_logs"), 80),
    Row("nested JSON", ("json_nested",), 60),
    Row("NDJSON", ("ndjson",), 70),
    Row("logs", ("log",), 88),
    Row("test and build output", ("test_output", "build_log"), 75),
    Row("compiler, linter", ("compiler",), 60),
    Row("stack traces", ("stack_trace",), 50),
    Row("search", ("grep",), 35),
    Row("listings", ("file_listing",), 50),
    Row("git log", ("git_log",), 25),
    Row("diff", ("diff",), 25),
    Row("source code over 1,500 tokens", ("code_",), 60, CODE_TOKENS),
    Row("HTML", ("html",), 85),
    Row("CSV and tables", ("table",), 50),
    Row("prose and Markdown with a query", ("prose", "markdown"), 50),
)


def kind_bars(figures: Sequence[Figures]) -> list[Bar]:
    """Return the bars of every kind and of all inputs."""
    bars = [_saving(f"{row.name}: saved", row.saved, row.members(figures)) for row in ROWS]
    generated = [f for f in ROWS[0].members(figures) if f.group.startswith(PEERS_OWN)]
    bars.append(_lossless("JSON of the peer's generators, lossless mode: saved", 55, generated))
    real = [f for f in figures if f.group.startswith(REAL)]
    bars.append(_saving("all real inputs (b_*): saved", 65, real))
    bars += _promises(figures)
    return bars + _speed(figures)


def _saving(name: str, wanted: float, members: Sequence[Figures]) -> Bar:
    if not members:
        return Bar(name, f">= {wanted:g}%", "no inputs", None)
    return at_least(name, wanted, round(100 * _saved(members), 1))


def _saved(members: Sequence[Figures]) -> float:
    return saved(sum(f.before for f in members), sum(f.after for f in members))


def _lossless(name: str, wanted: float, members: Sequence[Figures]) -> Bar:
    if not members:
        return Bar(name, f">= {wanted:g}%", "no inputs", None)
    share = saved(sum(f.before for f in members), sum(f.after_lossless for f in members))
    return at_least(name, wanted, round(100 * share, 1))


def _promises(figures: Sequence[Figures]) -> list[Bar]:
    criticals = sum(f.criticals for f in figures)
    musts = sum(f.musts for f in figures)
    found = musts - sum(len(f.kept.lost) for f in figures)
    total = len(figures)
    return [
        all_of("critical strings", "all visible", sum(f.kept.critical for f in figures), criticals),
        all_of("must-keep strings", "all visible or retrievable", found, musts),
        all_of(
            "originals from the store", "byte for byte", sum(f.restored for f in figures), total
        ),
        all_of("views, both modes", "never longer", sum(not f.longer for f in figures), total),
    ]


def _speed(figures: Sequence[Figures]) -> list[Bar]:
    name = "p50 of every kind, against the peer's (result caches off)"
    wanted = f"{TIMES_FASTER:g}x faster"
    kinds: dict[str, list[float]] = {}
    for f in figures:
        if f.peer:
            kinds.setdefault(f.kind, []).append(f.peer.p50 / f.p50)
    if not kinds:
        compared = Bar(name, wanted, "no peer in this run", None)
    else:
        ratios = {kind: Times(tuple(values)).p50 for kind, values in kinds.items()}
        slowest = min(ratios, key=lambda kind: ratios[kind])
        fast = sum(ratio >= TIMES_FASTER for ratio in ratios.values())
        measured = f"{fast} of {len(ratios)} kinds; least {ratios[slowest]:.1f}x ({slowest})"
        compared = Bar(name, wanted, measured, fast == len(ratios))
    steady = sum(f.cpu_p95 <= TAIL * f.cpu for f in figures)
    return [
        compared,
        all_of("engine p95 of an input, core time", "<= 3x its p50", steady, len(figures)),
    ]
