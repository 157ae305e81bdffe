"""HTML: the main text of a page, without markup and what stands around it.

What lives here: how a view writes the text and what it claims of the page. What
does not: the blocks of a page (shared.page), which of them matter
(shared.main_text).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from furler_engine.markers import format_place
from furler_engine.shared.answers import choose, relevance
from furler_engine.shared.main_text import main_text
from furler_engine.shared.page import Block, blocks
from furler_engine.types import (
    Bytes,
    BytesShown,
    Draft,
    Elision,
    Kind,
    Level,
    Lines,
    Place,
    Policy,
    Source,
)

_HTML = re.compile(r"<(?:html|body|p|div|h[1-6]|table|li|article)[\s>]", re.IGNORECASE)
_SITE = re.compile(r"(?<=.{20}) (?:[|–—»]|-) ")
"""Where a title ends and the name of the site begins."""
_MIN_TEXT: Final = 40
"""Characters of text below which a page is an application, not a text."""
_MIN_LINES: Final = 20
"""Lines from which a page's parts are named by line; pages on few lines by byte."""
_LONG: Final = 6_000
"""Characters (1,500 tokens) up to which the main text is shown whole."""
_KEEP: Final = {Level.CAREFUL: 0.42, Level.TIGHT: 0.25}
"""Part of a longer one that is kept for a query."""
_CHARS_PER_TOKEN: Final = 4
_HEADINGS: Final = {f"h{n}": "#" * n + " " for n in range(1, 7)}
_CELLS: Final = frozenset({"td", "th"})


def plan(source: Source, policy: Policy) -> Draft | None:
    """Show the main text; the page around it and its markup are left out."""
    page = source.text
    if not _HTML.search(page):
        return None
    title, found = blocks(page)
    main = main_text(found)
    size = sum(len(block.text) for block in main)
    if size < _MIN_TEXT:
        return None
    kept = _choose(main, size, source.hints.query, policy)
    chosen = [block for block, keep in zip(main, kept, strict=True) if keep]
    shown = _to_bytes(page, [span for block in chosen for span in _verbatim(page, block)])
    places = _places(source, main[0].pieces[0].start, main[-1].pieces[-1].end)
    gaps = _gaps(source, main, kept)
    text = "\n".join([*_opening(title, places), *_write(main, kept, gaps)])
    elisions = [Elision(place, what) for what, place in places.items()]
    elisions += [Elision(place, "passages") for place in gaps.values()]
    everything = sum(len(block.text) for block in found)
    visible = sum(len(block.text) for block in chosen)
    return Draft(
        text, BytesShown(tuple(shown)), "characters of text", everything, visible, tuple(elisions)
    )


def _choose(main: Sequence[Block], size: int, query: str, policy: Policy) -> list[bool]:
    """Which blocks of the main text to show: all, or of a long one those that answer the query."""
    wanted = policy.target_tokens * _CHARS_PER_TOKEN
    if not wanted and size > _LONG and policy.level(Kind.MARKUP) in _KEEP:
        wanted = max(_LONG, int(size * _KEEP[policy.level(Kind.MARKUP)]))
    if not query or not wanted or size <= wanted:
        return [True] * len(main)
    texts = [block.text for block in main]
    headings = [block.element.tag in _HEADINGS for block in main]
    scores = relevance(texts, headings, query)
    return choose(list(map(len, texts)), headings, scores, wanted / size)


def _opening(title: str, places: dict[str, Place]) -> Iterator[str]:
    # Short, for a page is often short too; the title is the page's own.
    if title:
        yield f"# {_SITE.split(title, maxsplit=1)[0]}"
    where = ", ".join(f"{what} … {format_place(place)}" for what, place in places.items())
    yield f"[main text; left out: {where}]"


def _gaps(source: Source, main: Sequence[Block], kept: Sequence[bool]) -> dict[int, Place]:
    """Name each run of blocks that is left out, by the index of its first."""
    gaps: dict[int, Place] = {}
    for keep, run in groupby(range(len(main)), key=lambda at: kept[at]):
        at = list(run)
        if not keep:
            gaps[at[0]] = _place(source, main[at[0]].pieces[0].start, main[at[-1]].pieces[-1].end)
    return gaps


def _place(source: Source, start: int, end: int) -> Place:
    """The lines that hold characters of the page, or the bytes if it has few lines."""
    text = source.text
    if len(source.lines) >= _MIN_LINES:
        first = text.count("\n", 0, start) + 1
        return Lines(first, first + text.count("\n", start, end))
    first = len(text[:start].encode())
    return Bytes(first, first + len(text[start:end].encode()))


def _places(source: Source, first: int, last: int) -> dict[str, Place]:
    """Name what stands before, in and after the characters ``first`` to ``last``."""
    within = _place(source, first, last)
    if isinstance(within, Lines):
        lines = {
            "before": Lines(1, within.first - 1),
            "markup": within,
            "after": Lines(within.last + 1, len(source.lines)),
        }
        return {what: place for what, place in lines.items() if place.first <= place.last}
    if isinstance(within, Bytes):
        parts = {
            "before": Bytes(0, within.start),
            "markup": within,
            "after": Bytes(within.end, len(source.data)),
        }
        return {what: place for what, place in parts.items() if place.start < place.end}
    return {}


def _write(main: Sequence[Block], kept: Sequence[bool], gaps: dict[int, Place]) -> Iterator[str]:
    """Yield the text: headings and lists as in Markdown, a table's row on one line."""
    for (row, keep), run in groupby(range(len(main)), key=lambda at: (_row(main[at]), kept[at])):
        places = list(run)
        if places[0] in gaps:
            yield f"… {format_place(gaps[places[0]])}"
        if keep and row:
            yield " | ".join(main[at].text for at in places)
        elif keep:
            yield from (_line(main[at]) for at in places)


def _line(block: Block) -> str:
    tag = block.element.tag
    if tag == "pre":
        return "```\n" + block.text.strip("\n") + "\n```"
    if tag in _HEADINGS:
        return f"\n{_HEADINGS[tag]}{block.text}"
    return ("- " if _in_item(block) else "") + block.text


def _row(block: Block) -> int:
    """The number of the table row a block lies in, 0 for none."""
    if not any(element.tag in _CELLS for element in block.element.path()):
        return 0
    return next((e.number for e in block.element.path() if e.tag == "tr"), 0)


def _in_item(block: Block) -> bool:
    element = block.element
    return element.tag == "li" or (
        element.tag == "p" and element.parent is not None and element.parent.tag == "li"
    )


def _verbatim(page: str, block: Block) -> Iterator[tuple[int, int]]:
    """Yield the characters of a block that stand in the view as they stand in the page."""
    for piece in block.pieces:
        raw = page[piece.start : piece.end]
        inner = raw.strip()
        if inner and inner in block.text:
            start = piece.start + raw.find(inner)
            yield start, start + len(inner)


def _to_bytes(page: str, spans: Sequence[tuple[int, int]]) -> list[Bytes]:
    if page.isascii():
        return [Bytes(start, end) for start, end in spans]
    found: list[Bytes] = []
    at = offset = 0
    for start, end in spans:
        offset += len(page[at:start].encode())
        size = len(page[start:end].encode())
        found.append(Bytes(offset, offset + size))
        at, offset = end, offset + size
    return found
