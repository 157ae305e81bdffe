"""What ``rg --json`` prints, read: an event on each line, as files with numbered lines.

What lives here: the events, and the inverse. What does not: how a view writes them
(compressors/search_json.py). What is read is exactly what is written back; any other
line is an event of its own that nobody looks into.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import orjson

from furler_engine.json_value import dumps

_OPENING: Final = re.compile(r'\{"type":"begin","data":\{"path":\{')
_LONGEST: Final = 1 << 20
"""Characters of an event; a longer one is a file without line breaks."""


class Begin(NamedTuple):
    """A file in which something was found. ``line`` is the event's line, from 1, here and below."""

    line: int
    path: str


class Found(NamedTuple):
    """A match (``:``) or its context (``-``), in the file that began last.

    ``offset`` is where the line begins in its file, ``spans`` are where the match is in
    the line; all in bytes. ``text`` has no line break.
    """

    line: int
    number: int
    mark: str
    text: str
    offset: int
    spans: tuple[tuple[int, int], ...]

    @property
    def following(self) -> tuple[int, int]:
        """The number and the offset of the line behind this one."""
        return self.number + 1, self.offset + len(self.text.encode()) + 1


class End(NamedTuple):
    """The end of a file: nanoseconds, bytes searched, bytes printed, lines that match, matches."""

    line: int
    counts: tuple[int, int, int, int, int]


class Other(NamedTuple):
    """Any other line: the summary, a file that is no text."""

    line: int
    text: str


Event = Begin | Found | End | Other


def is_ripgrep_json(text: str) -> bool:
    """Whether a text opens as ``rg --json`` does."""
    return _OPENING.match(text) is not None


def read(lines: Sequence[str]) -> Iterator[Event]:
    """Yield the event of each line. Linear."""
    path = ""
    for at, line in enumerate(lines, 1):
        event = _event(at, line)
        if isinstance(event, Begin):
            path = event.path
        yield event if write(event, path) == line else Other(at, line)


def write(event: Event, path: str) -> str:
    """Return the line of an event in a file: the inverse of `read`."""
    name = f'"path":{{"text":{dumps(path)}}}'
    match event:
        case Begin():
            return f'{{"type":"begin","data":{{{name}}}}}'
        case Found(_, number, mark, text, offset, spans):
            kind = "match" if mark == ":" else "context"
            return (
                f'{{"type":"{kind}","data":{{{name},"lines":{{"text":{dumps(text + chr(10))}}},"line_number":{number},'
                f'"absolute_offset":{offset},"submatches":[{_submatches(text, spans)}]}}}}'
            )
        case End(_, (nanos, searched, printed, matched, matches)):
            elapsed = f'{{"secs":0,"nanos":{nanos},"human":"{nanos / 1e9:.6f}s"}}'
            return (
                f'{{"type":"end","data":{{{name},"binary_offset":null,"stats":{{"elapsed":{elapsed},"searches":1,"searches_with_match":1,'
                f'"bytes_searched":{searched},"bytes_printed":{printed},"matched_lines":{matched},"matches":{matches}}}}}}}'
            )
        case Other(_, text):
            return text


def _submatches(text: str, spans: Sequence[tuple[int, int]]) -> str:
    data = text.encode() + b"\n"
    said = (dumps(data[start:end].decode(errors="replace")) for start, end in spans)
    return ",".join(
        f'{{"match":{{"text":{words}}},"start":{start},"end":{end}}}'
        for words, (start, end) in zip(said, spans, strict=True)
    )


def _event(at: int, line: str) -> Event:
    """Return what a line seems to be; only what it is written back from is so."""
    other = Other(at, line)
    if len(line) > _LONGEST or not line.startswith('{"type":"'):
        return other
    try:
        value: object = orjson.loads(line)
    except orjson.JSONDecodeError:
        return other
    match value:
        case {"type": "begin", "data": {"path": {"text": str(path)}}} if "\n" not in path:
            return Begin(at, path)
        case {
            "type": "match" | "context" as kind,
            "data": {
                "lines": {"text": str(text)},
                "line_number": int(number),
                "absolute_offset": int(offset),
                "submatches": list(submatches),
            },
        } if text.find("\n") == len(text) - 1:
            mark = ":" if kind == "match" else "-"
            return Found(at, number, mark, text[:-1], offset, tuple(_spans(submatches)))
        case {
            "type": "end",
            "data": {
                "stats": {
                    "elapsed": {"nanos": int(nanos)},
                    "bytes_searched": int(searched),
                    "bytes_printed": int(printed),
                    "matched_lines": int(matched),
                    "matches": int(matches),
                }
            },
        }:
            return End(at, (nanos, searched, printed, matched, matches))
    return other


def _spans(submatches: Sequence[object]) -> Iterator[tuple[int, int]]:
    for submatch in submatches:
        match submatch:
            case {"start": int(start), "end": int(end)} if 0 <= start <= end:
                yield start, end
