"""HTML and XML as a stream of tags, and a page as blocks of running text in their elements.

What lives here: where tags, text and what is no text (scripts, styles, comments)
start and end. What does not: which blocks matter (main_text.py), how a view
writes them (compressors/markup.py).

This is no parser of the HTML standard: it never fails, keeps offsets into the
source, and takes time linear in it. An element ends with its closing tag, with
one of an element around it, or where HTML implies it (``<li>`` after ``<li>``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape
from typing import Final, NamedTuple

_TAG: Final = re.compile(r"<(?:(/?)([A-Za-z][^\s/<>]*+)([^<>]*+)(>?)|!--|!\[CDATA\[|[!?][^<>]*+>?)")
_LONGEST_TAG: Final = 20_000
"""Characters in which the end of a tag with a quoted < or > is looked for."""
_SLOW_TAGS: Final = 500
"""Tags with a quoted < or > in one text; hostile text could have one every four characters."""
_TAG_END: Final = re.compile(r"""(?:[^>"']++|"[^"]*+"|'[^']*+')*>""")

RAW: Final = frozenset(
    ("script", "style", "textarea", "title", "iframe", "xmp", "noembed", "noframes")
)
"""Elements whose content is no markup."""
_RAW_END: Final = {name: re.compile(f"</{name}", re.IGNORECASE) for name in RAW}

_INLINE_NAMES: Final = """
a abbr acronym b bdi bdo big br cite code data del dfn em font i img input ins kbd label mark meta link
nobr q rp rt ruby s samp small source span strike strong sub sup time track tt u var wbr
"""
INLINE: Final = frozenset(_INLINE_NAMES.split())
_VOID_NAMES: Final = "area base br col embed hr img input link meta param source track wbr"
VOID: Final = frozenset(_VOID_NAMES.split())
# What an opening tag ends, if it is the innermost open element.
_IMPLIED_ENDS: Final = {
    "li": ("li",), "dt": ("dt", "dd"), "dd": ("dt", "dd"), "tr": ("td", "th", "tr"), "td": ("td", "th"),
    "th": ("td", "th"), "tbody": ("td", "th", "tr", "thead", "tbody"), "option": ("option",),
}  # fmt: skip
_DEPTH_SEARCHED: Final = 60
"""Open elements among which a closing tag finds its own; others are ignored."""

OPEN, CLOSE, OTHER = "", "/", "!"
_BREAK: Final = "\x1e"
"""Stands for ``<br>`` while white space is folded; no text has this control character."""
_BREAKS: Final = re.compile(f" ?{_BREAK} ?")


class Tag(NamedTuple):
    """One tag, or what is neither tag nor text: half-open characters.

    ``sign`` is '' for an opening tag, '/' for a closing one, '!' for comments,
    declarations, and the raw content of scripts and styles.
    """

    start: int
    end: int
    sign: str
    name: str
    attributes: str


_XML: Final = re.compile(
    r"\s*(?:<\?xml\b|<(?:svg|rss|feed|project|urlset|configuration|beans|testsuites?|coverage|plist)[\s>])",
    re.IGNORECASE,
)
_ROOT: Final = re.compile(
    r"\s*(?:<!DOCTYPE\s+(?!html)[^<>\[]{1,300}(?:\[[^\]]{0,1500}\]\s*)?>\s*)?<([A-Za-z_][\w.-]*(?::[\w.-]+)?)[\s>]",
    re.IGNORECASE,
)
_OF_PAGES: Final = frozenset(
    [
        "a",
        "article",
        "aside",
        "b",
        "body",
        "br",
        "button",
        "center",
        "code",
        "details",
        "div",
        "dl",
        "em",
        "fieldset",
        "figure",
        "font",
        "footer",
        "form",
        "frameset",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "head",
        "header",
        "hr",
        "html",
        "i",
        "iframe",
        "img",
        "input",
        "label",
        "li",
        "link",
        "main",
        "meta",
        "nav",
        "noscript",
        "ol",
        "p",
        "picture",
        "pre",
        "script",
        "section",
        "select",
        "span",
        "strong",
        "style",
        "summary",
        "table",
        "tbody",
        "td",
        "template",
        "textarea",
        "title",
        "tr",
        "ul",
        "video",
    ]
)
"""Elements that a page, or a part of one, opens with."""
_HTML: Final = re.compile(r"<html[\s>]", re.IGNORECASE)
_OPENING: Final = 2_000
"""Characters in which the element of a page would stand."""


def is_xml(text: str) -> bool:
    """Whether a text opens as XML does, or is one element that no page has, and is no page."""
    if _XML.match(text) is None:
        root = _ROOT.match(text)
        if root is None or root[1].lower() in _OF_PAGES:
            return False
        if not text[-_OPENING:].rstrip().endswith(f"</{root[1]}>"):
            return False
    return _HTML.search(text, 0, _OPENING) is None


def tags(text: str) -> Iterator[Tag]:
    """Yield the tags of a text in order; what lies between them is text."""
    at = 0
    slow = _SLOW_TAGS
    search = _TAG.search
    while match := search(text, at):
        start, end = match.span()
        sign, name, attributes, closed = match.groups()
        if name is None:
            at = _end_of_other(text, match[0], end)
            yield Tag(start, at, OTHER, "", "")
            continue
        name = name.lower()
        if (not closed or attributes.count('"') & 1 or attributes.count("'") & 1) and slow:
            slow -= 1
            full = _TAG_END.match(text, match.start(3), match.start(3) + _LONGEST_TAG)
            if full:
                end = full.end()
                attributes = text[match.start(3) : end - 1]
                closed = ">"
        if not closed:
            at = end  # a < that opens no tag is text
            continue
        at = end
        yield Tag(start, end, sign, name, attributes)
        if name in RAW and not sign:
            found = _RAW_END[name].search(text, end)
            at = found.start() if found else len(text)
            if at > end and name != "title":
                yield Tag(end, at, OTHER, name, "")


def _end_of_other(text: str, opening: str, end: int) -> int:
    closing = {"<!--": "-->", "<![CDATA[": "]]>"}.get(opening)
    if closing is None:
        return end
    at = text.find(closing, end)
    return len(text) if at < 0 else at + len(closing)


def shown_pieces(text: str) -> Iterator[str]:
    """Yield the pieces of text between tags: references decoded, white space folded, none blank."""
    at = 0
    for tag in tags(text):
        if tag.start > at and (piece := folded(text[at : tag.start])):
            yield piece
        at = tag.end
    if piece := folded(text[at:]):
        yield piece


def folded(text: str) -> str:
    """Return text as a page shows it: references decoded, white space folded."""
    return " ".join(unescape(text).split())


@dataclass(slots=True)
class Block:
    """A run of text between two tags that break the line.

    ``element`` is the index of the element around it; ``pieces`` are the
    character ranges of its text, ``<br>`` among them as empty ranges;
    ``linked`` counts characters inside links; ``targets`` are the attributes of
    the links' tags, by the index of their first piece.
    """

    element: int
    start: int
    end: int
    pieces: list[tuple[int, int]] = field(default_factory=list)
    chars: int = 0
    linked: int = 0
    targets: dict[int, str] = field(default_factory=dict)

    def text(self, source: str) -> str:
        """Return the text: references decoded, white space folded, ``<br>`` a line break."""
        raw = "".join([source[a:b] if b > a else _BREAK for a, b in self.pieces])
        folded = " ".join(unescape(raw).split())
        return folded if _BREAK not in raw else _BREAKS.sub("\n", folded).strip()


@dataclass(slots=True)
class Page:
    """Elements that are no inline ones, in document order, and the blocks in them.

    Element 0 is the document. ``parents`` of an element come before it.
    """

    names: list[str] = field(default_factory=lambda: [""])
    attributes: list[str] = field(default_factory=lambda: [""])
    parents: list[int] = field(default_factory=lambda: [-1])
    blocks: list[Block] = field(default_factory=list)


def read_page(text: str) -> Page:
    """Read a page into elements and blocks."""
    page = Page()
    names, parents, attributes = page.names, page.parents, page.attributes
    stack = [0]
    block: Block | None = None
    link: Tag | None = None
    at = 0
    for tag in tags(text):
        if tag.start > at and not text[at : tag.start].isspace():
            block = _with_text(page, block, stack[-1], (at, tag.start), link)
        at = tag.end
        name = tag.name
        if tag.sign == OTHER:
            continue
        if name in INLINE:
            if name == "a":
                link = None if tag.sign else tag
            elif name == "br" and block is not None:
                block.pieces.append((tag.start, tag.start))
            continue
        block = None
        if tag.sign == CLOSE:
            _close(stack, names, name)
            continue
        if name == "body":
            del stack[2:]  # no head goes on in it
        while len(stack) > 1 and (
            names[stack[-1]] == "p" or names[stack[-1]] in _IMPLIED_ENDS.get(name, ())
        ):
            stack.pop()
        names.append(name)
        attributes.append(tag.attributes)
        parents.append(stack[-1])
        if name not in VOID and not tag.attributes.endswith("/"):
            stack.append(len(names) - 1)
    if at < len(text) and not text[at:].isspace():
        _with_text(page, block, stack[-1], (at, len(text)), link)
    return page


def _with_text(
    page: Page, block: Block | None, element: int, piece: tuple[int, int], link: Tag | None
) -> Block:
    start, end = piece
    if block is None:
        block = Block(element, start, end)
        page.blocks.append(block)
    if link is not None:
        block.linked += end - start
        block.targets[len(block.pieces)] = link.attributes
    block.pieces.append(piece)
    block.end = end
    block.chars += end - start
    return block


def _close(stack: list[int], names: list[str], name: str) -> None:
    for depth in range(len(stack) - 1, max(0, len(stack) - 1 - _DEPTH_SEARCHED), -1):
        if names[stack[depth]] == name:
            del stack[depth:]
            return
