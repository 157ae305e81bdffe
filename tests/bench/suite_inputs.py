"""The inputs suite: every input, default policy and no hints but the query, and again lossless.

What lives here: what is judged of one input, and how inputs are summed up.
The bars of the kinds are in bars.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace

from furler_engine.types import Fidelity, Hints

from .bars import kind_bars
from .clock import Times, both
from .corpus import Input
from .figures import Figures, Kept, PeerFigures
from .furler_side import Furler, Shown, count, engine_times, engine_view
from .report import Json, SuiteResult, Table, percent, saved
from .setting import Setting
from .visible import Visibility, is_verbatim, visibility


def run(setting: Setting) -> SuiteResult:
    """Measure every input."""
    inputs = [item for item in setting.corpus.inputs if setting.only in item.id]
    figures = [measure(setting, item) for item in setting.progress("inputs", inputs, len(inputs))]
    tables = [
        replace(_table("Each input", [(_named(f), [f]) for f in figures]), detail=True),
        _table("By kind", _grouped(figures, [f.kind for f in figures])),
        _table("By group", _grouped(figures, [f.group for f in figures])),
        _table("Overall", _overall(figures)),
    ]
    data: dict[str, Json] = {"inputs": [asdict(f) for f in figures]}
    return SuiteResult("inputs", tuple(tables), data, tuple(kind_bars(figures)))


def measure(setting: Setting, item: Input) -> Figures:
    """Measure one input."""
    hints = Hints(query=item.query)
    shown = setting.furler.compress(item.content, hints)
    lossless = setting.furler.compress(item.content, hints, Fidelity.LOSSLESS)
    times, peer = _times(setting, item, hints)
    setting.save_view(item.id, shown.text)
    return Figures(
        id=item.id,
        kind=item.kind,
        group=item.group,
        seen_as=shown.kind,
        compressors=list(shown.compressors),
        before=shown.before,
        after=shown.after,
        after_lossless=lossless.after,
        criticals=len(item.critical),
        musts=len(item.must_keep),
        kept=kept(setting.furler, item, shown),
        restored=all(
            setting.furler.restore(view) == item.content.encode() for view in (shown, lossless)
        ),
        longer=shown.after > shown.before or lossless.after > lossless.before,
        p50=times.p50,
        p95=times.p95,
        cpu=times.cpu_p50,
        cpu_p95=times.cpu_p95,
        peer=peer,
    )


def kept(furler: Furler, item: Input, shown: Shown) -> Kept:
    """Look for every string: in the view, behind its selectors, in the store."""
    result = Kept()
    for string in item.critical:
        if is_verbatim(string, shown.text):
            result.critical += 1
        else:
            result.critical_hidden.append(string)
    missing = []
    for string in item.must_keep:
        match visibility(string, shown.text):
            case Visibility.VERBATIM:
                result.verbatim += 1
            case Visibility.REWRITTEN:
                result.rewritten += 1
            case Visibility.ABSENT:
                missing.append(string)
    if missing:
        _retrieve(furler, shown, missing, result)
    return result


def _retrieve(furler: Furler, shown: Shown, missing: Sequence[str], result: Kept) -> None:
    parts = furler.retrieve(shown.ref, shown.selectors) if shown.ref else []
    texts = [part.decode(errors="replace") for part in parts if part is not None]
    for string in missing:
        if any(is_verbatim(string, text) for text in texts):
            result.elided += 1
        elif shown.ref and string.encode() in furler.find(shown.ref, string):
            result.encoded += not shown.selectors
            result.searched += bool(shown.selectors)
        else:
            result.lost.append(string)


def _times(setting: Setting, item: Input, hints: Hints) -> tuple[Times, PeerFigures | None]:
    """Time the engine; with a peer, the two in turns, so that both meet the same machine."""
    if setting.peer is None:
        most = 7 if setting.quick else 25
        return engine_times(
            item.content, hints, most=most, seconds=0.1 if setting.quick else 0.4
        ), None
    engine_view(item.content, hints)
    view = setting.peer.compress(item.content, item.query)
    ours: list[tuple[float, float]] = []
    theirs: list[float] = []
    for _ in range(5 if setting.quick else 9):
        ours.append(both(lambda: engine_view(item.content, hints)))
        theirs.append(setting.peer.compress(item.content, item.query).ms)
    cached = [setting.peer.compress(item.content, item.query, fresh=False).ms for _ in range(3)]
    peer = PeerFigures(
        after=count(view.text),
        critical=sum(is_verbatim(s, view.text) for s in item.critical),
        must_visible=_visible_count(item.must_keep, view.text),
        p50=Times(tuple(theirs)).p50,
        p50_cached=Times(tuple(cached)).p50,
    )
    return Times(tuple(w for w, _ in ours), tuple(c for _, c in ours)), peer


def _visible_count(strings: Iterable[str], text: str) -> int:
    return sum(visibility(s, text) is not Visibility.ABSENT for s in strings)


def _named(figures: Figures) -> str:
    return f"{figures.id} ({figures.seen_as}: {', '.join(figures.compressors) or 'as it is'})"


def _grouped(figures: Sequence[Figures], names: Sequence[str]) -> list[tuple[str, list[Figures]]]:
    groups: dict[str, list[Figures]] = {}
    for name, item in sorted(zip(names, figures, strict=True), key=lambda pair: pair[0]):
        groups.setdefault(name, []).append(item)
    return list(groups.items())


def _overall(figures: Sequence[Figures]) -> list[tuple[str, list[Figures]]]:
    real = [f for f in figures if f.group.startswith("b_")]
    return [("all", list(figures)), ("all real (b_*)", real)]


_COLUMNS = (
    "", "n", "before", "after", "saved %", "lossless %", "critical", "must: verbatim", "rewritten",
    "encoded", "elided", "searched", "lost", "restored", "longer", "p50 ms", "p95 ms", "core p50",
)  # fmt: skip
_PEER_COLUMNS = ("peer saved %", "peer critical", "peer must", "peer p50", "cached", "times faster")


def _table(title: str, groups: Sequence[tuple[str, list[Figures]]]) -> Table:
    compared = any(f.peer for _, members in groups for f in members)
    columns = _COLUMNS + (_PEER_COLUMNS if compared else ())
    rows = [
        _row(name, members) + (_peer_row(members) if compared else ()) for name, members in groups
    ]
    return Table(title, columns, tuple(rows))


def _row(name: str, members: list[Figures]) -> tuple[str, ...]:
    before = sum(f.before for f in members)
    return (
        name,
        str(len(members)),
        str(before),
        str(sum(f.after for f in members)),
        percent(saved(before, sum(f.after for f in members))),
        percent(saved(before, sum(f.after_lossless for f in members))),
        f"{sum(f.kept.critical for f in members)}/{sum(f.criticals for f in members)}",
        f"{sum(f.kept.verbatim for f in members)}/{sum(f.musts for f in members)}",
        str(sum(f.kept.rewritten for f in members)),
        str(sum(f.kept.encoded for f in members)),
        str(sum(f.kept.elided for f in members)),
        str(sum(f.kept.searched for f in members)),
        str(sum(len(f.kept.lost) for f in members)),
        f"{sum(f.restored for f in members)}/{len(members)}",
        str(sum(f.longer for f in members)),
        f"{Times(tuple(f.p50 for f in members)).p50:.1f}",
        f"{max((f.p95 for f in members), default=0.0):.1f}",
        f"{Times(tuple(f.cpu for f in members)).p50:.1f}",
    )


def _peer_row(members: list[Figures]) -> tuple[str, ...]:
    pairs = [(f, f.peer) for f in members if f.peer]
    before = sum(f.before for f, _ in pairs)
    return (
        percent(saved(before, sum(p.after for _, p in pairs))),
        f"{sum(p.critical for _, p in pairs)}/{sum(f.criticals for f, _ in pairs)}",
        f"{sum(p.must_visible for _, p in pairs)}/{sum(f.musts for f, _ in pairs)}",
        f"{Times(tuple(p.p50 for _, p in pairs)).p50:.1f}",
        f"{Times(tuple(p.p50_cached for _, p in pairs)).p50:.1f}",
        f"{Times(tuple(p.p50 / f.p50 for f, p in pairs)).p50:.1f}",
    )
