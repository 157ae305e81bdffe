"""Picking parts of an original: every selector as byte ranges.

What lives here: how each selector of types.py applies to a text. What does not:
cutting what was picked into pages (paging.py). Ranges are half-open, ascending and disjoint; their bytes are the original's own. A selector
that asks (Match, JsonPath, Search) may find nothing, which is an empty list; one
that names a part (Lines, Bytes, Rows, Symbol) the content does not have is an error.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

import re2

from furler_engine.json_value import JsonError, split_texts
from furler_engine.json_value import parse as parse_json
from furler_engine.markers import MarkerError, format_place, parse_place
from furler_engine.shared.headings import sections
from furler_engine.shared.json_offsets import byte_offsets, escaped_length, spans
from furler_engine.shared.json_path import QueryError, locate
from furler_engine.shared.passages import passages
from furler_engine.shared.ranking import Passages
from furler_engine.shared.syntax import definitions, language_of
from furler_engine.types import (
    Bytes,
    JsonLocation,
    JsonPath,
    Lines,
    Match,
    Rows,
    Search,
    Selector,
    Source,
    Symbol,
    Within,
)

Range = tuple[int, int]

_NAMES_LISTED: Final = 5
_CONTINUES: Final = 0b10
"""The two high bits of a byte inside a UTF-8 character."""


class SelectorError(ValueError):
    """The content does not have what the selector names, or the selector is malformed."""


def select(text: str, selector: Selector) -> list[Range]:
    """Return the byte ranges of a text that a selector picks.

    ``Lines.last`` and ``Bytes.end`` 0 mean the end of the text.

    Raises:
        SelectorError: Says which selector, and what the content has instead.
    """
    match selector:
        case Lines():
            return _lines(text.encode(), selector)
        case Bytes():
            return _bytes(text.encode(), selector)
        case Rows():
            return _rows(text, selector)
        case Within():
            return _within(text, selector)
        case JsonPath(query):
            return _json_path(text, query)
        case Match():
            return _match(text.encode(), selector)
        case Symbol(name):
            return _symbol(text, name)
        case Search():
            return _search(text, selector)


# Lines and bytes.


def _lines(data: bytes, selector: Lines) -> list[Range]:
    first, last = selector.first, selector.last
    what = f"lines {first}-{last or 'end'}"
    if first < 1 or (last and last < first):
        raise SelectorError(f"{what}: lines count from 1, the last is not before the first")
    start = _after_lines(data, 0, first - 1)
    if start is None or start == len(data):
        have = data.count(b"\n") + (not data.endswith(b"\n") and bool(data))
        raise SelectorError(f"{what}: the content has {have:,} lines")
    end = _after_lines(data, start, last - first + 1) if last else None
    return [(start, len(data) if end is None else end)]


def _after_lines(data: bytes, at: int, count: int) -> int | None:
    """Return the offset behind so many lines; None where the content ends first."""
    for _ in range(count):
        at = data.find(b"\n", at) + 1
        if not at:
            return None
    return at


def _bytes(data: bytes, selector: Bytes) -> list[Range]:
    start, end = selector.start, min(selector.end or len(data), len(data))
    if not 0 <= start < end:
        have = f"the content has {len(data):,} bytes"
        raise SelectorError(f"bytes {selector.start}-{selector.end or 'end'}: {have}")
    while start and data[start] >> 6 == _CONTINUES:
        start -= 1
    while end < len(data) and data[end] >> 6 == _CONTINUES:
        end += 1
    return [(start, end)]


# JSON.


def _rows(text: str, selector: Rows) -> list[Range]:
    """Pick elements of an array, members of an object, or characters of a string."""
    what = f"rows {selector.start}-{selector.end}"
    value = _value(text, what)
    for step in selector.path:
        try:
            value = value[step]  # type: ignore[index]
        except (LookupError, TypeError):
            raise SelectorError(f"{what}: the content has no {step!r} on the way there") from None
    if not isinstance(value, list | dict | str):
        raise SelectorError(f"{what}: what is there has no rows")
    start, end = selector.start, min(selector.end, len(value))
    if not 0 <= start < end:
        units = {list: "rows", dict: "members", str: "characters"}[type(value)]
        raise SelectorError(f"{what}: the content has {len(value):,} {units} there")
    if isinstance(value, str):
        return _characters(text, selector.path, start, end)
    steps: list[str | int] = list(value) if isinstance(value, dict) else [start, end - 1]
    wanted = steps[start:end] if isinstance(value, dict) else steps
    found = spans(text, [(*selector.path, step) for step in wanted], with_names=True).values()
    return [(min(low for low, _ in found), max(high for _, high in found))]


def _characters(text: str, path: JsonLocation, start: int, end: int) -> list[Range]:
    data = text.encode()
    low, high = spans(text, [path])[path]
    raw = data[low + 1 : high - 1].decode()
    ends = [len(raw[: escaped_length(raw, at)].encode()) for at in (start, end)]
    return [(low + 1 + ends[0], low + 1 + ends[1])]


def _json_path(text: str, query: str) -> list[Range]:
    what = f"path {query[:80]!r}"
    if place := _lines_within(query):
        return _within(text, place)
    value = _value(text, what)
    try:
        locations = locate(value, query)
    except QueryError as error:
        raise SelectorError(f"{what}: {error}") from error
    return _node_ranges(text, locations) or _printed_rows(text, query)


def _printed_rows(text: str, query: str) -> list[Range]:
    """Read the query as views print rows: a slice of members or characters is no JSONPath."""
    try:
        place = parse_place(query)
    except MarkerError:
        return []
    try:
        return _rows(text, place) if isinstance(place, Rows) else []
    except SelectorError:
        return []


def _lines_within(query: str) -> Within | None:
    """Read the query as views print lines of a text in a string: these are no JSONPath."""
    try:
        place = parse_place(query)
    except MarkerError:
        return None
    return place if isinstance(place, Within) else None


def _within(text: str, place: Within) -> list[Range]:
    """Pick lines or bytes of the text in a JSON string; what comes back is escaped as it stands."""
    what = format_place(place)
    string = _value(text, what)
    for step in place.path:
        try:
            string = string[step]  # type: ignore[index]
        except (LookupError, TypeError):
            raise SelectorError(f"{what}: the content has no {step!r} on the way there") from None
    if not isinstance(string, str):
        raise SelectorError(f"{what}: what is there is no text")
    data = string.encode()
    ranges: list[Range] = []
    for start, end in select(string, place.place):
        first = len(data[:start].decode())
        ranges += _characters(text, place.path, first, first + len(data[start:end].decode()))
    return ranges


def _value(text: str, what: str) -> object:
    """Return the JSON value; of members with the same name the last."""
    try:
        return parse_json(text)
    except JsonError:
        pass
    try:
        parts = split_texts(text)
        return [json.loads(part) for part in parts] if parts else json.loads(text)
    except RecursionError as error:
        raise SelectorError(f"{what}: the content is nested too deeply") from error
    except ValueError as error:
        raise SelectorError(f"{what}: the content is not JSON: {error}") from error


def _node_ranges(text: str, locations: Iterable[JsonLocation]) -> list[Range]:
    """Return the ranges of nodes; consecutive elements of an array are one range."""
    try:
        found = spans(text, locations)
    except JsonError as error:
        raise SelectorError(f"the content is not JSON: {error}") from error
    merged: list[Range] = []
    before: JsonLocation = ()
    for place, (start, end) in sorted(found.items(), key=lambda item: item[1]):
        if merged and (start < merged[-1][1] or _follows(before, place)):
            merged[-1] = merged[-1][0], max(merged[-1][1], end)
        else:
            merged.append((start, end))
        before = place
    return merged


def _follows(before: JsonLocation, place: JsonLocation) -> bool:
    """Whether two locations are neighbours in one array."""
    match before, place:
        case (*above, int(index)), (*also_above, int(next_index)):
            return above == also_above and next_index == index + 1
    return False


# Text.


def _match(data: bytes, selector: Match) -> list[Range]:
    what = f"match {selector.pattern[:80]!r}"
    if selector.context < 0:
        raise SelectorError(f"{what}: context is not negative")
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 1 << 21  # compiled patterns are cached, 128 of them
    options.never_nl = True  # a class such as [^x] stops at the end of its line
    try:
        re2.compile(selector.pattern, options)  # alone first: "a)|(b" would fit the group below
        search = re2.compile(f"(?m:{selector.pattern})", options).search
    except re2.error as error:
        raise SelectorError(f"{what}: no RE2 pattern: {_message(error)}") from error
    # RE2 knows no line end but \n, so a match in a line that ends with \r is tried again.
    plain = data.replace(b"\r\n", b"\n\n")
    has_returns = len(plain) == len(data) and plain != data
    starts = [0, *(m.end() for m in re.finditer(rb"\n", data))]
    if starts[-1] == len(data):
        starts.pop()
    ends = [*starts[1:], len(data)]
    ranges: list[Range] = []
    line = at = 0
    while line < len(starts) and (found := search(plain, at)):
        at = found.start()
        if at == len(data) and data.endswith(b"\n"):
            break  # behind the last line
        while ends[line] <= at and line + 1 < len(starts):
            line += 1
        body = data[starts[line] : ends[line]].rstrip(b"\r\n") if has_returns else None
        if body is None or search(body):
            first = starts[max(0, line - selector.context)]
            ranges.append((first, ends[min(len(ends) - 1, line + selector.context)]))
        at = ends[line]
        line += 1
    return _merge(ranges)


def _message(error: re2.error) -> str:
    reason = error.args[0]
    return reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)


def _symbol(text: str, name: str) -> list[Range]:
    source = Source(text)
    language = language_of(source)
    known: list[tuple[str, Range]] = []
    if language is not None:
        known = [
            (d.qualified_name, (d.start_byte, d.end_byte)) for d in definitions(text, language)
        ]
    headings = sections(text)
    offsets = byte_offsets(text, [at for h in headings for at in (h.start, h.end)])
    known += [(h.title, (offsets[h.start], offsets[h.end])) for h in headings]
    wanted = re.sub(r"::|#|/|\\", ".", name.strip()).strip(".")
    exact = [span for known_name, span in known if known_name in (name, wanted)]
    found = exact or [span for known_name, span in known if f".{known_name}".endswith(f".{wanted}")]
    if not found or not wanted:
        names = list(dict.fromkeys(known_name for known_name, _ in known))
        raise SelectorError(f"no definition or heading {name[:80]!r}: {_nearest(wanted, names)}")
    return _merge(found)


def _nearest(wanted: str, names: list[str]) -> str:
    if not names:
        return "the content has none that are known here"
    by_end = {known_name.rpartition(".")[2].lower(): known_name for known_name in reversed(names)}
    last = wanted.rpartition(".")[2].lower()
    close = [by_end[key] for key in get_close_matches(last, list(by_end)[:2000], n=_NAMES_LISTED)]
    if close:
        return f"nearest: {', '.join(close)}"
    return f"the content has {len(names):,}: {', '.join(names[:_NAMES_LISTED])} …"


def _search(text: str, selector: Search) -> list[Range]:
    data = text.encode()
    return _best(data, _rows_as_passages(text), selector) or _best(
        data, _text_as_passages(text), selector
    )


def _best(data: bytes, pieces: list[Range], selector: Search) -> list[Range]:
    scores = Passages(data[start:end].decode() for start, end in pieces).scores(selector.query)
    order = sorted(range(len(pieces)), key=lambda i: (-scores[i], i))[: max(1, selector.limit)]
    return _merge(pieces[i] for i in order if scores[i] > 0)


def _text_as_passages(text: str) -> list[Range]:
    cut = passages(text)
    offsets = byte_offsets(text, [at for piece in cut for at in piece])
    return [(offsets[start], offsets[end]) for start, end in cut]


def _rows_as_passages(text: str) -> list[Range]:
    """Return the elements of a JSON document's longest array; nothing if it has none."""
    if not text.lstrip().startswith(("{", "[")):
        return []
    try:
        value = parse_json(text)
    except JsonError:
        return []
    place, rows = _longest_array(value)
    if len(rows) < 2:
        return []
    return list(spans(text, [(*place, index) for index in range(len(rows))]).values())


def _longest_array(value: object) -> tuple[JsonLocation, list[object]]:
    """Return the array with most elements, of equal ones the outermost."""
    best: tuple[JsonLocation, list[object]] = ((), [])
    level: list[tuple[JsonLocation, object]] = [((), value)]
    while level:
        below: list[tuple[JsonLocation, object]] = []
        for place, node in level:
            if isinstance(node, list) and len(node) > len(best[1]):
                best = place, node
            if isinstance(node, list | dict):
                steps = node.items() if isinstance(node, dict) else enumerate(node)
                below += [((*place, k), v) for k, v in steps if isinstance(v, list | dict)]
        level = below
    return best


def _merge(ranges: Iterable[Range]) -> list[Range]:
    """Sort ranges and join those that touch."""
    merged: list[Range] = []
    for start, end in sorted(ranges):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], end)
        elif end > start:
            merged.append((start, end))
    return merged
