"""The main text of a page: which of its blocks a reader came for.

What lives here: telling an article, a manual page or a post from navigation,
teasers, forms and notices around it. What does not: reading tags
(markup_scan.py), writing a view (compressors/markup.py).

Method: every block counts for its characters where it reads like text, and
against them where it does not (short, or mostly links). The element with the
highest sum holds the main text; an element that says by its name that it does
(``<article>``, ``itemprop=articleBody``) is taken where its sum is close. In it
stay all blocks that are neither in an element named for something else
(``share``, ``related``) nor links alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from furler_engine.shared.markup_scan import Block, Page

_HIDDEN_NAMES: Final = """
head noscript template svg math nav footer aside header form button select datalist dialog menu iframe
object canvas video audio figcaption map textarea
"""
HIDDEN: Final = frozenset(_HIDDEN_NAMES.split())
"""Elements that hold no main text, or none that shows."""
_NEVER: Final = frozenset(("head", "noscript", "template", "svg", "select", "datalist"))
"""Of these not even where most of a page's text is in them."""
_OTHER_WORDS: Final = """
nav navbar navigation sidenav menu footer masthead topbar toolbar sidebar side-bar breadcrumb breadcrumbs toc
skip pagination pager more next prev previous comment comments disqus share shares sharing social socials
related recommend\\w* recirc\\w* promo promos promoted promotion also trending popular most-read readmore
read-more teaser teasers carousel slider outbrain taboola newsletter subscribe subscription signup sign-up
login paywall advert adverts advertisement ad ads adslot sponsor\\w* cookie cookies consent banner popup modal
overlay flyout tooltip alert notice widget rating ratings vote votes print tag tags taglist tag-list byline
author authors bio date dateline timestamp meta metadata caption captions gallery-caption photo photo-credit credit credits
copyright disclaimer correction sr-only screen-reader\\S*
"""
# Words of class, id and role, but not the with-sidebar of the element beside it.
_OTHER: Final = re.compile(
    rf"""(?:^|(?<!with)(?<!has)(?<!no)(?<!one)[\s_"'=-]|(?-i:(?<=[a-z])(?=[A-Z])))(?:{"|".join(_OTHER_WORDS.split())})(?=[\s_"'-]|$|(?-i:[A-Z]))""",
    re.IGNORECASE,
)
_NAMING: Final = re.compile(
    r"""\b(?:class|id|role|itemprop)\s*=\s*("[^"]*"|'[^']*'|[^\s"'>]+)|\bhidden\b|aria-hidden="true"|display: ?none"""
)
_UNSEEN: Final = re.compile(r"(?<![-\w])hidden(?![-\w=])|aria-hidden|display: ?none")
_MAIN: Final = re.compile(
    r"""articleBody|(?:class|id|itemprop)\s*=\s*["'][^"']*(?:article|story|post|entry|page|main)[-_]*(?:body|content|text)""",
    re.IGNORECASE,
)
_SENTENCE: Final = re.compile(r"[.!?:;。！？]['\"”»)]?$|, ")
_CELLS: Final = frozenset(("td", "th"))
_KEPT_SHORT: Final = frozenset(("td", "th", "li", "p", "dt", "dd", "pre", "blockquote"))
_HEADINGS: Final = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
_WHOLE: Final = frozenset(("", "html", "body"))

# Sizes in characters, shares of them. Tuned on 40 news pages with marked articles; between 0.3 and
# 1.0 for the weight the result hardly changes (4-gram F1 .968 to .970).
_LONG: Final = 80
_SENTENCE_LENGTH: Final = 40
_SHORTEST: Final = 25
_MOST_LINKED: Final = 0.4
_WEIGHT_OF_OTHER: Final = 0.7
_MOST_OF_PAGE: Final = 0.4
"""Share of a page's text from which an element is main text, whatever its name says."""
_CLOSE: Final = 0.85
_NAMED_CLOSE: Final = 0.4
_NAMED_IN_WHOLE: Final = 0.25
_FEWEST: Final = 400
"""Characters of text under which a page is no article: then all blocks but hidden ones stay."""


@dataclass(slots=True)
class _Sums:
    """Per element, with all below it: its value, and the characters that read like text."""

    value: list[float]
    good: list[float]

    def raise_up(self, parents: Sequence[int]) -> None:
        """Add every element's sums to its parent's; parents come before their children."""
        for i in range(len(parents) - 1, 0, -1):
            self.value[parents[i]] += self.value[i]
            self.good[parents[i]] += self.good[i]


def main_blocks(page: Page, texts: Sequence[str]) -> list[int]:
    """Return the indexes of the blocks that are main text; ``texts`` are the blocks' own."""
    worth = [
        _worth(page.names[block.element], block, text)
        for block, text in zip(page.blocks, texts, strict=True)
    ]
    aside = _set_aside(page, worth)
    sums = _Sums([0.0] * len(page.names), [0.0] * len(page.names))
    for block, value in zip(page.blocks, worth, strict=True):
        if not aside[block.element]:
            sums.value[block.element] += value
            sums.good[block.element] += max(0.0, value)
    sums.raise_up(page.parents)
    top = _top(page, sums, aside)
    if sums.good[top] < _FEWEST:
        return [i for i, block in enumerate(page.blocks) if not aside[block.element]]
    return _inside(page, texts, worth, aside, top)


def _worth(name: str, block: Block, text: str) -> float:
    """Return the block's characters, as a negative number where it does not read like text."""
    size = len(text)
    linked = block.linked / max(1, block.chars)
    if name == "pre" or (size >= _LONG and linked < _MOST_LINKED):
        return size
    if linked < _MOST_LINKED:
        if size >= _SENTENCE_LENGTH and _SENTENCE.search(text):
            return size
        if name in _CELLS:
            return size / 2
    return -size * _WEIGHT_OF_OTHER


def _set_aside(page: Page, worth: Sequence[float]) -> list[bool]:
    """Tell the elements that are, or are in, something else than main text."""
    good = [0.0] * len(page.names)
    for block, value in zip(page.blocks, worth, strict=True):
        good[block.element] += max(0.0, value)
    for i in range(len(good) - 1, 0, -1):
        good[page.parents[i]] += good[i]
    aside = [False] * len(page.names)
    for i in range(1, len(page.names)):
        name = page.names[i]
        if aside[page.parents[i]] or name in _NEVER:
            aside[i] = True
        elif good[i] <= _MOST_OF_PAGE * good[0]:
            aside[i] = name in HIDDEN or _is_named_other(name, page.attributes[i])
    return aside


def _is_named_other(name: str, attributes: str) -> bool:
    if not attributes or name in ("article", "main", *_WHOLE):
        return False
    naming = " ".join([match[0] for match in _NAMING.finditer(attributes)])
    if _UNSEEN.search(naming):
        return True
    # A post of a social network that an article shows is part of it.
    return _OTHER.search(naming) is not None and not ("social" in naming and "embed" in naming)


def _top(page: Page, sums: _Sums, aside: Sequence[bool]) -> int:
    """Return the element that holds the main text."""
    best = max(range(len(page.names)), key=lambda i: (sums.value[i], i))
    at = best
    while at > 0:
        at = page.parents[at]
        is_close = sums.value[at] >= _CLOSE * sums.value[best]
        if is_close and sums.good[at] > sums.good[best] / _CLOSE and page.names[at] not in _WHOLE:
            best = at
    named = [
        i
        for i, name in enumerate(page.names)
        if not aside[i] and (name in ("article", "main") or _MAIN.search(page.attributes[i]))
    ]
    if named:
        first = max(named, key=lambda i: (sums.value[i], -i))
        share = sums.value[first] / (sums.value[best] or 1)
        if (first > best and share >= _NAMED_CLOSE) or (
            page.names[best] in _WHOLE and share > _NAMED_IN_WHOLE
        ):
            return first
    return best


def _inside(
    page: Page, texts: Sequence[str], worth: Sequence[float], aside: Sequence[bool], top: int
) -> list[int]:
    """Return the blocks of an element that belong to its text; headings only with text under them."""
    inside = [False] * len(page.names)
    inside[top] = True
    for i in range(top + 1, len(page.names)):
        inside[i] = inside[page.parents[i]]
    kept: list[int] = []
    heading: list[int] = []
    for index, block in enumerate(page.blocks):
        name = page.names[block.element]
        if not inside[block.element] or aside[block.element]:
            continue
        if name in _HEADINGS:
            heading = [*heading, index] if heading == [index - 1] else [index]
        elif worth[index] > 0 or _belongs(name, block, texts[index]):
            kept += [*heading, index]
            heading = []
    return kept


def _belongs(name: str, block: Block, text: str) -> bool:
    if block.linked > block.chars / 2 or name == "figure":
        return False
    return len(text) >= _SHORTEST or name in _KEPT_SHORT
