"""HTML as blocks of text: what a reader of the page sees, piece by piece.

What lives here: a forgiving, linear scanner of tags and the blocks between
them, each with its place in the page. What does not: which blocks are the main
text (compressors.markup).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape
from typing import Final, NamedTuple

# Attributes end at < or >: a quoted one in an attribute is rare, a tag without an end is hostile.
_TAG = re.compile(
    r"<(?:(/?)([A-Za-z][A-Za-z0-9:-]{0,40})([^<>]{0,20000})>|(!--)|[!?][^<>]{0,2000}>)"
)
_NAMED_BY = re.compile(
    r"\b(?:class|id|role|itemprop|aria-label)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))",
    re.IGNORECASE,
)
_HIDDEN = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|\bhidden(?=[\s/]|$)|aria-hidden\s*=\s*[\"']?true",
    re.IGNORECASE,
)
RAW: Final = frozenset(
    {
        "script",
        "style",
        "noscript",
        "template",
        "svg",
        "iframe",
        "textarea",
        "object",
        "math",
        "canvas",
    }
)
"""Elements whose inside is no text of the page; skipped up to their end tag."""
_VOID: Final = frozenset(
    {
        "br",
        "img",
        "input",
        "hr",
        "meta",
        "link",
        "source",
        "wbr",
        "area",
        "base",
        "col",
        "embed",
        "track",
        "param",
    }
)
_INLINE: Final = frozenset({
    "a", "abbr", "b", "bdi", "bdo", "cite", "code", "data", "del", "dfn", "em", "font", "i", "ins", "kbd", "label", "mark",
    "q", "s", "samp", "small", "span", "strong", "sub", "sup", "time", "tt", "u", "var", "big", "strike", "wbr", "nobr", "acronym",
})  # fmt: skip
_CLOSES: Final = {
    "p": frozenset({"p"}), "li": frozenset({"li", "p"}), "dt": frozenset({"dt", "dd", "p"}), "dd": frozenset({"dt", "dd", "p"}),
    "tr": frozenset({"tr", "td", "th", "p"}), "td": frozenset({"td", "th", "p"}), "th": frozenset({"td", "th", "p"}),
    "option": frozenset({"option"}),
}  # fmt: skip
"""Elements that an opening tag ends when they are the innermost."""
_ENDS_P: Final = frozenset({
    "address", "article", "aside", "blockquote", "div", "dl", "fieldset", "figure", "footer", "form", "h1", "h2", "h3", "h4",
    "h5", "h6", "header", "hr", "main", "nav", "ol", "p", "pre", "section", "table", "ul",
})  # fmt: skip
_MAX_DEPTH: Final = 200


class Piece(NamedTuple):
    """A run of text: characters ``start`` to ``end`` of the page, and whether it is a link's."""

    start: int
    end: int
    in_link: bool


@dataclass(slots=True)
class Element:
    """An open element: its name, what its class and id say, what it lies in."""

    tag: str
    words: str
    parent: Element | None
    hidden: bool
    number: int

    def path(self) -> Iterator[Element]:
        """Yield the element and all it lies in, the innermost first."""
        at: Element | None = self
        while at is not None:
            yield at
            at = at.parent


@dataclass(slots=True)
class Block:
    """Text between two block-level tags."""

    element: Element
    pieces: list[Piece] = field(default_factory=list)
    text: str = ""
    linked: int = 0
    """Characters of the text that are links."""


class _Scanner:
    def __init__(self, page: str) -> None:
        self.page = page
        self.element = Element("", "", None, hidden=False, number=0)
        self.depth = 0
        self.links = 0
        self.count = 0
        self.open: Counter[str] = Counter()
        self.blocks: list[Block] = []
        self.block = Block(self.element)
        self.title = ""

    def scan(self) -> list[Block]:
        page, at = self.page, 0
        while match := _TAG.search(page, at):
            self._text(at, match.start())
            at = match.end()
            if match[4]:
                end = page.find("-->", at)
                at = end + 3 if end >= 0 else len(page)
            elif match[2]:
                tag = match[2].lower()
                if match[1]:
                    self._close(tag)
                elif tag in RAW:
                    at = self._skip(tag, match[3], at)
                elif tag == "title" and not self.title:
                    end = page.find("<", at)
                    self.title = clean(page[at : end if end >= 0 else len(page)])
                    at = end if end >= 0 else len(page)
                else:
                    self._open(tag, match[3])
        self._text(at, len(page))
        self._end_block()
        return self.blocks

    def _skip(self, tag: str, attributes: str, at: int) -> int:
        if attributes.endswith("/"):
            return at
        end = re.compile(rf"</{tag}\s*>", re.IGNORECASE).search(self.page, at)
        return end.end() if end else len(self.page)

    def _text(self, start: int, end: int) -> None:
        if start < end and not self.element.hidden:
            self.block.pieces.append(Piece(start, end, self.links > 0))

    def _open(self, tag: str, attributes: str) -> None:
        if tag in _VOID:
            if tag in ("br", "hr"):
                self._end_block()
            return
        if tag not in _INLINE:
            self._end_block()
            if tag in _ENDS_P:
                self._close_if("p")
            for _ in range(3):
                if self.element.tag in _CLOSES.get(tag, ()):
                    self._leave()
        if attributes.endswith("/") or self.depth >= _MAX_DEPTH:
            return
        if tag == "a":
            self.links += 1
        elif tag in _INLINE:
            return
        if tag != "a":
            words = " ".join("".join(found) for found in _NAMED_BY.findall(attributes))
            hidden = self.element.hidden or _HIDDEN.search(attributes) is not None
            self.count += 1
            self.depth += 1
            self.open[tag] += 1
            self.element = Element(tag, words.lower(), self.element, hidden, self.count)
            self.block = Block(self.element)

    def _close(self, tag: str) -> None:
        if tag == "a":
            self.links = max(0, self.links - 1)
        if tag in _INLINE or tag in _VOID:
            return
        self._end_block()
        self.links = 0
        if self.open[tag]:
            while self.element.tag != tag:
                self._leave()
            self._leave()

    def _close_if(self, tag: str) -> None:
        if self.element.tag == tag:
            self._leave()

    def _leave(self) -> None:
        if self.element.parent is not None:
            self.open[self.element.tag] -= 1
            self.element = self.element.parent
            self.depth -= 1
            self.block = Block(self.element)

    def _end_block(self) -> None:
        block = self.block
        if block.pieces:
            raw = "".join(self.page[p.start : p.end] for p in block.pieces)
            block.text = unescape(raw) if block.element.tag == "pre" else clean(raw)
            if block.text.strip():
                block.linked = sum(
                    len(clean(self.page[p.start : p.end])) for p in block.pieces if p.in_link
                )
                self.blocks.append(block)
        self.block = Block(self.element)


def clean(text: str) -> str:
    """Return text as a browser shows it: entities resolved, white space collapsed."""
    return " ".join((unescape(text) if "&" in text else text).split())


def blocks(page: str) -> tuple[str, list[Block]]:
    """Return the title and the blocks of a page, in order. Linear for any text."""
    scanner = _Scanner(page)
    found = scanner.scan()
    return scanner.title, found
