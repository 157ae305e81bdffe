"""Source code as definitions: parsed by tree-sitter, read through one query a language.

What lives here: which grammar reads a source, and what its text defines, where,
and under which qualified name. What does not: the queries (grammars.py), the
evidence for a language (languages.py), and what a view does with it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from string import ascii_letters, digits, whitespace
from typing import Final, NamedTuple, cast

from tree_sitter import Node, Parser, Query, QueryCursor, Tree
from tree_sitter_language_pack import SupportedLanguage, get_language

from furler_engine.shared.grammars import ERRORS, QUERIES, TAILS
from furler_engine.shared.languages import language_of_name
from furler_engine.shared.parse_input import ParseInput
from furler_engine.shared.sample import Sample
from furler_engine.types import Source

PARSE_LIMIT: Final = 500_000
"""Bytes up to which a text is parsed: larger sources are generated, and a tree
takes about 20 times the bytes of its text."""
_STEPS_PER_BYTE: Final = 0.05
"""Parsers need 0.005 progress steps a byte for code that people write, 0.022 for
minified code, and 10 and more for text that is not of the language at all."""
_TAIL_REPEATS: Final = 10
_MOST_UNCLOSED: Final = 64
_MOST_PUNCTUATION: Final = 0.6
"""Share of a source; minified code has 0.4, what costs parsers quadratic time mostly 1."""
_WORDS: Final = (ascii_letters + digits + whitespace).encode() + bytes(range(128, 256))
_MOST_BLANKS: Final = 200
"""Blanks before a macro; a line may be all blanks and capitals."""
_MOST_STRAY: Final = 5_000
"""Children of one error: a query takes quadratic time over a run of stray brackets."""

LANGUAGES: Final = tuple(QUERIES)


_TEST_SCOPES: Final = ("test", "tests")
"""Modules of Rust whose members nobody looks for one by one."""


class Role(StrEnum):
    """What a definition is, as far as a view cares."""

    FUNCTION = "function"
    SCOPE = "scope"
    TYPE = "type"


class Span(NamedTuple):
    """A part of a source: bytes from 0, half-open; lines from 1, inclusive."""

    start: int
    end: int
    first_line: int
    last_line: int

    @property
    def lines(self) -> int:
        """How many lines it touches."""
        return self.last_line - self.first_line + 1


class Definition(NamedTuple):
    """One named part of a source.

    ``qualified_name`` joins the names of what surrounds it with dots, in every
    language. Bytes are from 0, half-open, and take in decorators, exports and
    template headers; lines are from 1, inclusive. ``body`` is what can be cut: a function's, or that
    of a module of tests.
    """

    name: str
    qualified_name: str
    start_byte: int
    end_byte: int
    first_line: int
    last_line: int
    role: Role
    body: Span | None = None


@dataclass(frozen=True, slots=True)
class Outline:
    """What a source is made of, as far as a view cares; each list in order of its start.

    ``callbacks`` are the bodies of functions without a name, ``comments`` whole
    comments, ``docs`` strings that document (Python), ``errors`` what the
    parser could not read.
    """

    definitions: tuple[Definition, ...]
    callbacks: tuple[Span, ...]
    comments: tuple[Span, ...]
    docs: tuple[Span, ...]
    imports: tuple[Span, ...]
    errors: tuple[Span, ...]


def language_of(source: Source) -> str | None:
    """Return the grammar that reads a source, by file name, else by its lines; or None."""
    named = language_of_name(source.hints.filename)
    if named is not None:
        return named
    found = source.derived(Sample.of).language
    return found.language if found is not None else None


def definitions(text: str, language: str) -> tuple[Definition, ...]:
    """Return what a text defines, in order of its start, outer before inner.

    Empty for an unknown language and for a text that cannot be parsed within
    bounds. Definitions inside functions are listed too.
    """
    found = outline(text.encode(), language)
    return found.definitions if found is not None else ()


def outline(data: bytes, language: str) -> Outline | None:
    """Return what a source is made of; None if it cannot be parsed within bounds."""
    tree = parse(data, language)
    if tree is None:
        return None
    size = len(data)
    spans: dict[str, list[Span]] = {name: [] for name in _SPANS}
    matches: _Matches = []
    query = _query(language, with_errors=tree.root_node.has_error)
    for _, captures in QueryCursor(query).matches(tree.root_node):
        captures.pop("_by", None)
        key, nodes = next(iter(captures.items()))
        if nodes[0].start_byte >= size:
            continue  # the tail
        if not _DEFINING.isdisjoint(captures):
            matches.append(captures)
            continue
        span = _span(captures["body"][0] if "callback" in captures else nodes[0])
        if span.end <= size or key == "error":
            spans[key if key in spans else "callback"].append(span)
    found = _definitions(data, matches)
    named = {definition.body for definition in found}
    callbacks = [span for span in spans["callback"] if span not in named]
    return Outline(
        definitions=found,
        callbacks=_ordered(callbacks),
        comments=_ordered(spans["comment"]),
        docs=_ordered(spans["doc"]),
        imports=_ordered(spans["import"]),
        errors=_ordered(spans["error"]),
    )


def parse(data: bytes, language: str) -> Tree | None:
    """Parse a text and a tail of sound code; None where the effort would pass its bounds.

    tree-sitter recovers from errors in linear time, but for two cases that hostile
    text can bring about: more and more steps a byte (they are counted, so that the
    bound is the same everywhere), and an end of file amid errors or open brackets,
    which takes quadratic time and memory. The tail takes the second away.
    """
    if language not in QUERIES or len(data) > PARSE_LIMIT:
        return None
    signs = data.translate(None, _WORDS)
    unclosed = [signs.count(a) - signs.count(b) for a, b in _BRACKETS]
    if language == "bash":
        unclosed[0] = max(
            unclosed[0], 0
        )  # each pattern of a case ends in a bracket that none opened
    if any(abs(count) > _MOST_UNCLOSED for count in unclosed):
        return None
    if len(signs) > _MOST_PUNCTUATION * len(data):
        return None
    whole = _readable(data, language) + _tail(data, language)
    steps, limit = 0, 200 + len(whole) * _STEPS_PER_BYTE

    def is_enough(_offset: int, _failed: bool) -> bool:  # noqa: FBT001 -- the signature is the parser's
        nonlocal steps
        steps += 1
        return steps > limit

    text = ParseInput(whole)
    parser = Parser(get_language(cast("SupportedLanguage", language)))
    try:
        tree = parser.parse(text, progress_callback=is_enough)
    except ValueError:  # how the binding reports a parse that was stopped
        return None
    finally:
        text.parsed()
    return None if _has_stray_runs(tree) else tree


_CAPITALS: Final = re.compile(rb"[A-Z_][A-Z0-9_]{3,}+")
_MACRO = rb"_*[A-Z][A-Z0-9_]{3,}+"
# A line of macros and nothing else, from its first.
_ALONE: Final = re.compile(rb"%b(?:[ \t]++%b){0,99}(?=[ \t\r]*$)" % (_MACRO, _MACRO), re.MULTILINE)
# After a parameter list or a namespace; before the name of a class.
_CLOSING: Final = re.compile(_MACRO + rb"(?:\([^()\n]{0,80}\))?(?=[ \t\r]*(?:[{;:]|\n[ \t]*[{:]))")
_NAMING: Final = re.compile(_MACRO + rb"(?= \w[\w \t]{0,80}[\r\n \t]{0,80}[{:])")
_NAMED: Final = re.compile(rb"\b(?:class|struct|union) \Z")
_LONGEST_NAMED: Final = len(" struct ")


def _readable(data: bytes, language: str) -> bytes:
    """Blank the macros that a parser of C, without a preprocessor, takes for something else.

    They stand for attributes or nothing. Each word in capitals is looked at where it
    stands: one expression for all three places takes ten times as long.
    """
    if language not in ("c", "cpp"):
        return data
    pieces: list[bytes] = []
    done = line = at = 0
    for word in _CAPITALS.finditer(data):
        start = word.start()
        line = data.rfind(b"\n", at, start) + 1 or line
        at = start
        if start < done or data[start - 1 : start].isalnum():
            continue
        if line < done and not data[done:start].strip():
            continue  # the name that a macro stands before
        match = _macro(data, start, line)
        if match is not None:
            pieces += data[done:start], b" " * (match.end() - start)
            done = match.end()
    return b"".join((*pieces, data[done:])) if pieces else data


def _macro(data: bytes, start: int, line: int) -> re.Match[bytes] | None:
    """Return a macro at a place, of a line that starts at another; None for any other word."""
    before = data[max(line, start - _MOST_BLANKS) : start].rstrip(b" \t")
    if not before and (match := _ALONE.match(data, start)) is not None:
        return match
    last = before[-1:]
    if (last.isalnum() or last in (b"_", b")")) and (match := _CLOSING.match(data, start)):
        return match
    if _NAMED.search(data[max(0, start - _LONGEST_NAMED) : start]) is not None:
        return _NAMING.match(data, start)
    return None


_BRACKETS: Final = ((b"(", b")"), (b"[", b"]"), (b"{", b"}"))


def _tail(data: bytes, language: str) -> bytes:
    """Return sound code, after what closes a comment or a string left open."""
    closing = ""
    if language == "python":
        closing = "".join(
            f"\n{quote}" for quote in ('"""', "'''") if data.count(quote.encode()) % 2
        )
    elif data.rfind(b"/*") > data.rfind(b"*/"):
        closing = "\n*/"
    return (closing + TAILS[language] * _TAIL_REPEATS + "\n").encode()


def _has_stray_runs(tree: Tree) -> bool:
    waiting = [tree.root_node]
    while waiting:
        node = waiting.pop()
        if node.has_error:
            if node.is_error and node.child_count > _MOST_STRAY:
                return True
            waiting += node.children
    return False


_ROLES: Final = tuple((role.value, role) for role in Role)
_DEFINING: Final = frozenset(("function", "scope", "type", "whole"))
_SPANS: Final = ("callback", "comment", "doc", "import", "error")
_Matches = list[dict[str, list[Node]]]


def _ordered(spans: list[Span]) -> tuple[Span, ...]:
    return tuple(sorted(dict.fromkeys(spans), key=lambda span: (span.start, -span.end)))


def _span(node: Node) -> Span:
    start, end = node.byte_range
    (first, _), (row, column) = node.start_point, node.end_point
    # A node that ends at the start of a line ends with the line before.
    return Span(start, end, first + 1, row + 1 if column or row == first else row)


def _definitions(data: bytes, matches: _Matches) -> tuple[Definition, ...]:
    wholes = {c["inner"][0].start_byte: c["whole"][0] for c in matches if "whole" in c}
    found: dict[tuple[int, int], _Found] = {}
    for captures in matches:
        for name, role in _ROLES:
            if name in captures:
                node = captures[name][0]
                start, end = node.byte_range
                found.setdefault((start, -end), _Found(role, node, captures, start, end))
    return _qualify(data, [found[key] for key in sorted(found)], wholes)


class _Found(NamedTuple):
    """A definition; what its node is asked for often is read once."""

    role: Role
    node: Node
    captures: dict[str, list[Node]]
    start: int
    end: int


def _qualify(data: bytes, found: list[_Found], wholes: dict[int, Node]) -> tuple[Definition, ...]:
    result: list[Definition] = []
    size, scope = len(data), Role.SCOPE
    around: list[tuple[int, str]] = []  # end and qualified name of each open definition
    for item in found:
        role, node, captures, start, end = item
        while around and around[-1][0] <= start:
            around.pop()
        qualified = around[-1][1] if around else ""
        for part in ("owner", "name") if "owner" in captures else ("name",):
            own = _plain(_text(data, _innermost(captures[part][0])))
            qualified = f"{qualified}.{own}" if qualified and own else qualified or own
        around.append((end, qualified))
        whole = _span(wholes.get(start, node))
        name = qualified.rpartition(".")[2]
        body = captures.get("body")
        if role is scope and name not in _TEST_SCOPES:
            body = None
        # A definition that reads on into the tail is not closed in the source.
        is_closed = whole.end <= size
        last_line = whole.last_line if is_closed else data.count(b"\n") + 1
        cut = _span(body[0]) if body and is_closed else None
        places = whole.start, min(whole.end, size), whole.first_line, last_line
        result.append(Definition(name, qualified, *places, role, cut))
    return tuple(result)


@cache
def _query(language: str, *, with_errors: bool) -> Query:
    text = QUERIES[language] + ERRORS if with_errors else QUERIES[language]
    return Query(get_language(cast("SupportedLanguage", language)), text)


def _text(data: bytes, node: Node) -> str:
    start, end = node.byte_range
    return data[start:end].decode(errors="replace")


def _innermost(node: Node) -> Node:
    """Return the name inside a C declarator: ``*f(int)`` declares ``f``."""
    while node.child_count:
        inner = node.child_by_field_name("declarator")
        if inner is None and node.type in ("reference_declarator", "parenthesized_declarator"):
            inner = node.named_child(0)
        if inner is None:
            break
        node = inner
    return node


# Template and type arguments are no part of a name, nor is what macros leave before it.
_ARGUMENTS: Final = re.compile(r"[<\[].*", re.DOTALL)
_JS_HOLDERS: Final = ("module", "exports", "prototype", "this", "default")


def _plain(name: str) -> str:
    """Return a name with dots and nothing else: of ``A<T>::b``, ``*A`` and ``A.prototype.b``."""
    if name.isidentifier():  # nearly all
        return name
    if "operator" in name:
        return name.rpartition("::")[2]
    words = [_ARGUMENTS.sub("", part).split() for part in name.replace("::", ".").split(".")]
    parts = [found[-1].strip("*&") for found in words if found]
    return ".".join(part for part in parts if part not in _JS_HOLDERS) or name
