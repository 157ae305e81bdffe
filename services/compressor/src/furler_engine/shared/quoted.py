"""Where a string in quotes with escapes ends, in text or in bytes.

A regular expression over a whole string would repeat a group as often as the string has escapes.
Neither form of that will do: a greedy one remembers every repetition until it is done (a gigabyte
for a hostile string), and a possessive one ends in the wrong place on Python up to 3.11.4
(gh-106052). So repetitions are bounded, and where they end short of the quote, a match goes on.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import AnyStr, Generic


def string(quote: str, escaped: int) -> str:
    """Return the pattern of a string that has up to so many escaped quotes, and opens.

    It goes from quote to quote: one behind a single backslash is escaped, one behind none is the
    end. A string with a quote behind more backslashes does not match.
    """
    return rf"{quote}[^{quote}]*+(?:(?<=[^\\]\\){quote}[^{quote}]*+){{0,{escaped}}}(?<!\\){quote}"


class Quoted(Generic[AnyStr]):
    """Strings in one kind of quote, in texts (``write=str``) or in bytes (``write=str.encode``)."""

    def __init__(self, quote: str, write: Callable[[str], AnyStr]) -> None:
        self._quote: AnyStr = write(quote)
        # A string in a string has quotes behind three backslashes, and ends behind two.
        escaped = rf"(?:(?<=[^\\]\\)|(?<=[^\\]\\{{3}})){quote}"
        closing = rf"(?:(?<!\\)|(?<=[^\\]\\{{2}})){quote}"
        common = rf"{quote}[^{quote}]*+(?:{escaped}[^{quote}]*+){{0,1000}}{closing}"
        self._common: re.Pattern[AnyStr] = re.compile(write(common))
        # From escape to escape: 1000 of them are 150 KB to remember.
        piece = rf"[^{quote}\\]*+(?:\\.[^{quote}\\]*+){{0,1000}}({quote})?"
        self._piece: re.Pattern[AnyStr] = re.compile(write(piece), re.DOTALL)

    def end(self, text: AnyStr, at: int) -> int:
        """Return where the string ends that opens at a position, -1 if none does. Linear."""
        if match := self._common.match(text, at):
            return match.end()
        if text[at : at + 1] != self._quote:
            return -1
        at += 1
        while match := self._piece.match(text, at):
            if match.lastindex:
                return match.end()
            if match.end() == at:
                break
            at = match.end()
        return -1
