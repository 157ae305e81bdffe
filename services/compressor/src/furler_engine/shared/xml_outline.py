"""XML as lines: an element with its attributes and its text on one, what it holds below it.

What lives here: how elements, texts and comments are written, and which are too long to be.
What does not: which elements a view leaves out (compressors/xml.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from furler_engine.shared.markup_scan import CLOSE, OTHER, Tag, folded, tags

_LONG_TEXT: Final = 1_000
_LONG_ATTRIBUTES: Final = 400
_SHOWN_OF_LONG: Final = 120
_DEEPEST: Final = 40
"""Levels that are indented; deeper ones stand at the same column."""


class Gap(NamedTuple):
    """Elements that are left out together: half-open characters, and what is said of them."""

    start: int
    end: int
    said: str


Cut = tuple[int, int]
"""Half-open characters that are left out."""
Line = str | tuple[str, Cut]
"""A line of the view; with a cut, what stands before it."""


class Outline:
    """One outline being written; ``cuts`` are ascending and disjoint."""

    def __init__(self, text: str, gaps: Sequence[Gap] = ()) -> None:
        self.text = text
        self._gaps = iter(gaps)
        self.cuts: list[Cut] = []
        self.elements = 0
        self._lines: list[Line] = []
        self._open: list[str] = []
        self._fresh = False
        """Whether the last line is an element's, still without text."""

    def lines(self) -> list[Line]:
        """Write all lines."""
        at = 0
        gap = next(self._gaps, None)
        for tag in tags(self.text):
            if tag.start < at:
                continue
            self._piece(at, tag.start)
            if gap is not None and tag.start == gap.start:
                self.cuts.append((gap.start, gap.end))
                self._lines.append((f"{self._indent}{gap.said} ", (gap.start, gap.end)))
                self._fresh = False
                at, gap = gap.end, next(self._gaps, None)
                continue
            at = tag.end
            if tag.sign == OTHER:
                self._other(tag)
            elif tag.sign == CLOSE:
                self._close(tag.name)
            else:
                self._element(tag)
        self._piece(at, len(self.text))
        return self._lines

    @property
    def _indent(self) -> str:
        return " " * min(len(self._open), _DEEPEST)

    def _piece(self, start: int, end: int) -> None:
        """Write the text between two tags."""
        if start >= end or self.text[start:end].isspace():
            return
        if end - start > _LONG_TEXT:
            at = start + _SHOWN_OF_LONG
            blank = self.text.rfind(" ", start, at)
            at = blank if blank > start else at
            if blank > start or "&" not in self.text[start:at]:  # no reference is cut in two
                self._text(folded(self.text[start:at]), (at, end))
                return
        self._text(folded(self.text[start:end]))

    def _text(self, text: str, cut: Cut | None = None) -> None:
        last = self._lines[-1] if self._lines else None
        if self._fresh and isinstance(last, str):
            written = f"{last}: {text}"
            self._lines.pop()
        else:
            written = self._indent + text
        self._fresh = False
        if cut is None:
            self._lines.append(written)
        else:
            self.cuts.append(cut)
            self._lines.append((written, cut))

    def _element(self, tag: Tag) -> None:
        self.elements += 1
        name = self.text[tag.start + 1 : tag.start + 1 + len(tag.name)]
        attributes = tag.attributes.rstrip("/").strip()
        head = f"{self._indent}{name}"
        if len(attributes) > _LONG_ATTRIBUTES:
            # The whole tag is named: a range that is shown cannot end inside one.
            cut = (tag.start, tag.end)
            self.cuts.append(cut)
            self._lines.append((f"{head} {' '.join(attributes[:_SHOWN_OF_LONG].split())}", cut))
            self._fresh = False
        else:
            self._lines.append(f"{head} {' '.join(attributes.split())}" if attributes else head)
            self._fresh = True
        if not tag.attributes.endswith("/"):
            self._open.append(tag.name)

    def _close(self, name: str) -> None:
        self._fresh = False
        for depth in range(len(self._open) - 1, max(-1, len(self._open) - _DEEPEST), -1):
            if self._open[depth] == name:
                del self._open[depth:]
                return

    def _other(self, tag: Tag) -> None:
        """Write a comment, CDATA, the content of a script or style; declarations go."""
        raw = self.text[tag.start : tag.end]
        if raw.startswith("<?") or not raw.strip():
            return
        if raw.startswith("<!"):
            self._fresh = self._fresh and raw.startswith("<![CDATA[")  # a comment is no text
        if len(raw) > _LONG_TEXT:
            self._text(" ".join(raw[:_SHOWN_OF_LONG].split()), (tag.start, tag.end))
        else:
            self._text(" ".join(raw.split()))
