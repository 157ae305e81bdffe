"""Web pages: the main text with its headings, lists, tables and code; the rest is named.

What lives here: how a page's blocks are written, and which go. What does not:
reading tags (shared/markup_scan.py), finding the main text
(shared/main_text.py), scoring by a query (shared/answers.py).

A view is text, no markup: ``#`` headings, ``-`` list items, ``|`` table rows,
fences around preformatted text. ``… B120-4000`` stands for those bytes of the
page. Addresses of links stand behind their text where that says nothing
("here"), or where the query asks for links.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import unescape
from itertools import groupby
from typing import Final

from furler_engine.markers import format_place
from furler_engine.shared.answers import choose, relevance
from furler_engine.shared.json_offsets import byte_offsets
from furler_engine.shared.main_text import main_blocks
from furler_engine.shared.markup_scan import Block, Page, folded, is_xml, read_page
from furler_engine.shared.ranking import hits
from furler_engine.tokens import estimate
from furler_engine.types import Bytes, Draft, Elision, Kind, Level, Policy, Source, TextShown

_PAGE: Final = re.compile(
    r"<(?:html|body|div|p|h[1-6]|table|ul|ol|section|article|main|span|a)[\s>]", re.IGNORECASE
)
_DOCUMENT: Final = re.compile(r"<(?:html|body|head|!doctype)[\s>]", re.IGNORECASE)
_SCRIPT: Final = re.compile(r"<(?:script|template)[\s>]", re.IGNORECASE)
_TITLE: Final = re.compile(r"<title[^<>]*>([^<]{1,500})</title", re.IGNORECASE)
_SITE: Final = re.compile(r"(?<=.{20}) (?:\||-|–|—|·|::|») [^|–—·»]{1,40}$")
"""The site's name, which titles end in."""
_HREF: Final = re.compile(r"""\bhref\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)
_EMPTY_WORDS: Final = frozenset(
    ("here", "click here", "this", "link", "this link", "download", "source", "read more", "more")
)
_ASKS_FOR_LINKS: Final = re.compile(
    r"\b(?:links?|urls?|href|download\w*|address(?:es)?|https?)\b", re.IGNORECASE
)
_SHARE: Final = {Level.CAREFUL: 0.13, Level.TIGHT: 0.08}
"""Share of a page's size that its main text may have when a query is asked of it."""
_LEAST: Final = 1_200
"""Tokens of main text that always stay, for the same reason a short text does."""
_HITS: Final = 4
"""Blocks outside the main text that stay because the query names them."""
_GAP_WORDS: Final = 30
"""Words from which a gap inside the main text is marked where it is."""


def plan(source: Source, policy: Policy) -> Draft | None:
    """Show a page's main text. None for what is no page."""
    text = source.text
    if is_xml(text) or not _PAGE.search(text) or _is_component(text):
        return None
    page = read_page(text)
    texts = [block.text(text) for block in page.blocks]
    kept = _kept(source, policy, page, texts)
    if not kept:
        return None
    return _View(source, page, texts, kept).draft()


def _is_component(text: str) -> bool:
    """Whether a text is the source of a component: its scripts and templates are what counts."""
    return _DOCUMENT.search(text) is None and _SCRIPT.search(text) is not None


def _kept(source: Source, policy: Policy, page: Page, texts: Sequence[str]) -> list[int]:
    """Return the indexes of the blocks that stay, ascending."""
    main = main_blocks(page, texts)
    query = source.hints.query
    sizes = [len(texts[i]) + 1 for i in main]
    room = _room(source, policy, sum(sizes))
    if room is not None:
        headings = [_rank(page.names[page.blocks[i].element]) > 0 for i in main]
        scored = relevance([texts[i] for i in main], headings, query)
        if scored is not None:
            chosen = choose(sizes, headings, scored, room / sum(sizes), outline=True)
            main = [i for i, stays in zip(main, chosen, strict=True) if stays]
    named = hits(texts, query, _HITS) if query else []
    return sorted({*main, *(i for i in named if page.names[page.blocks[i].element] != "head")})


def _room(source: Source, policy: Policy, size: int) -> float | None:
    """Return the characters that may stay of a main text of this size; None for all."""
    per_token = len(source.text) / max(1, estimate(source.text, policy.tokenizer))
    if policy.target_tokens:
        room = policy.target_tokens * per_token
    elif source.hints.query:
        share = _SHARE.get(policy.level(Kind.MARKUP), 1.0)
        room = max(_LEAST * per_token, share * len(source.text))
    else:
        return None
    return room if room < size else None


def _rank(name: str) -> int:
    return int(name[1]) if len(name) == 2 and name[0] == "h" and name[1] in "123456" else 0


_COUNTED: Final = (
    (b"<script", "scripts"), (b"<style", "styles"), (b"<nav", "navigations"), (b"<form", "forms"), (b"<img", "images"),
)  # fmt: skip
"""What the summary of a gap counts."""


@dataclass(frozen=True, slots=True)
class _Gap:
    """What is left out between two blocks that stay: half-open bytes, words of text."""

    place: Bytes
    words: int


class _View:
    """One view being written."""

    def __init__(
        self, source: Source, page: Page, texts: Sequence[str], kept: Sequence[int]
    ) -> None:
        self.source = source
        self.page = page
        self.texts = texts
        self.runs = [
            [index for _, index in run]
            for _, run in groupby(enumerate(kept), key=lambda pair: pair[1] - pair[0])
        ]
        self.all_links = _ASKS_FOR_LINKS.search(source.hints.query) is not None

    def draft(self) -> Draft:
        ranges, gaps = self._ranges()
        lines = [self._opening()]
        small: list[_Gap] = []
        for gap, run in zip(gaps, [*self.runs, []], strict=True):
            if gap is not None:
                is_inner = len(lines) > 1 and bool(run)
                if is_inner and gap.words >= _GAP_WORDS:
                    lines.append(f"… {format_place(gap.place)}: {gap.words} words")
                else:
                    small.append(gap)
            lines += self._lines(run)
        if small:
            lines.append(
                "[left out: markup; " + ", ".join(format_place(g.place) for g in small) + "]"
            )
        shown = sum(len(self.texts[i].split()) for run in self.runs for i in run)
        elisions = tuple(Elision(gap.place, self._summary(gap)) for gap in gaps if gap is not None)
        total = shown + sum(gap.words for gap in gaps if gap is not None)
        return Draft("\n".join(lines), TextShown(ranges), "words", total, shown, elisions)

    def _summary(self, gap: _Gap) -> str:
        part = self.source.data[gap.place.start : gap.place.end]
        named = ((part.count(opening), name) for opening, name in _COUNTED)
        return ", ".join([f"{gap.words} words", *(f"{n} {name}" for n, name in named if n)])

    def _opening(self) -> str:
        first = self.page.blocks[self.runs[0][0]]
        has_title = _rank(self.page.names[first.element]) > 0
        title = None if has_title else _TITLE.search(self.source.text)
        return f"[page: {_SITE.sub('', folded(title[1]))}]" if title else "[page]"

    def _ranges(self) -> tuple[tuple[Bytes, ...], list[_Gap | None]]:
        """Return the bytes of each run of blocks, and of the gap before each and after the last."""
        blocks = self.page.blocks
        ends = [(blocks[run[0]].start, blocks[run[-1]].end) for run in self.runs]
        offsets = byte_offsets(self.source.text, [at for pair in ends for at in pair])
        ranges = tuple(Bytes(offsets[a], offsets[b]) for a, b in ends)
        borders = [0, *(at for r in ranges for at in (r.start, r.end)), len(self.source.data)]
        rows = [-1, *(row for run in self.runs for row in (run[0], run[-1])), len(blocks)]
        gaps: list[_Gap | None] = []
        for k in range(0, len(borders), 2):
            between = range(rows[k] + 1, rows[k + 1])
            words = sum(self.texts[i].count(" ") + 1 for i in between if self.texts[i])
            is_gap = borders[k] < borders[k + 1]
            gaps.append(_Gap(Bytes(borders[k], borders[k + 1]), words) if is_gap else None)
        return ranges, gaps

    def _lines(self, run: Sequence[int]) -> Iterator[str]:
        """Yield the lines of a run of blocks; the cells of a row stand on one."""
        for row, members in groupby(run, key=self._row_of):
            indexes = list(members)
            if row >= 0:
                yield "| " + " | ".join(self._text(i) for i in indexes) + " |"
            else:
                for index in indexes:
                    yield from self._block(index)

    def _row_of(self, index: int) -> int:
        """Return the table row that a block is a cell of, or in; -1 for none."""
        at = self.page.blocks[index].element
        for _ in range(_CELL_DEPTH):
            if at <= 0:
                break
            if self.page.names[at] == "tr":
                return at
            at = self.page.parents[at]
        return -1

    def _block(self, index: int) -> Iterator[str]:
        block = self.page.blocks[index]
        name = self.page.names[block.element]
        if name == "pre":
            raw = "".join(self.source.text[a:b] if b > a else "\n" for a, b in block.pieces)
            yield from ("```", unescape(raw).strip("\n"), "```")
        elif rank := _rank(name):
            yield f"{'#' * rank} {self._text(index)}"
        elif depth := self._list_depth(block.element):
            is_first = self._is_first_of_item(index)
            yield f"{'  ' * (depth - 1)}{'- ' if is_first else '  '}{self._text(index)}"
        else:
            yield self._text(index)

    def _list_depth(self, element: int) -> int:
        depth = 0
        for _ in range(_CELL_DEPTH):
            if element <= 0:
                break
            depth += self.page.names[element] == "li"
            element = self.page.parents[element]
        return depth

    def _is_first_of_item(self, index: int) -> bool:
        """Whether a block is the first text of the list item it is in."""
        item = self._item(self.page.blocks[index].element)
        return index == 0 or self._item(self.page.blocks[index - 1].element) != item

    def _item(self, element: int) -> int:
        for _ in range(_CELL_DEPTH):
            if element <= 0 or self.page.names[element] == "li":
                break
            element = self.page.parents[element]
        return element

    def _text(self, index: int) -> str:
        block = self.page.blocks[index]
        if not block.targets:
            return self.texts[index]
        shown = [
            (piece, target)
            for piece, attributes in block.targets.items()
            if (target := self._target(block, piece, attributes))
        ]
        if not shown:
            return self.texts[index]
        pieces = list(block.pieces)
        written = []
        for at, (start, end) in enumerate(pieces):
            written.append(self.source.text[start:end] if end > start else "\n")
            written += (f" ({target})" for piece, target in shown if piece == at)
        return " ".join(unescape("".join(written)).split())

    def _target(self, block: Block, piece: int, attributes: str) -> str:
        """Return a link's address where it is to be shown, else ''."""
        start, end = block.pieces[piece]
        text = folded(self.source.text[start:end]).lower()
        if not self.all_links and text not in _EMPTY_WORDS:
            return ""
        found = _HREF.search(attributes)
        href = next((group for group in found.groups() if group), "") if found else ""
        return "" if href.startswith(("#", "javascript:")) else href


_CELL_DEPTH: Final = 24
"""How far up the elements around a block are looked at; deeper ones are hostile."""
