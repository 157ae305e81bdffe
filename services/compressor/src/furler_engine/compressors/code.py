"""Source code as a skeleton: what it defines stays, long bodies are cut out.

What lives here: which parts of a source are cut, and how the skeleton prints.
What does not: parsing (shared/syntax.py), what is said about a long body
(shared/digest.py), and literals of generated files.

Everything outside the cuts is byte-exact. A cut prints the lines it covers,
``{… L120-188}``; the line it starts on is counted in, so that what is retrieved
reads on from what is shown. Names that a cut body defines are printed in it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from enum import StrEnum
from string import ascii_letters
from typing import Final, NamedTuple

from furler_engine.markers import format_place
from furler_engine.shared.digest import LONG, calls, digest, names
from furler_engine.shared.frames import wanted_lines, wanted_names
from furler_engine.shared.long_lines import long_share
from furler_engine.shared.syntax import Definition, Outline, Role, Span, language_of, outline
from furler_engine.types import (
    Bytes,
    BytesShown,
    Draft,
    Elision,
    Kind,
    Level,
    Lines,
    Policy,
    Source,
)

SMALL: Final = 5_000
"""Bytes (about 1,500 tokens) up to which a source is shown whole: an agent that
needs one body of it would have to ask, and that costs about 600 tokens."""
_MINIFIED_SHARE: Final = 0.6
"""Share of long lines from which nobody wrote the source: its names tell nothing."""
_MIN_LINES: Final = 3
_MIN_BYTES: Final = 64
"""A cut must save more than the ten tokens that its marker costs."""
_MIN_IMPORTS: Final = 4
_BOM: Final = b"\xef\xbb\xbf"
_LETTERS: Final = ascii_letters.encode()
_MOST_ERRORS: Final = 200
"""Errors up to which each is compared with each body; beyond, all bodies are doubtful."""
_MOST_NAMESAKES: Final = 2
_KEPT_SHARE: Final = 0.25
"""Share of a source that bodies named by the query may take up."""


class _Cut(NamedTuple):
    """Bytes left out, the lines that give them back, and what is printed in their place."""

    start: int
    end: int
    lines: Lines
    text: str
    summary: str


class _PartKind(StrEnum):
    BODY = "body"
    CALLBACK = "callback"
    COMMENT = "comment"
    IMPORTS = "imports"


class _Part(NamedTuple):
    """What may be cut: a body with what precedes it, a comment, a block of imports."""

    kind: _PartKind
    span: Span
    head: int
    """Where the definition of a body starts."""
    pieces: int = 1


def plan(source: Source, policy: Policy) -> Draft | None:
    """Cut the long bodies, comments and import blocks out of a source."""
    if not _is_wanted(source, policy) or long_share(source) > _MINIFIED_SHARE:
        return None
    language = language_of(source)
    found = outline(source.data, language) if language else None
    if language is None or found is None:
        return None
    cuts = list(_Cutter(source, language, found).cuts())
    return _draft(source, language, cuts) if cuts else None


def _is_wanted(source: Source, policy: Policy) -> bool:
    size = len(source.text)
    if policy.target_tokens:
        return size > 3 * policy.target_tokens
    return size > SMALL or policy.level(Kind.CODE) is Level.TIGHT


def _draft(source: Source, language: str, cuts: list[_Cut]) -> Draft:
    data = source.data
    shown: list[Bytes] = []
    pieces = [f"[{language} skeleton: … L12-40 stands for what lines 12 to 40 hold there]\n"]
    at = 0
    for cut in cuts:
        if cut.start > at:
            shown.append(Bytes(at, cut.start))
            pieces.append(data[at : cut.start].decode())
        pieces.append(cut.text)
        at = cut.end
    if at < len(data):
        shown.append(Bytes(at, len(data)))
        pieces.append(data[at:].decode())
    total = len(source.lines)
    hidden = sum(cut.lines.last - cut.lines.first for cut in cuts)
    return Draft(
        text="".join(pieces),
        coverage=BytesShown(tuple(shown)),
        units="lines",
        total=total,
        shown=total - hidden,
        elisions=tuple(Elision(cut.lines, cut.summary) for cut in cuts),
    )


class _Cutter:
    """Decides part by part, in order of their start; what lies in a cut is not looked at again."""

    def __init__(self, source: Source, language: str, found: Outline) -> None:
        self._source = source
        self._language = language
        self._data = source.data
        self._found = found
        self._starts = [d.start_byte for d in found.definitions]
        self._functions = [d.start_byte for d in found.definitions if d.role is Role.FUNCTION]
        self._callbacks = [span.start for span in found.callbacks if span.lines >= _MIN_LINES]
        self._docs = {doc.start: doc for doc in found.docs}

    def cuts(self) -> Iterator[_Cut]:
        kept = self._kept()
        at = 0
        for part in sorted(self._parts(), key=lambda p: (p.span.start, -p.span.end)):
            if part.span.start < at or (
                kept and any(part.span.start < end and start < part.span.end for start, end in kept)
            ):
                continue
            cut = self._cut(part)
            if cut is not None:
                yield cut
                at = cut.end

    def _parts(self) -> Iterator[_Part]:
        for definition in self._found.definitions:
            if definition.body is not None and definition.body.lines >= _MIN_LINES:
                yield _Part(_PartKind.BODY, definition.body, definition.start_byte)
        for span in self._found.callbacks:
            if span.lines >= _MIN_LINES:
                yield _Part(_PartKind.CALLBACK, span, span.start)
        for span, count in _runs(self._data, self._found.comments, blank_lines=False):
            if span.lines >= _MIN_LINES:
                yield _Part(_PartKind.COMMENT, span, span.start, count)
        for span in self._found.docs:
            if span.lines >= _MIN_LINES:
                yield _Part(_PartKind.COMMENT, span, span.start)
        for span, count in _runs(self._data, self._found.imports, blank_lines=True):
            yield _Part(_PartKind.IMPORTS, span, span.start, count)

    def _cut(self, part: _Part) -> _Cut | None:
        match part.kind:
            case _PartKind.COMMENT:
                return self._comment(part.span)
            case _PartKind.IMPORTS:
                return self._imports(part.span, part.pieces)
            case _PartKind.CALLBACK if self._is_wrapper(part.span):
                return None
            case _:
                return self._body(part)

    def _body(self, part: _Part) -> _Cut | None:
        data, span = self._data, part.span
        if self._is_doubtful(part.head, span):
            return None
        before, after = " ", ""
        if data[span.start : span.start + 1] == b"{" and data[span.end - 1 : span.end] == b"}":
            start, end, first = span.start + 1, span.end - 1, span.first_line
            before = ""
        elif (doc := self._docs.get(span.start)) is not None:
            start, first = _after_first_line(data, doc)
            end = span.end
        else:
            head = _without_comments(data[part.head : span.start])
            start, end = part.head + len(head), span.end
            first = span.first_line - data.count(b"\n", start, span.start)
            before = "" if data[start - 1 : start].isspace() else " "
        if end - start < _MIN_BYTES:
            return None
        lines = Lines(first, span.last_line)
        inner = self._names_in(start, end)
        note = names(inner) if inner else ""
        if span.lines > LONG:
            note += digest(data[start:end], span.lines)
        return _Cut(start, end, lines, f"{before}… {format_place(lines)}{note}{after}", "body")

    def _comment(self, span: Span) -> _Cut | None:
        start, first = _after_first_line(self._data, span)
        end = span.start + len(self._data[span.start : span.end].rstrip())
        if end - start < _MIN_BYTES:
            return None
        lines = Lines(first, span.last_line)
        return _Cut(start, end, lines, f" … {format_place(lines)}", "comment")

    def _imports(self, span: Span, count: int) -> _Cut | None:
        if max(count, span.lines) < _MIN_IMPORTS or span.end - span.start < 2 * _MIN_BYTES:
            return None
        lines = Lines(span.first_line, span.last_line)
        summary = f"{count} imports" if count > 1 else "imports"
        return _Cut(span.start, span.end, lines, f"… {format_place(lines)}: {summary}", summary)

    def _names_in(self, start: int, end: int) -> list[str]:
        first = bisect_left(self._starts, start)
        last = bisect_left(self._starts, end)
        if first == last:
            return []
        return list(dict.fromkeys(d.name for d in self._found.definitions[first:last]))

    def _functions_in(self, span: Span) -> int:
        return bisect_left(self._functions, span.end) - bisect_left(self._functions, span.start)

    def _is_wrapper(self, span: Span) -> bool:
        """Whether a function without a name is there for what it holds: a module, a test suite."""
        inner = bisect_left(self._callbacks, span.end) - bisect_right(self._callbacks, span.start)
        return bool(self._names_in(span.start, span.end)) or inner > 1

    def _is_doubtful(self, head: int, span: Span) -> bool:
        """Whether the parser may have misread a body or misplaced its end.

        In C a function holds no other: what seems to is a class under a macro.
        Where an error touches a body, the layout must agree: every line of it is
        indented deeper than the line that its definition starts on.
        """
        if self._language in ("c", "cpp") and self._functions_in(span):
            return True
        errors = self._found.errors
        if not errors:
            return False
        if len(errors) <= _MOST_ERRORS and not any(
            error.start < span.end and head < max(error.end, error.start + 1) for error in errors
        ):
            return False
        line_start = self._data.rfind(b"\n", 0, head) + 1
        margin = _indentation(self._data[line_start:head])
        inner = self._data[span.start : span.end].split(b"\n")[1:-1]
        return any(
            line.strip() and not line.startswith(b"#") and _indentation(line) <= margin
            for line in inner
        )

    def _kept(self) -> list[tuple[int, int]]:
        """Return the definitions that the query names and what they call, up to a quarter of the source."""
        hints = self._source.hints
        wanted = wanted_names(hints.query)
        lines = wanted_lines(hints.query, hints.filename)
        if not (wanted or lines):
            return []
        named = [
            definition
            for definition in self._found.definitions
            if definition.name in wanted
            or definition.qualified_name in wanted
            or (
                definition.role is Role.FUNCTION
                and any(definition.first_line <= n <= definition.last_line for n in lines)
            )
        ]
        room = _KEPT_SHARE * len(self._data)
        kept: dict[tuple[int, int], None] = {}
        for found in (named, self._callees(named)):
            for definition in found:
                span = definition.start_byte, definition.end_byte
                size = span[1] - span[0]
                if size <= room and span not in kept:
                    kept[span] = None
                    room -= size
        return list(kept)

    def _callees(self, callers: Sequence[Definition]) -> list[Definition]:
        """Return the functions of the source that the bodies of others call, the shortest first."""
        called: set[str] = set()
        for caller in callers:
            if caller.role is Role.FUNCTION:
                called |= calls(self._data[caller.start_byte : caller.end_byte])
        found = [
            definition
            for definition in self._found.definitions
            if definition.role is Role.FUNCTION and definition.name in called
        ]
        names = Counter(definition.name for definition in found)
        # Of a name that many classes define nobody knows which is called.
        plain = [one for one in found if names[one.name] <= _MOST_NAMESAKES]
        return sorted(plain, key=lambda one: one.end_byte - one.start_byte)


def _runs(data: bytes, spans: tuple[Span, ...], *, blank_lines: bool) -> Iterator[tuple[Span, int]]:
    """Join spans with nothing but white space between, on lines of their own."""
    run: Span | None = None
    count = 0
    top = len(data) - len(data.removeprefix(_BOM).lstrip())
    for span in spans:
        if run is not None:
            gap = data[run.end : span.start]
            if not gap or gap.isspace():
                breaks = gap.count(b"\n") + (data[run.end - 1 : run.end] == b"\n")
                if blank_lines or run.start <= top or breaks <= 1:
                    run = Span(run.start, span.end, run.first_line, span.last_line)
                    count += 1
                    continue
            yield run, count
        run, count = span, 1
    if run is not None:
        yield run, count


def _after_first_line(data: bytes, span: Span) -> tuple[int, int]:
    """Return where the first line with words of a comment ends, and its number."""
    at, number = span.start, span.first_line
    while True:
        end = data.find(b"\n", at, span.end)
        if end < 0:
            return span.end, span.last_line
        head = data[at : min(end, at + 200)]
        if len(head) - len(head.translate(None, _LETTERS)) > 3:
            return end - (data[end - 1 : end] == b"\r"), number
        at, number = end + 1, number + 1


def _without_comments(head: bytes) -> bytes:
    """Return a Python signature without the comment lines between it and its body."""
    lines = head.rstrip().split(b"\n")
    while len(lines) > 1 and not lines[-1].partition(b"#")[0].strip():
        lines.pop()
    return b"\n".join(lines).rstrip()


def _indentation(line: bytes) -> int:
    margin = line[: len(line) - len(line.lstrip())]
    return len(margin.expandtabs(8))
