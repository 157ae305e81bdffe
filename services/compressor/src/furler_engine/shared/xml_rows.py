"""Elements of one name in a row, read as records: what their attributes and texts say.

What lives here: which elements of an XML text are alike, where they stand, their values by name.
What does not: which of them a view shows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from furler_engine.shared.markup_scan import CLOSE, OTHER, folded, tags

MIN_ROWS: Final = 12
_COVERED: Final = 0.4
"""Share of the text that elements of one name must take to be what it is about."""
_DEEPEST: Final = 100
_ATTRIBUTE: Final = re.compile(r"""([\w:.-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")


class Element(NamedTuple):
    """One element: half-open characters."""

    start: int
    end: int


class Alike(NamedTuple):
    """Elements of one name under one parent, in order."""

    name: str
    elements: list[Element]


@dataclass(slots=True)
class _Open:
    name: str
    start: int
    inner: dict[str, list[Element]] = field(default_factory=dict)


def alike(text: str) -> Alike | None:
    """Return the elements of one name that take most of a text; None if none do. Linear."""
    best, covered = None, _COVERED * len(text)
    stack = [_Open("", 0)]

    def close(end: int) -> None:
        element = stack.pop()
        stack[-1].inner.setdefault(element.name, []).append(Element(element.start, end))
        judge(element)

    def judge(element: _Open) -> None:
        nonlocal best, covered
        for name, found in element.inner.items():
            size = sum(one.end - one.start for one in found)
            if len(found) >= MIN_ROWS and size > covered:
                best, covered = Alike(name, found), size

    for tag in tags(text):
        if tag.sign == OTHER:
            continue
        if tag.sign == CLOSE:
            if len(stack) > 1 and stack[-1].name == tag.name:
                close(tag.end)
        elif len(stack) < _DEEPEST:
            stack.append(_Open(tag.name, tag.start))
            if tag.attributes.endswith("/"):
                close(tag.end)
    for element in stack:  # what is cut off at its end
        judge(element)
    return best


def values(text: str) -> dict[str, str]:
    """Return what an element says: attributes as ``@name``, texts as ``child`` or ``child.inner``."""
    said: dict[str, str] = {}
    path: list[str] = []
    at = 0
    for tag in tags(text):
        piece = folded(text[at : tag.start]).strip() if at < tag.start else ""
        if piece:
            said.setdefault(".".join(path[1:]) or "(text)", piece)
        at = tag.end
        if tag.sign == OTHER:
            continue
        if tag.sign == CLOSE:
            if path and path[-1] == tag.name:
                path.pop()
            continue
        path.append(tag.name)
        for match in _ATTRIBUTE.finditer(tag.attributes):
            name = ".".join([*path[1:], f"@{match[1]}"])
            said.setdefault(name, match[2] if match[2] is not None else match[3])
        if tag.attributes.endswith("/"):
            path.pop()
    return said
