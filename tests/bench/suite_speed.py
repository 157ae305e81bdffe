"""Speed and memory of the engine alone: usual sizes, large ones, and texts meant to hurt."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from furler_engine.types import Hints

from . import generate
from .clock import Times
from .corpus import CorpusError
from .furler_side import engine_times
from .generate import KB, MB
from .probe import LIMIT_SECONDS, Failure, Probe, probe
from .report import Bar, Json, SuiteResult, Table, all_of, at_most, percent
from .setting import Setting

USUAL = 60 * KB
USUAL_MS = 10.0
LARGE_MS = 1_500.0
MEMORY_TIMES = 8.0
STEEPEST = 1.25
"""Exponent of size up to which growth counts as linear: cache misses and noise cost some."""
_REAL = {
    "JSON": "rest_users_180",
    "log": "syslog_800",
    "search": "grep_valueerror",
    "code": "code_py_argparse.py",
}
"""Inputs of the corpus beside the generated ones; cut or repeated to the usual size."""


@dataclass(frozen=True, slots=True)
class _Step:
    """One text at two sizes."""

    name: str
    small: Probe | Failure
    large: Probe | Failure

    @property
    def exponent(self) -> float:
        """How time grows with size: 1 is linear, 2 quadratic, infinite after a failure."""
        if isinstance(self.small, Failure) or isinstance(self.large, Failure):
            return math.inf
        ratio = self.large.size / max(1, self.small.size)
        return math.log(self.large.ms / self.small.ms) / math.log(ratio)


def run_speed(setting: Setting) -> SuiteResult:
    """Measure usual sizes, then 5 and 20 MB."""
    usual = _usual(setting)
    large_size = 5 * MB if setting.quick else 20 * MB
    small_size = 1 * MB if setting.quick else 5 * MB
    steps = [
        _Step(name, probe(make(small_size, 1)), probe(make(large_size, 1)))
        for name, make in setting.progress("speed", generate.KINDS.items(), len(generate.KINDS))
    ]
    bars = [
        at_most(f"engine p50, one core, 60 KB of {n}", USUAL_MS, round(t.cpu_p50, 1), " ms")
        for n, t in usual
    ]
    bars += _large_bars(steps, setting)
    data: dict[str, Json] = {
        "usual": {name: {"p50": t.p50, "p95": t.p95, "cpu_p50": t.cpu_p50} for name, t in usual},
        "large": [_step_data(s) for s in steps],
    }
    return SuiteResult(
        "speed", (_usual_table(usual), _steps_table("Large", steps)), data, tuple(bars)
    )


def run_hostile(setting: Setting) -> SuiteResult:
    """Measure texts that make careless parsers slow, at two sizes, and at 20 MB in one line."""
    small, large = (KB * 100, KB * 400) if setting.quick else (KB * 500, 2 * MB)
    items = list(generate.HOSTILE.items())
    steps = [
        _Step(name, probe(make(small)), probe(make(large)))
        for name, make in setting.progress("hostile", items, len(items))
    ]
    steps += [] if setting.quick else _extremes()
    linear = sum(s.exponent <= STEEPEST or _is_short(s) for s in steps)
    done = [s.large for s in steps if isinstance(s.large, Probe)]
    modest = sum(p.times_input <= MEMORY_TIMES or p.memory < 16 * MB for p in done)
    bars = (
        all_of("hostile texts: time", "linear in the input", linear, len(steps)),
        all_of("hostile texts: memory", f"<= {MEMORY_TIMES:g}x the input", modest, len(steps)),
    )
    data: dict[str, Json] = {"texts": [_step_data(s) for s in steps]}
    return SuiteResult("hostile", (_steps_table("Hostile texts", steps),), data, bars)


def _is_short(step: _Step) -> bool:
    """Whether a step is too quick to tell growth from noise: below 5 ms per 100 KB at the end."""
    return isinstance(step.large, Probe) and step.large.ms <= 5 * step.large.size / (100 * KB)


def _extremes() -> list[_Step]:
    lines = 10**6
    texts = {
        "10^6 tiny lines": ("ok\n" * (lines // 4), "ok\n" * lines),
        "20 MB, one line of words": ("lorem 42 " * (5 * MB // 9), "lorem 42 " * (20 * MB // 9)),
        "20 MB, one line of JSON": (
            generate.rows(5 * MB).replace("\n", ""),
            generate.rows(20 * MB).replace("\n", ""),
        ),
    }
    return [_Step(name, probe(small), probe(large)) for name, (small, large) in texts.items()]


def _usual(setting: Setting) -> list[tuple[str, Times]]:
    texts = {f"{name}, generated": make(USUAL, 0) for name, make in generate.KINDS.items()}
    try:
        by_id = {item.id: item for item in setting.corpus.inputs}
        texts |= {
            f"{name}, {key}": _cut(by_id[key].content)
            for name, key in _REAL.items()
            if key in by_id
        }
    except CorpusError:
        pass
    most = 10 if setting.quick else 40
    return [(n, engine_times(t, Hints(), most=most, seconds=1.0)) for n, t in sorted(texts.items())]


def _cut(text: str) -> str:
    """Return the lines that fit into the usual size; JSON stays whole."""
    if text.startswith("["):
        return text
    return text[: text.rfind("\n", 0, USUAL) + 1] if len(text) > USUAL else text


def _large_bars(steps: Sequence[_Step], setting: Setting) -> list[Bar]:
    bars = []
    for step in steps:
        at_five = step.large if setting.quick else step.small
        if step.name in {"JSON", "log"}:
            ms = at_five.ms if isinstance(at_five, Probe) else LIMIT_SECONDS * 1000
            bars.append(at_most(f"engine, 5 MB of {step.name}", LARGE_MS, round(ms), " ms"))
        exponent = min(9.99, step.exponent)
        bars.append(
            at_most(f"growth of time, {step.name} (exponent)", STEEPEST, round(exponent, 2), "")
        )
        if isinstance(step.large, Probe):
            times = round(step.large.times_input, 1)
            bars.append(at_most(f"memory, {step.name}", MEMORY_TIMES, times, "x the input"))
    return bars


def _usual_table(usual: Sequence[tuple[str, Times]]) -> Table:
    rows = tuple((name, f"{t.p50:.1f}", f"{t.p95:.1f}", f"{t.cpu_p50:.1f}") for name, t in usual)
    return Table("60 KB, engine alone", ("text", "p50 ms", "p95 ms", "one core, p50 ms"), rows)


def _steps_table(title: str, steps: Sequence[_Step]) -> Table:
    columns = (
        "text",
        "seen as",
        "MB",
        "core ms",
        "MB",
        "core ms",
        "exponent",
        "memory x",
        "saved %",
    )
    rows = []
    for s in steps:
        last = s.large if isinstance(s.large, Probe) else s.small
        rows.append(
            (
                s.name,
                last.kind if isinstance(last, Probe) else "?",
                *_cells(s.small),
                *_cells(s.large),
                f"{s.exponent:.2f}",
                f"{last.times_input:.1f}" if isinstance(last, Probe) else "?",
                percent(last.saved) if isinstance(last, Probe) else "?",
            )
        )
    return Table(title, columns, tuple(rows))


def _cells(found: Probe | Failure) -> tuple[str, str]:
    if isinstance(found, Failure):
        return "", found.reason
    return f"{found.size / MB:.1f}", f"{found.ms:.0f}"


def _step_data(step: _Step) -> dict[str, Json]:
    return {
        "name": step.name,
        "small": asdict(step.small),
        "large": asdict(step.large),
        "exponent": step.exponent if math.isfinite(step.exponent) else None,
    }
