"""Running text: with a query, the paragraphs that answer it; repeats are left out.

What lives here: which paragraphs go. What does not: cutting text
(shared/text_units.py), scoring it (shared/relevance.py), writing the view
(shared/excerpt.py). Without a query, or where no word of it tells one paragraph
from another, all stay.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from furler_engine.markers import format_place
from furler_engine.shared.budget import budget
from furler_engine.shared.excerpt import LESS_RELEVANT, Part, excerpt
from furler_engine.shared.relevance import choose, scores
from furler_engine.shared.text_units import Block, prose_blocks
from furler_engine.types import Draft, Kind, Policy, Source

_SHORTEST_REPEAT: Final = 200


def plan(source: Source, policy: Policy) -> Draft | None:
    """Leave out repeats, and what a query does not ask for."""
    text = source.text
    blocks = prose_blocks(text)
    reasons = _repeats(text, blocks)
    room = budget(source, policy, Kind.PROSE)
    asked = ""
    if room is not None:
        units = [block.unit(text) for block in blocks]
        scored = scores(units, source.hints.query)
        if scored is not None:
            asked = " by relevance to the query"
            kept = choose(units, scored, room)
            reasons = [
                why or ("" if stays else LESS_RELEVANT)
                for why, stays in zip(reasons, kept, strict=True)
            ]
    parts = [Part(b.start, b.end, why) for b, why in zip(blocks, reasons, strict=True)]
    legend = f"[excerpt{asked}; … L12-40 and …B120-400… stand for those lines and bytes]\n"
    return excerpt(source, parts, legend, format_place)


def _repeats(text: str, blocks: Sequence[Block]) -> list[str]:
    first: dict[str, int] = {}
    reasons = []
    line = 1
    for block in blocks:
        body = text[block.start : block.end].strip()
        if body in first and len(body) >= _SHORTEST_REPEAT:
            reasons.append(f"same as L{first[body]}")
        else:
            first.setdefault(body, line)
            reasons.append("")
        line += text.count("\n", block.start, block.end)
    return reasons
