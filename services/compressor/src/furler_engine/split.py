"""Content of several kinds in one: which parts have a kind of their own, and their views as one.

What lives here: finding the parts and writing their views together. What does
not: drafting a part (the pipeline, which passes a function in), proving the
whole (coverage.py).

Parts are texts in JSON strings, as tools wrap their output
(``{"stdout": "…", "exit_code": 0}``), the outputs of a shell transcript, large
fences of Markdown, and JSON below a few lines of something else. A text in a string has lines of its own, and what its
view leaves out is named Within it: ``$.stdout:L5-9``. Parts that are lines of the
content are only re-encoded, for a view of lines prints their numbers, and those
would not be the content's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from furler_engine.coverage import CoverageError, within
from furler_engine.json_value import JsonError, dumps, parse
from furler_engine.markers import format_path
from furler_engine.text_lines import extent
from furler_engine.types import (
    WORDS,
    Bytes,
    Draft,
    Elision,
    Fidelity,
    Hints,
    JsonLocation,
    Kind,
    Lines,
    Part,
    PartsShown,
    Source,
    placeholder,
)

DraftOf = Callable[[Source, Fidelity], tuple[Kind, Draft | None]]
"""The kind of a part, and its best draft of at least this fidelity; None where none pays."""

_MOST_PARTS: Final = 8
_SHORTEST: Final = 1_200
"""Characters (about 300 tokens) from which a part is worth a heading of its own."""
_FEWEST_LINES: Final = 6
_FEWEST_SENTENCES: Final = 6
_LONG_STRING: Final = 400
"""Characters between two quotes: a text of one long line has more, of all data only blobs do."""
_MOST_OF_CONTENT: Final = 0.5
"""Share of a content that its parts must make up."""
# "$ ls", "dev@host:~/src$ ls", "[dev@host src]$ ls"; a lone # opens a comment.
_PROMPT: Final = re.compile(r"(?:[\w.@:~/-]{0,60}|\[[^\]\n]{1,60}\])\$ \S")
_MAY_HOLD_JSON: Final = (Kind.TEXT, Kind.BUILD_OUTPUT, Kind.CONFIG, Kind.PROSE)
_NOISE: Final = 10
"""Lines above and below a JSON text that are looked through for its beginning and end."""
_FENCE: Final = re.compile(r" {0,3}(`{3,}|~{3,})")


def plan(source: Source, kind: Kind, draft_of: DraftOf) -> Draft | None:
    """Show the parts of a content each in its own way. None where it has no parts."""
    if kind is Kind.JSON:
        return _strings(source, draft_of)
    spans = _fences(source) if kind is Kind.MARKDOWN else _outputs(source)
    if not spans and kind in _MAY_HOLD_JSON:
        spans = _json(source)
    return _lines(source, spans, draft_of) if spans else None


# Texts in JSON strings.


def _strings(source: Source, draft_of: DraftOf) -> Draft | None:
    if source.text.count("\\n") < _FEWEST_LINES and not _has_long_string(source.text):
        return None
    try:
        value = source.value
    except JsonError:
        return None
    found = sorted(_texts(value), key=lambda pair: -len(pair[1]))[:_MOST_PARTS]
    if sum(len(text) for _, text in found) < _MOST_OF_CONTENT * len(source.text):
        return None
    envelope = parse(source.text)
    drafted: list[tuple[Part, Kind, str]] = []
    elisions: list[Elision] = []
    for path, text in found:
        kind, draft = draft_of(Source(text, Hints(query=source.hints.query)), Fidelity.REVERSIBLE)
        try:
            inner = within(path, draft.elisions if draft is not None else ())
        except CoverageError:  # rows of a JSON text in a string have no name
            draft, inner = None, []
        _put(envelope, path, placeholder(len(drafted)))
        drafted.append((Part(path, draft), kind, text))
        elisions += inner
    if all(part.draft is None for part, _, _ in drafted):
        return None
    text = dumps(envelope)
    pieces = [f"[JSON, its long texts below: {text}]"]
    pieces += (_under_heading(part, kind, string) for part, kind, string in drafted)
    total = sum(string.count("\n") + 1 for _, _, string in drafted)
    shown = sum(_lines_shown(part, string) for part, _, string in drafted)
    coverage = PartsShown(tuple(part for part, _, _ in drafted), text)
    return Draft("\n".join(pieces), coverage, "lines", total, shown, tuple(elisions))


def _has_long_string(text: str) -> bool:
    """Whether so many characters stand between two quotes.

    Looking back from where the next quote would be too late passes over most of a text.
    """
    at = 0
    while at + _LONG_STRING <= len(text):
        quote = text.rfind('"', at, at + _LONG_STRING)
        if quote < 0:
            return True
        at = quote + 1
    return False


def _texts(value: object) -> Iterator[tuple[JsonLocation, str]]:
    """Yield the long texts in a value, with where they are."""
    waiting: list[tuple[JsonLocation, object]] = [((), value)]
    while waiting:
        path, node = waiting.pop()
        if isinstance(node, dict):
            waiting += [((*path, name), below) for name, below in node.items()]
        elif isinstance(node, list):
            waiting += [((*path, index), below) for index, below in enumerate(node)]
        elif isinstance(node, str) and path and _is_text(node):
            yield path, node


def _is_text(string: str) -> bool:
    """Whether a string is a text: of several lines, or of several sentences."""
    return len(string) >= _SHORTEST and (
        string.count("\n") >= _FEWEST_LINES or string.count(". ") >= _FEWEST_SENTENCES
    )


def _put(value: object, path: JsonLocation, text: str) -> None:
    for step in path[:-1]:
        value = value[step]  # type: ignore[index]
    value[path[-1]] = text  # type: ignore[index]


def _under_heading(part: Part, kind: Kind, string: str) -> str:
    path = "$" if isinstance(part.where, Lines) else format_path(part.where)
    if part.draft is None:
        return f"[{path}:]\n{string}"
    lines = string.count("\n") + 1
    if lines == 1:
        return f'[{path}, {kind} of one line; whole: path="{path}:L1"]\n{part.draft.text}'
    return (
        f'[{path}, {kind} of {lines:,} lines; any of them: path="{path}:L5-9"]\n{part.draft.text}'
    )


def _lines_shown(part: Part, string: str) -> int:
    total = string.count("\n") + 1
    if part.draft is None:
        return total
    data = string.encode()
    hidden = 0
    for elision in part.draft.elisions:
        if elision.summary == WORDS:
            continue  # its lines are shown
        match elision.place:
            case Lines(first, last):
                hidden += last - first + 1
            case Bytes(start, end):
                hidden += data.count(b"\n", start, end)
    return max(0, total - hidden)


# Lines of the content.


def _lines(source: Source, spans: list[Lines], draft_of: DraftOf) -> Draft | None:
    parts: list[Part] = []
    pieces: list[str] = []
    at = 0
    for span in spans:
        text = "\n".join(source.lines[span.first - 1 : span.last])
        _, draft = draft_of(Source(text), Fidelity.LOSSLESS)
        if draft is None or draft.elisions or isinstance(draft.coverage, PartsShown):
            continue
        if span.first - 1 > at:
            parts.append(Part(Lines(at + 1, span.first - 1), None))
            pieces += source.lines[at : span.first - 1]
        parts.append(Part(span, draft))
        pieces.append(draft.text)
        at = span.last
    if not parts:
        return None
    total = len(source.lines)
    if at < total:
        parts.append(Part(Lines(at + 1, total), None))
        pieces += source.lines[at:]
    return Draft("\n".join(pieces), PartsShown(tuple(parts)), "lines", total, total)


def _fences(source: Source) -> list[Lines]:
    """Return the largest insides of fences."""
    spans: list[Lines] = []
    opened, mark = 0, ""
    for number, line in enumerate(source.lines, 1):
        found = _FENCE.match(line)
        if found is None:
            continue
        if not mark:
            opened, mark = number, found[1]
        elif line.strip().startswith(mark):
            if number - 1 > opened:
                spans.append(Lines(opened + 1, number - 1))
            mark = ""
    return _largest(source, spans)


def _outputs(source: Source) -> list[Lines]:
    """Return the largest outputs of a shell transcript, which starts with a prompt."""
    lines = source.lines
    if not lines or not _PROMPT.match(lines[0][:200]):
        return []
    prompts = [n for n, line in enumerate(lines, 1) if _PROMPT.match(line[:200])]
    ends = [*prompts[1:], len(lines) + 1]
    spans = [Lines(a + 1, b - 1) for a, b in zip(prompts, ends, strict=True) if b - 1 > a]
    return _largest(source, spans)


def _json(source: Source) -> list[Lines]:
    """Return the JSON that a few lines of something else stand above or below: warnings, a prompt."""
    lines = source.lines
    above, below = lines[:_NOISE], lines[-_NOISE:]
    first = next((n for n, line in enumerate(above) if line[:1] in ("{", "[")), -1)
    last = next(
        (n for n, line in enumerate(reversed(below)) if line.rstrip()[-1:] in ("}", "]")), -1
    )
    if first < 0 or last < 0 or first >= len(lines) - last:
        return []
    span = Lines(first + 1, len(lines) - last)
    return [] if (first, last) == (0, 0) else _largest(source, [span])


def _largest(source: Source, spans: list[Lines]) -> list[Lines]:
    lines = source.lines
    sized = [(extent(lines, s.first - 1, s.last) - s.last + s.first - 1, s) for s in spans]
    large = sorted((pair for pair in sized if pair[0] >= _SHORTEST), key=lambda p: -p[0])
    chosen = large[:_MOST_PARTS]
    if sum(size for size, _ in chosen) < _MOST_OF_CONTENT * len(source.text):
        return []
    return sorted((span for _, span in chosen), key=lambda span: span.first)
