"""XML as an outline: one line per element, no closing tags, no declarations.

What lives here: feeds, build files, settings, reports, drawings; which of many elements that are
alike a view shows. What does not: web pages, of which only the main text counts (markup.py), how
elements are written (shared.xml_outline) and read as records (shared.xml_rows).

``name key="value": text`` is an element with its attributes and its text, what
it holds is indented below it. Comments and CDATA stand as they are. What is left out: texts and
attributes too long to read, and of many elements of one name those that are like the rest: ``… B120-4000``.
"""

from __future__ import annotations

from typing import Final

from furler_engine import tokens
from furler_engine.markers import format_place
from furler_engine.shared.column_summary import describe
from furler_engine.shared.json_offsets import byte_offsets
from furler_engine.shared.markup_scan import is_xml
from furler_engine.shared.specimens import NOTHING, SAID, left_out, pick
from furler_engine.shared.xml_outline import Cut, Gap, Line, Outline
from furler_engine.shared.xml_rows import Alike, alike, values
from furler_engine.types import Bytes, Draft, Elision, Kind, Level, Policy, Source, TextShown

_LEGEND: Final = '[XML as an outline: name key="value": text; what an element holds is below it]'
_FLOOR: Final = 1_500
"""Tokens up to which all elements are shown."""
_SHARE: Final = {Level.CAREFUL: 0.25, Level.TIGHT: 0.1}
"""Part of the text that elements which are alike may take."""
_LEAST: Final = 600
_MOST: Final = 5_000
_COLUMNS: Final = 24
_TITLES: Final = ("@name", "@id", "artifactid", "title", "name", "id", "@key")


def plan(source: Source, policy: Policy) -> Draft | None:
    """Show XML as an outline. None for pages and for what is no XML."""
    text = source.text
    if not is_xml(text):
        return None
    gaps, said = _left_out(source, policy)
    outline = Outline(text, gaps)
    lines = outline.lines()
    if not outline.elements:
        return None
    cuts = outline.cuts
    offsets = byte_offsets(text, [at for cut in cuts for at in cut] + [len(text)])
    places = {cut: Bytes(offsets[cut[0]], offsets[cut[1]]) for cut in cuts}
    written = [_LEGEND, *said, *(_written(line, places) for line in lines)]
    borders = [0, *(at for cut in cuts for at in (places[cut].start, places[cut].end))]
    borders.append(len(source.data))
    pairs = zip(borders[::2], borders[1::2], strict=True)
    why = {(gap.start, gap.end): gap.said for gap in gaps}
    return Draft(
        text="\n".join(written),
        coverage=TextShown(tuple(Bytes(a, b) for a, b in pairs if a < b)),
        units="bytes",
        total=len(source.data),
        shown=len(source.data) - sum(p.end - p.start for p in places.values()),
        elisions=tuple(Elision(places[cut], why.get(cut, "long text")) for cut in cuts),
    )


def _written(line: Line, places: dict[Cut, Bytes]) -> str:
    if isinstance(line, str):
        return line
    before, cut = line
    return f"{before}… {format_place(places[cut])}"


def _left_out(source: Source, policy: Policy) -> tuple[list[Gap], list[str]]:
    """Return which elements are left out of many that are alike, and a line on all of them."""
    size = tokens.estimate(source.text, policy.tokenizer)
    if size <= (policy.target_tokens or _FLOOR):
        return [], []
    found = alike(source.text)
    if found is None:
        return [], []
    texts = [source.text[element.start : element.end] for element in found.elements]
    rows = [values(text) for text in texts]
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = {name: [row.get(name, NOTHING) for row in rows] for name in names[: 2 * _COLUMNS]}
    share = _SHARE.get(policy.level(Kind.MARKUP), 1.0)
    budget = policy.target_tokens or min(max(share * size, _LEAST), _MOST)
    kept = pick(columns, texts, source.hints.query, int(budget * len(rows) / size) + 1)
    gaps = list(_gaps(found, kept))
    if not gaps:
        return [], []
    told = [
        f"{name}: {text}" for name, column in columns.items() if (text := describe(column, NOTHING))
    ]
    titles = [columns[name] for name in _TITLES if name in columns]
    return gaps, [
        f"[all {len(rows):,} {found.name}, {len(kept):,} shown ({SAID}): {'; '.join(told[:_COLUMNS])}]",
        *left_out(titles, kept, len(source.text)),
    ]


def _gaps(found: Alike, kept: set[int]) -> list[Gap]:
    """Join neighbours that are left out; what stands between them goes with them."""
    gaps: list[Gap] = []
    first = -1
    for row in range(len(found.elements) + 1):
        if row < len(found.elements) and row not in kept:
            first = row if first < 0 else first
        elif first >= 0:
            start, end = found.elements[first].start, found.elements[row - 1].end
            gaps.append(Gap(start, end, f"{row - first} {found.name}"))
            first = -1
    return gaps
