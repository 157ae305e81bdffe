"""The main text of a page: which of its blocks a reader came for.

What lives here: telling an article from navigation, adverts, cards and
comments, by where text is dense and links are few (after Kohlschütter et al.,
Boilerplate Detection using Shallow Text Features, 2010) and by what classes
and ids say. What does not: reading the page (shared.page).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

from furler_engine.shared.page import Block, Element

_SOLID: Final = 50
"""Characters from which a block counts as running text."""
_LINKED: Final = 0.4
"""Share of links up to which it does."""
_MOSTLY_LINKS: Final = 0.5
_LONG: Final = 200
"""Characters from which even a block of links says something."""
_SIBLING_LINKS: Final = 0.7
_NAMED_SHARE: Final = 0.35
"""Share of the page's text from which an element is no side matter, whatever it is called."""
_CORE: Final = 0.6
"""Share of the running text that the element taken for the article holds."""
_UNFINISHED: Final = 0.3
"""Weight of a block without a full stop against one with it."""
_CARDS: Final = 5
_CARD_SHARE: Final = 0.15
_CARDS_SHARE: Final = 0.75
"""Small <article> elements, five or more, that hold less than this of the text, are cards."""
_FULL_STOP = re.compile(r"[.!?。！？…:;\"”]['\")\]”’]*\s*\Z")
_SIDE_NAME = re.compile(
    r"(?<![a-z])(?:nav|navbar|navigation|menu|footer|foot|sidebar|side-bar|breadcrumbs?|share|sharing|social|related|recommend\w*"
    r"|promo\w*|advert\w*|ads?|sponsor\w*|newsletter|subscri\w*|signup|sign-up|login|cookie\w*|consent|gdpr|popup|modal|banner"
    r"|comments?|disqus|widget\w*|tags?|author|bio|byline|caption|copyright|disclaimer|pagination|pager|skip|toolbar|masthead"
    r"|trending|popular|most|more|latest|outbrain|taboola|teaser\w*|carousel|gallery|complementary|search|rating|print|meta|credit"
    r"|timestamp|dateline|also)(?![a-z])"
)
_SIDE_TAGS: Final = frozenset(
    {"nav", "footer", "aside", "form", "button", "select", "figcaption", "head", "header"}
)
_WHOLE: Final = frozenset({"", "html", "body", "blockquote"})
"""What never is side matter: the page, and what an article quotes."""


def main_text(blocks: Sequence[Block]) -> list[Block]:
    """Return the blocks of the main text, in order; all of them when there is no running text."""
    page = _Page(blocks)
    core = page.core()
    if core is None:
        return list(blocks)
    inside = [b for b in blocks if any(e.number == core for e in b.element.path())]
    home = page.home(inside)
    fine = [page.belongs(block, home) for block in inside]
    strong = [at for at, block in enumerate(inside) if fine[at] and _is_strong(block)]
    if not strong:
        return [block for block, ok in zip(inside, fine, strict=True) if ok]
    first, last = strong[0], strong[-1]
    while last + 1 < len(inside) and fine[last + 1] and inside[last + 1].element.tag in _FOLLOWING:
        last += 1
    while first > 0 and fine[first - 1] and inside[first - 1].element.tag in _LEADING:
        first -= 1
    return [inside[at] for at in range(first, last + 1) if fine[at]]


_FOLLOWING: Final = frozenset({"p", "td", "th", "li", "pre", "tr"})
_LEADING: Final = frozenset({"p", "h2", "h3", "h4"})
"""What may stand right after the last and before the first running text of an article."""


def _is_solid(block: Block) -> bool:
    return len(block.text) >= _SOLID and block.linked < _LINKED * len(block.text)


def _is_strong(block: Block) -> bool:
    ends = _FULL_STOP.search(block.text) or block.element.tag in _FOLLOWING - {"p"}
    return (
        len(block.text) >= 40
        and block.linked < _LINKED * len(block.text)
        and (bool(ends) or len(block.text) >= 120)
    )


class _Page:
    """The text that each element holds, and which elements are side matter."""

    def __init__(self, blocks: Sequence[Block]) -> None:
        self.blocks = blocks
        self.held: Counter[int] = Counter()
        self.total = 0
        for block in filter(_is_solid, blocks):
            self.total += len(block.text)
            for element in block.element.path():
                self.held[element.number] += len(block.text)
        self.cards = self._cards()
        self.side: dict[int, bool] = {}

    def _cards(self) -> set[int]:
        articles: dict[int, None] = {}
        for block in self.blocks:
            nearest = next((e for e in block.element.path() if e.tag == "article"), None)
            if nearest is not None and self.held[nearest.number] < _CARD_SHARE * self.total:
                articles[nearest.number] = None
        small = sum(self.held[number] for number in articles)
        return (
            set(articles)
            if len(articles) >= _CARDS and small < _CARDS_SHARE * self.total
            else set()
        )

    def is_side(self, element: Element) -> bool:
        """Whether an element is, or lies in, side matter."""
        known = self.side.get(element.number)
        if known is None:
            known = self.side[element.number] = self._judge(element)
        return known

    def _judge(self, element: Element) -> bool:
        if element.tag in _WHOLE:
            return False
        named = element.tag in _SIDE_TAGS or _SIDE_NAME.search(element.words) is not None
        if element.number in self.cards or (
            named and self.held[element.number] < _NAMED_SHARE * self.total
        ):
            return True
        return element.parent is not None and self.is_side(element.parent)

    def core(self) -> int | None:
        """The innermost element that holds most of the running text that is no side matter."""
        held: dict[int, float] = {}
        total = 0.0
        for block in filter(_is_solid, self.blocks):
            if not self.is_side(block.element):
                size = len(block.text) * (1 if _FULL_STOP.search(block.text) else _UNFINISHED)
                total += size
                for element in block.element.path():
                    held[element.number] = held.get(element.number, 0.0) + size
        # Numbers grow inwards, so the last one that holds enough is the innermost.
        return max((n for n, size in held.items() if size >= _CORE * total), default=None)

    def home(self, inside: Sequence[Block]) -> int:
        """The element whose paragraphs hold most of the text: links among its children belong."""
        sizes: Counter[int] = Counter()
        for block in inside:
            parent = block.element.parent
            if (
                block.element.tag == "p"
                and parent is not None
                and _is_solid(block)
                and not self.is_side(block.element)
            ):
                sizes[parent.number] += len(block.text)
        return sizes.most_common(1)[0][0] if sizes else -1

    def belongs(self, block: Block, home: int) -> bool:
        """Whether a block inside the article is part of it."""
        if self.is_side(block.element):
            return False
        share = block.linked / max(1, len(block.text))
        if share <= _MOSTLY_LINKS or len(block.text) >= _LONG:
            return True
        parent = block.element.parent
        is_sibling = block.element.tag == "p" and parent is not None and parent.number == home
        return is_sibling and (share < _SIBLING_LINKS or "://" in block.text)
