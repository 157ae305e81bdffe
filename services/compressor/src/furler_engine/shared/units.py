"""Running text as units that are shown or left out whole: turns, paragraphs, sentences, blocks.

What lives here: where a unit ends. What does not: which units matter. Passages
for a search in any content are cut by shared.passages.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

_LONG: Final = 500
"""Characters from which a paragraph is cut into sentences."""
_BLOCK: Final = 1500
"""Characters up to which a fence or a table stays in one piece."""
_TALK_LINE: Final = 300
"""Mean characters of a line up to which a text without blank lines can be a talk."""
# A full stop before a capital, or the full stop of a script without capitals and blanks.
_SENTENCE_END = re.compile(r"[.!?][\"')\]”’]{0,3}\s{1,8}(?=[\"'(\[“‘*_`]?[A-Z0-9À-ÞА-Я])|[。！？]")
_TURN = re.compile(r"^[^\W\d_a-z][\w.'’() -]{0,60}: ", re.MULTILINE)
_HEADING = re.compile(r"#{1,6} \S")
_FENCE = re.compile(r" {0,3}(```|~~~)")
_ITEM = re.compile(r"\s*(?:[-*+]|\d{1,3}[.)]) ")


class Unit(NamedTuple):
    """Characters ``start`` to ``end`` of the text; units follow each other without gaps."""

    start: int
    end: int
    is_heading: bool = False


def is_talk(text: str) -> bool:
    """Whether every line is a unit of its own: no blank lines, and short ones or turns of a talk."""
    if "\n\n" in text.rstrip("\n"):
        return False
    lines = text.count("\n") + 1
    return len(text) < _TALK_LINE * lines or len(_TURN.findall(text)) > 0.8 * lines


def units(text: str) -> list[Unit]:
    """Cut a text into units. Linear."""
    lines = [line + "\n" for line in text.split("\n")]
    lines[-1] = lines[-1][:-1]
    if is_talk(text):
        return _turns(lines)
    return list(_document(text, lines))


def _turns(lines: Sequence[str]) -> list[Unit]:
    found: list[Unit] = []
    at = 0
    for line in lines:
        if line:
            found.append(Unit(at, at + len(line)))
        at += len(line)
    return found


def _document(text: str, lines: Sequence[str]) -> Iterator[Unit]:
    start = at = 0
    kind, fence = "", ""
    for line in lines:
        before = kind
        mark = _FENCE.match(line)
        if fence:
            if mark is not None and mark[1] == fence:
                kind, fence = "ended", ""
            begins = at - start > _BLOCK
        elif mark is not None:
            kind, fence, begins = "fence", mark[1], True
        else:
            kind, begins = _next(line, kind)
        if begins and at > start:
            yield from _cut(text, start, at, before)
            start = at
        at += len(line)
    if at > start:
        yield from _cut(text, start, at, kind)


def _next(line: str, kind: str) -> tuple[str, bool]:
    """Return the kind of the unit a line belongs to, and whether the line begins it."""
    if not line.strip():
        return "ended", False
    if _HEADING.match(line):
        return "heading", True
    if line.lstrip().startswith("|"):
        return "table", kind != "table"
    if _ITEM.match(line):
        return "text", True
    return "text", kind != "text"


def _cut(text: str, start: int, end: int, kind: str) -> Iterator[Unit]:
    heading = _HEADING.match(text, start) is not None
    if heading or end - start <= _LONG or kind in ("fence", "table") or _FENCE.match(text, start):
        yield Unit(start, end, heading)
        return
    for match in _SENTENCE_END.finditer(text, start, end):
        if match.end() < end:
            yield Unit(start, match.end())
            start = match.end()
    yield Unit(start, end)
