"""Markdown: what repeats or only decorates is left out; with a query, the best blocks stay.

What lives here: which blocks of Markdown go for what reason. What does not:
cutting it into blocks (shared/markdown_blocks.py), scoring them
(shared/answers.py), writing the view (shared/excerpt.py).

Headings always stay: they are the outline by which a reader asks for the rest.
Fences, tables and list items stay or go whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from furler_engine.markers import format_place
from furler_engine.shared.answers import choose, relevance
from furler_engine.shared.excerpt import LESS_RELEVANT, Part, excerpt
from furler_engine.shared.markdown_blocks import Block, Form, markdown_blocks
from furler_engine.tokens import estimate
from furler_engine.types import Draft, Kind, Level, Policy, Source

_DECORATION: Final = frozenset((Form.COMMENT, Form.BADGES, Form.LINKS, Form.CONTENTS))
_SHARE: Final = {Level.CAREFUL: 0.45, Level.TIGHT: 0.3}
"""Part of a text that stays for a query."""
_SHORT: Final = 1_000
"""Tokens under which a text stays whole: a retrieval costs a turn of about 600."""
_FOR_MARKERS: Final = 0.97
_SHORTEST_REPEAT: Final = 80
_OUTLINED: Final = 3_000
"""Tokens from which Level.TIGHT shows an outline where no query is asked."""


def plan(source: Source, policy: Policy) -> Draft | None:
    """Leave out decoration and repeats, and what a query does not ask for."""
    blocks = markdown_blocks(source.text)
    if not blocks:
        return None
    reasons = _reasons(source.text, blocks)
    room = _room(source, policy)
    asked = ""
    if room is not None and (kept := _chosen(source, blocks, reasons, room)):
        asked = " by relevance to the query and place under its heading"
        reasons = [
            why or ("" if stays else LESS_RELEVANT)
            for why, stays in zip(reasons, kept, strict=True)
        ]
    parts = [Part(b.start, b.end, why) for b, why in zip(blocks, reasons, strict=True)]
    legend = f"[excerpt{asked}; … L12-40 stands for those lines]\n"
    return excerpt(source, parts, legend, format_place)


def _room(source: Source, policy: Policy) -> float | None:
    """Return the characters that may stay; None where all of them may."""
    size = estimate(source.text, policy.tokenizer)
    level = policy.level(Kind.MARKDOWN)
    if policy.target_tokens:
        share = _FOR_MARKERS * policy.target_tokens / max(1, size)
        return share * len(source.text) if share < 1 else None
    if source.hints.query and size >= _SHORT:
        return _SHARE.get(level, 1.0) * len(source.text)
    return 0.0 if level is Level.TIGHT and size > _OUTLINED else None


def _chosen(
    source: Source, blocks: Sequence[Block], reasons: Sequence[str], room: float
) -> list[bool]:
    """Choose among the blocks that are not left out already; [] where nothing tells them apart."""
    indexes = [i for i, why in enumerate(reasons) if not why]
    texts = [source.text[blocks[i].start : blocks[i].end] for i in indexes]
    headings = [blocks[i].rank > 0 for i in indexes]
    scored = relevance(texts, headings, source.hints.query)
    if scored is None:
        return []
    sizes = list(map(len, texts))
    chosen = choose(sizes, headings, scored, room / max(1, sum(sizes)), outline=True)
    kept = [False] * len(blocks)
    for index, stays in zip(indexes, chosen, strict=True):
        kept[index] = stays
    return kept


def _reasons(text: str, blocks: Sequence[Block]) -> list[str]:
    """Return why each block is left out whatever is asked; '' for most."""
    first: dict[str, int] = {}
    reasons = []
    line = 1
    for block in blocks:
        body = text[block.start : block.end].strip()
        if block.form in _DECORATION:
            reasons.append(block.form.value)
        elif block.form is not Form.HEADING and body in first and len(body) >= _SHORTEST_REPEAT:
            reasons.append(f"same as L{first[body]}")
        else:
            first.setdefault(body, line)
            reasons.append("")
        line += text.count("\n", block.start, block.end)
    return reasons
