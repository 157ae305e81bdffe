"""A text as tree-sitter reads it.

The binding (0.26) never lets go of what it read for a parse: a process that lives long would keep every text.
So a parse reads views, which are released when it is over. Predicates of queries read after that, and want bytes.
"""

from __future__ import annotations

_PIECE = 65_536
_NAME = 1_024
"""Bytes that a predicate reads at once: it asks for a name, and would get a copy of so much each time."""


class ParseInput:
    """The callable that Parser.parse reads from; ``parsed`` once it returned."""

    def __init__(self, text: bytes) -> None:
        self._text = text
        self._pieces: list[memoryview] = []
        self._is_parsed = False

    def __call__(self, at: int, _point: object) -> bytes | memoryview:
        """Return some of the text from an offset on; nothing at its end."""
        if self._is_parsed:
            return self._text[at : at + _NAME]
        self._pieces.append(memoryview(self._text)[at : at + _PIECE])
        return self._pieces[-1]

    def parsed(self) -> None:
        """Release what was read; from now on it is bytes that a read gives."""
        self._is_parsed = True
        for piece in self._pieces:
            piece.release()
