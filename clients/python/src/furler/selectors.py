"""How a caller says which part of an original it wants, turned into a Selector message.

Lines count from 1 and are inclusive, bytes count from 0 and are half-open: as
views print them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from furler.errors import FieldInvalidError, SelectorInvalidError
from furler.v1 import content_pb2

Lines = str | int | tuple[int, int]
"""``"120-188"``, ``"L120-188"``, ``12``, ``(120, 188)``."""

_LINES = re.compile(r"L?(\d{1,15})(?:-L?(\d{1,15}))?")
_BYTES = re.compile(r"B(\d{1,15})-(\d{1,15})")


@dataclass(frozen=True, slots=True)
class Wanted:
    """The keyword arguments of retrieve that pick a part; at most one of them picks."""

    marker: str | None = None
    lines: Lines | None = None
    match: str | None = None
    context: int = 0
    path: str | None = None
    symbol: str | None = None
    query: str | None = None
    limit: int = 0

    def selector(self) -> content_pb2.Selector:
        """Return the message; empty for the whole original.

        Raises:
            FieldInvalidError: More than one argument picks, or one is empty or misplaced.
            SelectorInvalidError: A range is malformed.
        """
        ways = ("marker", "lines", "match", "path", "symbol", "query")
        given = [name for name in ways if getattr(self, name) is not None]
        if len(given) > 1:
            names = " and ".join(given)
            raise FieldInvalidError(
                f"{names}: want one selector, got {len(given)}", metadata={"field": given[1]}
            )
        for name in given:
            if getattr(self, name) == "":
                raise FieldInvalidError(f"{name}: is empty", metadata={"field": name})
        self._check_companions()
        return self._message()

    def _check_companions(self) -> None:
        for name, value, owner, owner_value in (
            ("context", self.context, "match", self.match),
            ("limit", self.limit, "query", self.query),
        ):
            if value < 0:
                raise FieldInvalidError(f"{name}: {value} is negative", metadata={"field": name})
            if value and owner_value is None:
                raise FieldInvalidError(f"{name}: goes with {owner}", metadata={"field": name})

    def _message(self) -> content_pb2.Selector:
        if self.marker is not None:
            return parse_marker(self.marker)
        if self.lines is not None:
            return _parse_lines(self.lines)
        if self.match is not None:
            picked = content_pb2.Match(pattern=self.match, context_lines=self.context)
            return content_pb2.Selector(match=picked)
        if self.path is not None:
            return content_pb2.Selector(json_path=self.path)
        if self.symbol is not None:
            return content_pb2.Selector(symbol=self.symbol)
        if self.query is not None:
            search = content_pb2.Search(query=self.query, limit=self.limit)
            return content_pb2.Selector(search=search)
        return content_pb2.Selector()


def parse_marker(text: str) -> content_pb2.Selector:
    """Return the selector that a view prints. Raises SelectorInvalidError."""
    if text.startswith("$"):
        return content_pb2.Selector(json_path=text)
    if match := _BYTES.fullmatch(text):
        return _byte_range(int(match[1]), int(match[2]))
    if match := _LINES.fullmatch(text):
        first = int(match[1])
        return _line_range(first, int(match[2] or first))
    raise SelectorInvalidError(
        f"{text[:80]!r} is no selector: want lines (L12-40), bytes (B0-512) or rows ($.data[3:480])",
        metadata={"selector": "marker"},
    )


def _parse_lines(lines: Lines) -> content_pb2.Selector:
    match lines:
        case str():
            text = lines.strip()
            if text[:1] in {"L", "B"} or text[:1].isdigit():
                return parse_marker(text)
            raise SelectorInvalidError(
                f"lines: {text[:80]!r} is no range: want 12, 12-40 or L12-40",
                metadata={"selector": "lines"},
            )
        case int():
            return _line_range(lines, lines)
        case (first, last):
            return _line_range(first, last)


def _line_range(first: int, last: int) -> content_pb2.Selector:
    if not 1 <= first <= last:
        raise SelectorInvalidError(
            f"lines: {first}-{last} is no range: lines count from 1, and the last is not before"
            " the first",
            metadata={"selector": "lines"},
        )
    return content_pb2.Selector(lines=content_pb2.LineRange(first=first, last=last))


def _byte_range(start: int, end: int) -> content_pb2.Selector:
    if start >= end:
        raise SelectorInvalidError(
            f"bytes: {start}-{end} is no range: the end is after the start",
            metadata={"selector": "bytes"},
        )
    return content_pb2.Selector(bytes=content_pb2.ByteRange(start=start, end=end))
