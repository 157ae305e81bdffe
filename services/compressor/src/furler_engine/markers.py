"""The grammar of what Furler writes into a view: selectors and the trailer.

A selector names a part of the original; what a view prints is what Retrieve
takes. ``L12`` and ``L12-40`` are lines, ``B0-512`` bytes, ``$.data[3:480]``
rows of a JSON array, ``$.stdout:L12-40`` lines of the text in a JSON string. The trailer is the view's last line; it alone carries the
reference. Text in a content that looks like either is data: nothing here is
ever applied to content.
"""

from __future__ import annotations

import re

from furler_engine.shared.quoted import Quoted
from furler_engine.types import (
    Bytes,
    BytesShown,
    Draft,
    JsonLocation,
    Lines,
    PartsShown,
    Place,
    Rows,
    ValueShown,
    Within,
)

REF_LENGTH = 16
_REF = re.compile(r"[a-z2-7]{16}")
_TRAILER = re.compile(r'\n\[furler: [^\n]*ref="([a-z2-7]{16})"[^\n]*\]\Z')
_LINES = re.compile(r"L?([0-9]{1,15})(?:-L?([0-9]{1,15}))?")
_BYTES = re.compile(r"B([0-9]{1,15})-([0-9]{1,15})")
_SLICE = re.compile(r"\[([0-9]{1,15}):([0-9]{1,15})\]\Z")
_WITHIN = re.compile(r":([LB][0-9]{1,15}(?:-L?[0-9]{1,15})?)\Z")
# RFC 9535 member-name-shorthand, its ASCII part.
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_STEP = re.compile(r"\.([A-Za-z_][A-Za-z0-9_]*)|\[([0-9]{1,15})\]")
_NAMES = Quoted("'", str)


class MarkerError(ValueError):
    """The text is no selector."""


def format_place(place: Place) -> str:
    """Return the selector that Retrieve takes for a place."""
    match place:
        case Lines(first, last):
            return f"L{first}" if first == last else f"L{first}-{last}"
        case Bytes(start, end):
            return f"B{start}-{end}"
        case Rows(path, start, end):
            return f"{format_path(path)}[{start}:{end}]"
        case Within(path, inner):
            return f"{format_path(path)}:{format_place(inner)}"


def format_path(path: JsonLocation) -> str:
    """Return the JSONPath of one location."""
    return "$" + "".join(map(_format_step, path))


def parse_place(text: str) -> Place:
    """Return the place a printed selector names. Raises MarkerError."""
    if match := _LINES.fullmatch(text):
        first = int(match[1])
        return Lines(first, int(match[2] or first))
    if match := _BYTES.fullmatch(text):
        return Bytes(int(match[1]), int(match[2]))
    if text.startswith("$") and (match := _SLICE.search(text)):
        path = _parse_steps(text[1 : match.start()])
        return Rows(path, int(match[1]), int(match[2]))
    if text.startswith("$") and (match := _WITHIN.search(text)):
        inner = parse_place(match[1])
        if isinstance(inner, Lines | Bytes):
            return Within(_parse_steps(text[1 : match.start()]), inner)
    raise MarkerError(f"{text[:80]!r} is no selector: want L12-40, B0-512 or $.data[3:480]")


def is_ref(text: str) -> bool:
    """Whether the text has the form of a reference."""
    return _REF.fullmatch(text) is not None


def find_ref(view: str) -> str | None:
    """Return the reference in a view's trailer, if it has one."""
    match = _TRAILER.search(view)
    return match[1] if match else None


def trailer(draft: Draft, ref: str, elided_tokens: int) -> str:
    """Return the view's last line, with the newline before it.

    An empty ``ref`` says that the original is not stored.
    """
    if not draft.elisions:
        exact = f'exact original: retrieve(ref="{ref}")' if ref else "original not stored"
        return f"\n[furler: same content, re-encoded; {exact}]"
    state = f"{draft.shown:,} of {draft.total:,} {draft.units} shown"
    if not ref:
        return f"\n[furler: {state}; {elided_tokens:,} tokens left out, original not stored]"
    example = format_place(draft.elisions[0].place)
    ways = {
        BytesShown: f'lines="{example.lstrip("L")}") or symbol="name", query="words"',
        ValueShown: f'path="{example}") or query="words"',
        PartsShown: f'path="{example}") or match="regex", query="words"',
    }.get(type(draft.coverage), f'lines="{example.lstrip("L")}") or match="regex", query="words"')
    return f'\n[furler: {state}; {elided_tokens:,} tokens left out, stored: retrieve(ref="{ref}", {ways}]'


def repeat(place: Lines, other: str, numbers: tuple[int, int] | None = None) -> str:
    """Return the line that stands for lines which stand elsewhere: ``other`` says where.

    ``numbers`` are those the lines carry here, when they carry any.
    """
    numbered = "" if numbers is None else f" (numbered {numbers[0]}-{numbers[1]})"
    return f"[{format_place(place)}{numbered}: as {other}]"


def repeat_trailer(ref: str) -> str:
    """Return the last line, with the newline before it, of a view that refers to earlier text."""
    if not ref:
        return "\n[furler: repeats left out; original not stored]"
    return f'\n[furler: repeats left out; exact original: retrieve(ref="{ref}")]'


def retired(place: Lines, reason: str, ref: str) -> str:
    """Return the line that stands for a whole content that was taken back, and why."""
    return f'[furler: {format_place(place)} taken back: {reason}; exact original: retrieve(ref="{ref}")]'


def _format_step(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    if _PLAIN_NAME.fullmatch(step):
        return f".{step}"
    escaped = "".join(_escape(c) for c in step)
    return f"['{escaped}']"


def _escape(char: str) -> str:
    if char in "'\\":
        return "\\" + char
    return char if char.isprintable() else f"\\u{ord(char):04x}" if ord(char) < 0x10000 else char


def _parse_steps(text: str) -> tuple[str | int, ...]:
    steps: list[str | int] = []
    at = 0
    while at < len(text):
        if match := _STEP.match(text, at):
            steps.append(int(match[2]) if match[1] is None else match[1])
            at = match.end()
            continue
        end = _NAMES.end(text, at + 1)
        if text[at] != "[" or end < 0 or text[end : end + 1] != "]":
            raise MarkerError(f"{text[at : at + 40]!r} is no JSONPath step")
        steps.append(_unescape(text[at + 2 : end - 1]))
        at = end + 1
    return tuple(steps)


def _unescape(text: str) -> str:
    def replace(match: re.Match[str]) -> str:
        code = match[1]
        return chr(int(code[1:], 16)) if code[0] == "u" else code

    return re.sub(r"\\(u[0-9a-f]{4}|.)", replace, text, flags=re.DOTALL)
