"""Where a JSON value ends that nobody asks for, in text or in bytes.

What lives here: skipping names, strings, scalars and containers, a regular expression per stretch.
What does not: what their ends mean to who skips (shared.json_offsets, dialects.json_scan), any
look at a value, any check that it is JSON.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import AnyStr, Final, Generic

from furler_engine.shared.quoted import Quoted, string

# A match remembers each repetition of a group until it is done; what is longer takes another one.
_STRING: Final = string('"', 32)
_PLAIN: Final = r'[^"\[\]{}]*+'
_STRINGS: Final = rf"{_PLAIN}(?:{_STRING}{_PLAIN}){{0,100}}"
_BRACKETS: Final = r"(?:([\[{]++)|([\]}]++)|)"
_CLOSING: Final = 2
_COLON: Final = r"[ \t\n\r]*+:[ \t\n\r]*+"


class Skipper(Generic[AnyStr]):
    """Finds ends in texts (``write=str``) or in bytes (``write=str.encode``). -1 says: there is none."""

    def __init__(self, write: Callable[[str], AnyStr]) -> None:
        self._name: re.Pattern[AnyStr] = re.compile(write(f"({_STRING}){_COLON}"))
        self._colon: re.Pattern[AnyStr] = re.compile(write(_COLON))
        self._scalar: re.Pattern[AnyStr] = re.compile(write(rf'{_STRING}|[^\s"\[\]{{}},:]++'))
        self._stretch: re.Pattern[AnyStr] = re.compile(write(_STRINGS + _BRACKETS))
        self._opening: tuple[AnyStr, AnyStr] = write("["), write("{")
        self._strings: Quoted[AnyStr] = Quoted('"', write)

    def name_end(self, text: AnyStr, at: int) -> tuple[int, int]:
        """Return where the name of a member ends that opens at a position, and where its value starts."""
        match = self._name.match(text, at)
        if match is not None:
            return match.end(1), match.end()
        end = self._strings.end(text, at)
        colon = self._colon.match(text, end) if end >= 0 else None
        return (-1, -1) if colon is None else (end, colon.end())

    def value_end(self, text: AnyStr, at: int, known: dict[int, int] | None = None) -> int:
        """Return where the value ends that starts at a position.

        ``known`` keeps where long strings of this text end, by their start.
        """
        match = self._scalar.match(text, at)
        if match is not None:
            return match.end()
        if text[at : at + 1] in self._opening:
            return self.container_end(text, at + 1, known)
        return self._string_end(text, at, known)

    def container_end(self, text: AnyStr, at: int, known: dict[int, int] | None = None) -> int:
        """Return where the innermost container around a position ends.

        Brackets are counted, not told apart: this is no validator.
        """
        depth = 1
        while match := self._stretch.match(text, at):
            if match.lastindex is None:  # a string comes, or the end
                at = self._string_end(text, match.end(), known)
                if at < 0:
                    break
                continue
            start, at = match.span(match.lastindex)
            if match.lastindex != _CLOSING:
                depth += at - start
            elif at - start < depth:
                depth -= at - start
            else:
                return start + depth
        return -1

    def _string_end(self, text: AnyStr, at: int, known: dict[int, int] | None) -> int:
        if known is None:
            return self._strings.end(text, at)
        if at not in known:
            known[at] = self._strings.end(text, at)
        return known[at]


TEXT: Final[Skipper[str]] = Skipper(str)
BYTES: Final[Skipper[bytes]] = Skipper(str.encode)
