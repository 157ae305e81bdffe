"""Source code: names kept, the rest byte-exact, every selector gives back what it cut.

The names are those of the definitions that the grammar finds outside of other
functions' bodies. The rest is exact when the original, less what the view's
selectors name, stands in the view piece by piece, or line by line, and in order.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from furler.v1 import content_pb2 as content
from furler_engine.shared.syntax import Role, definitions, language_of
from furler_engine.types import Hints, Source

from .corpus import read_text
from .furler_side import Furler, Shown, count, engine_times
from .report import Bar, Json, SuiteResult, Table, all_of, at_least, percent, saved
from .setting import Setting


@dataclass(slots=True)
class _Figures:
    file: str
    language: str
    before: int
    after: int
    names: int
    names_missing: list[str]
    rest_exact: bool
    cuts: int
    cuts_resolved: int
    p50: float
    peer_after: int | None = None


def run(setting: Setting) -> SuiteResult:
    """Measure the files of code/ and the code of inputs/."""
    texts = [(path.name.rpartition("_")[2], path.name, read_text(path))
             for path in setting.corpus.files("code")]  # fmt: skip
    texts += [
        (item.id.removeprefix("code_"), item.id, item.content)
        for item in setting.corpus.inputs
        if item.kind.startswith("code_")
    ]
    figures = [
        _measure(setting, short, name, text)
        for short, name, text in setting.progress("code", texts, len(texts))
    ]
    large = [f for f in figures if f.before >= LARGE]
    tables = (
        Table("Source code", _columns(figures), tuple(_row(f.file, [f]) for f in figures), True),
        Table(
            "Source code, all",
            _columns(figures),
            (_row("all", figures), _row("over 1,500 tokens", large)),
        ),
    )
    return SuiteResult("code", tables, _data(figures), _bars(figures, large))


LARGE = 1_500
"""Tokens from which source code is held to a saving."""


def _measure(setting: Setting, short: str, name: str, text: str) -> _Figures:
    source = Source(text, Hints(filename=short))
    language = language_of(source) or "?"
    shown = setting.furler.compress(text)
    names = _names(text, language)
    figures = _Figures(
        file=name[-44:],
        language=language,
        before=shown.before,
        after=shown.after,
        names=len(names),
        names_missing=[
            n for n in names if not re.search(rf"(?<!\w){re.escape(n)}(?!\w)", shown.text)
        ],
        rest_exact=_rest_is_exact(text.encode(), shown),
        cuts=len(shown.selectors),
        cuts_resolved=_resolved(setting.furler, text.encode(), shown),
        p50=engine_times(text, Hints(), most=7, seconds=0.2).p50,
    )
    if setting.peer is not None:
        figures.peer_after = count(setting.peer.compress(text, "").text)
    return figures


def _names(text: str, language: str) -> list[str]:
    """Return the names defined outside of function bodies, each once."""
    names: dict[str, None] = {}
    hidden_until = -1
    for definition in definitions(text, language):
        if definition.start_byte < hidden_until:
            continue
        names[definition.name] = None
        if definition.role is Role.FUNCTION:
            hidden_until = definition.end_byte
    return list(names)


def _rest_is_exact(data: bytes, shown: Shown) -> bool:
    pieces, at = [], 0
    for start, end in [*_cuts(data, shown), (len(data), len(data))]:
        pieces.append(data[at:start])
        at = end
    view = shown.text.encode()
    # Views that number their lines break a piece up; each of its lines must still be exact.
    return _stand_in_order(pieces, view) or _stand_in_order(b"".join(pieces).split(b"\n"), view)


def _stand_in_order(pieces: Sequence[bytes], view: bytes) -> bool:
    at = 0
    for piece in pieces:
        found = view.find(piece, at)
        if found < 0:
            return False
        at = found + len(piece)
    return True


def _cuts(data: bytes, shown: Shown) -> list[tuple[int, int]]:
    starts = [0, *(m.end() for m in re.finditer(b"\n", data)), len(data)]
    return sorted(_cut(starts, s) for s in shown.selectors)


def _cut(starts: Sequence[int], selector: content.Selector) -> tuple[int, int]:
    if selector.WhichOneof("by") == "bytes":
        return selector.bytes.start, selector.bytes.end
    lines = selector.lines
    return starts[lines.first - 1], starts[min(lines.last, len(starts) - 1)]


def _resolved(furler: Furler, data: bytes, shown: Shown) -> int:
    if not shown.ref:
        return 0
    parts = furler.retrieve(shown.ref, shown.selectors)
    starts = [0, *(m.end() for m in re.finditer(b"\n", data)), len(data)]
    cuts = [_cut(starts, selector) for selector in shown.selectors]
    return sum(part == data[a:b] for part, (a, b) in zip(parts, cuts, strict=True))


def _columns(figures: Sequence[_Figures]) -> tuple[str, ...]:
    columns = ("file", "language", "before", "after", "saved %", "names", "missing", "rest exact",
               "cuts", "resolved", "p50 ms")  # fmt: skip
    return columns + (("peer saved %",) if any(f.peer_after is not None for f in figures) else ())


def _row(name: str, members: Sequence[_Figures]) -> tuple[str, ...]:
    before, after = sum(f.before for f in members), sum(f.after for f in members)
    row = (
        name,
        members[0].language if len(members) == 1 else "",
        str(before),
        str(after),
        percent(saved(before, after)),
        str(sum(f.names for f in members)),
        str(sum(len(f.names_missing) for f in members)),
        f"{sum(f.rest_exact for f in members)}/{len(members)}",
        str(sum(f.cuts for f in members)),
        str(sum(f.cuts_resolved for f in members)),
        f"{sum(f.p50 for f in members) / max(1, len(members)):.1f}",
    )
    theirs = [f.peer_after for f in members if f.peer_after is not None]
    return (*row, percent(saved(before, sum(theirs)))) if theirs else row


def _bars(figures: Sequence[_Figures], large: Sequence[_Figures]) -> tuple[Bar, ...]:
    share = saved(sum(f.before for f in large), sum(f.after for f in large))
    names = sum(f.names for f in figures)
    missing = sum(len(f.names_missing) for f in figures)
    cuts = sum(f.cuts for f in figures)
    exact = sum(f.rest_exact for f in figures)
    return (
        at_least("code over 1,500 tokens: saved", 60, round(100 * share, 1)),
        all_of("code: names of definitions", "all visible", names - missing, names),
        all_of("code: the rest", "byte-exact", exact, len(figures)),
        all_of("code: selectors", "give back the cut", sum(f.cuts_resolved for f in figures), cuts),
    )


def _data(figures: Sequence[_Figures]) -> dict[str, Json]:
    return {"files": [asdict(f) for f in figures]}
