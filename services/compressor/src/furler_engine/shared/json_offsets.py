"""Where the nodes of a JSON document stand in its text.

One pass with a stack of its own: no recursion, no value is built, and what is
not asked for is skipped (shared.json_skip). The text is taken to be JSON or
JSON Lines; what cannot be is a JsonError, never a wrong range, but this is no
validator.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from furler_engine.json_value import BYTE_ORDER_MARK, JsonError, is_json_lines
from furler_engine.shared.json_skip import TEXT
from furler_engine.types import JsonLocation

_SPACE: Final = re.compile(r"[ \t\n\r]*+")
_ESCAPED: Final = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\."
)


@dataclass(slots=True)
class _Wanted:
    """A node of the tree of locations asked for."""

    location: JsonLocation | None = None
    below: dict[str | int, _Wanted] = field(default_factory=dict)
    last_index: int = -1


@dataclass(slots=True)
class _Open:
    """A container that holds something asked for."""

    wanted: _Wanted
    start: int
    closing: str
    name_start: int | None
    index: int = 0


def spans(
    text: str, locations: Iterable[JsonLocation], *, with_names: bool = False
) -> dict[JsonLocation, tuple[int, int]]:
    """Return the half-open byte range of each node, without the space around it.

    ``with_names`` has the range of an object's member start at its name.

    Locations that lead nowhere are absent from the result. Of members with the
    same name the last one counts, as it does for parsers. JSON Lines are an array.

    Raises:
        JsonError: The text is not JSON.
    """
    found = dict(_Scan(text, _tree(locations), with_names=with_names).run())
    starts = byte_offsets(text, [at for span in found.values() for at in span])
    return {place: (starts[start], starts[end]) for place, (start, end) in found.items()}


def escaped_length(raw: str, characters: int) -> int:
    """Return how many characters of a JSON string's inside write its first so many."""
    at = passed = 0
    for escape in _ESCAPED.finditer(raw):
        if passed + escape.start() - at >= characters:
            break
        passed += escape.start() - at + 1
        at = escape.end()
    return at + characters - passed


def byte_offsets(text: str, positions: Iterable[int]) -> dict[int, int]:
    """Return the UTF-8 offset of each character position of a text."""
    if text.isascii():
        return {at: at for at in positions}
    offsets: dict[int, int] = {}
    position = offset = 0
    for at in sorted(set(positions)):
        offset += len(text[position:at].encode())
        position = at
        offsets[at] = offset
    return offsets


def _tree(locations: Iterable[JsonLocation]) -> _Wanted:
    root = _Wanted()
    for location in locations:
        node = root
        for step in location:
            if isinstance(step, int):
                node.last_index = max(node.last_index, step)
            node = node.below.setdefault(step, _Wanted())
        node.location = location
    return root


class _Scan:
    """One pass over a text. Positions are characters."""

    def __init__(self, text: str, root: _Wanted, *, with_names: bool) -> None:
        self._text = text
        self._root = root
        self._with_names = with_names
        self._name_start: int | None = None  # of the value about to be read
        self._found: dict[JsonLocation, tuple[int, int]] = {}

    def run(self) -> dict[JsonLocation, tuple[int, int]]:
        at = self._space(len(BYTE_ORDER_MARK) if self._text.startswith(BYTE_ORDER_MARK) else 0)
        if not is_json_lines(self._text):
            self._value(at, self._root)
            return self._found
        start, index = at, 0
        while at < len(self._text):
            at = self._space(end := self._value(at, self._root.below.get(index)))
            index += 1
            self._note(self._root, start, end)
        return self._found

    def _value(self, at: int, wanted: _Wanted | None) -> int:
        """Read one value; return where it ends."""
        stack: list[_Open] = []
        while True:
            if wanted is not None and wanted.below and self._char(at) in "[{":
                closing = "]" if self._text[at] == "[" else "}"
                stack.append(_Open(wanted, at, closing, self._name_start))
                at = self._space(at + 1)
                if self._char(at) != stack[-1].closing:
                    at, wanted = self._enter(at, stack[-1])
                    continue
            else:
                end = self._skip(at)
                self._note(wanted, at, end)
                at = end
            while stack:  # a value has ended: close what ends with it
                top = stack[-1]
                is_spent = top.closing == "]" and top.index >= top.wanted.last_index
                at = self._skip_out(at) - 1 if is_spent else self._space(at)
                if self._char(at) != top.closing:
                    break
                at += 1
                closed = stack.pop()
                self._name_start = closed.name_start
                self._note(closed.wanted, closed.start, at)
            if not stack:
                return at
            if self._char(at) != ",":
                raise JsonError(f"want a comma at character {at}")
            stack[-1].index += 1
            at, wanted = self._enter(self._space(at + 1), stack[-1])

    def _enter(self, at: int, container: _Open) -> tuple[int, _Wanted | None]:
        """Return where the next value of a container starts, and what is wanted of it."""
        if container.closing == "]":
            self._name_start = None
            return at, container.wanted.below.get(container.index)
        end, start = TEXT.name_end(self._text, at)
        if end < 0:
            raise JsonError(f"want a member name at character {at}")
        self._name_start = at
        name = self._text[at + 1 : end - 1]
        if "\\" in name:
            name = json.loads(f'"{name}"', strict=False)
        return start, container.wanted.below.get(name)

    def _skip(self, at: int) -> int:
        """Return where the value that starts here ends."""
        end = TEXT.value_end(self._text, at)
        if end < 0:
            broken = "a bracket is not closed" if self._char(at) in "[{" else "want a value"
            raise JsonError(f"{broken} at character {at}")
        return end

    def _skip_out(self, at: int) -> int:
        """Return where the innermost container around a position ends."""
        end = TEXT.container_end(self._text, at)
        if end < 0:
            raise JsonError("a bracket is not closed")
        return end

    def _note(self, wanted: _Wanted | None, start: int, end: int) -> None:
        if wanted is not None and wanted.location is not None:
            name_start = self._name_start if self._with_names else None
            self._found[wanted.location] = start if name_start is None else name_start, end

    def _space(self, at: int) -> int:
        match = _SPACE.match(self._text, at)
        return match.end() if match else at

    def _char(self, at: int) -> str:
        """Return the character at a position; past the end a JsonError."""
        if at >= len(self._text):
            raise JsonError("the text ends within a value")
        return self._text[at]
