"""Search results, read: what grep and ripgrep print, as files with numbered lines.

What lives here: the reader of ``path:line:text``, of context lines
``path-line-text``, of ``--`` between groups, of headings as ripgrep and git
write them, of ``line:text`` where one file was searched, and the inverse. What
does not: how a view prints search results, what it leaves out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, zip_longest
from typing import Final, NamedTuple

MIN_SHARE: Final = 0.6
"""Lines with a place, of those that are not blank; the rest are notes of the tool."""
MIN_ENTRIES: Final = 3
_NUMBERED_SHARE: Final = 0.95
"""Lines of one file that must have a number: there is no path to know them by."""
_IN_A_ROW: Final = 0.8
"""Share of numbers that follow the one before, from which on a file was printed, not searched."""
_NAME_LIMIT: Final = 1024
"""Characters a path may have: PATH_MAX is 4,096 bytes, real ones end far below."""
_COLON = re.compile(rf"(.{{1,{_NAME_LIMIT}}}?):(\d{{1,9}}):", re.ASCII)
_DASH = re.compile(r"-(\d{1,9})-", re.ASCII)
_TAIL = re.compile(r"([:-])(\d{1,9})\1", re.ASCII)
_NUMBERED = re.compile(r"(\d{1,9})([:-])", re.ASCII)
# A path has a letter; its name has a blank only if it has an extension: "2026-06-22 12" is none.
_PATH = re.compile(
    r"(?=[^\n]*[^\W\d_])(?:[^\n\"'<>|;]*[/\\])?(?:[^\s/\\,\"'<>|;]+|[^/\\\n\"'<>|;]*\.[A-Za-z_]\w{0,9})\Z"
)
_DATE = re.compile(r"\W?\d{2,4}([-/.])\d\d\1\d\d|\W?\d\d:\d\d|.*[A-Z][a-z]{2} +\d{1,2} \d\d\Z")
_CLEARLY_A_PATH = re.compile(r"[^\n]*(?:[/\\][^\n]*|[^\W\d][\w-]*\.[A-Za-z]\w{0,9})\Z")
# The lookahead is bounded, the rest is one class of characters: linear.
_UNNUMBERED = re.compile(
    r"(?=[^:\s]{0,512}(?:/[^:\s/]|\.(?:py|js|ts|tsx|go|rs|java|c|h|cc|cpp|cs|rb|php|sh|sql|md|txt|json|ya?ml|toml|cfg|ini|html|css|log):))"
    r"([^\s:\"'<>|;,(){}=]{1,512}):(?!\d+[:\-]|\d+$|/)",
    re.ASCII,
)
_SEVERITY = re.compile(
    r"(?:\d+:)? ?(?:(?:fatal |internal )?(?:error|warning|note|info)\b|[A-Z]{1,4}\d{3,5} )",
    re.IGNORECASE,
)


class Entry(NamedTuple):
    """One line of a search result: a match (``:``) or its context (``-``).

    ``line`` is the line of the output it stands on, ``number`` the line of the
    file as printed there, ``text`` all that follows, a column included.
    """

    line: int
    number: str
    mark: str
    text: str


@dataclass(slots=True)
class Group:
    """Entries of one file that follow each other, their numbers never descending."""

    path: str
    entries: list[Entry] = field(default_factory=list)


class Note(NamedTuple):
    """A line of the output that has no place in a file: kept as it is."""

    line: int
    text: str


Part = Group | Note


class Form(NamedTuple):
    """What an output has besides places and texts.

    ``headings``: each file's path stands on a line of its own, and ``spaced``: with
    a blank line before it, but for the first. ``gaps``: ``--`` stands between groups
    whose numbers do not follow each other. ``one_file``: no path is printed.
    """

    headings: bool = False
    spaced: bool = False
    gaps: bool = False
    one_file: bool = False


@dataclass(frozen=True, slots=True)
class Results:
    """A whole output.

    Where its form has ``spaced`` or ``gaps``, blank lines and ``--`` stand exactly where
    `write` puts them, so they are no parts; ``separators`` are their line numbers.
    """

    parts: list[Part]
    form: Form
    separators: tuple[int, ...] = ()

    @property
    def groups(self) -> list[Group]:
        """The groups, in order."""
        return [part for part in self.parts if isinstance(part, Group)]


def is_path(text: str) -> bool:
    """Whether a text can be the path of a match: no date, no clock, no field of a table."""
    return _PATH.match(text) is not None and _DATE.match(text) is None


def is_match(line: str) -> bool:
    """Whether a line reads as ``path:line:text`` or ``path-line-text`` and is no compiler's."""
    place = _split(line, {})
    if place is None:
        return False
    path, _, mark, rest = place
    if mark == "-" and not _CLEARLY_A_PATH.match(path):
        return False
    return is_path(path) and not _SEVERITY.match(rest)


def unnumbered_path(line: str) -> str:
    """Return the path of ``path:text``, or '' where there is none or a line number follows it.

    The path has a directory or the suffix of a text file: keys and messages have colons too.
    """
    match = _UNNUMBERED.match(line)
    return match[1] if match and _DATE.match(match[1]) is None else ""


def read(lines: Sequence[str]) -> Results | None:
    """Read search results; None when too few lines have a place. Linear.

    What is read, `write` writes back line for line.
    """
    wanted = max(MIN_ENTRIES, MIN_SHARE * sum(1 for line in lines if line and line != "--"))
    has_gaps, has_blanks = "--" in lines, "" in lines
    for reader, tidy, own in (
        (_read_flat, Form(gaps=has_gaps), 0),
        (_read_headings, Form(headings=True, spaced=has_blanks, gaps=has_gaps), 1),
    ):
        for form in dict.fromkeys((tidy, Form(headings=tidy.headings))):
            results = reader(lines, form)
            if sum(len(group.entries) + own for group in results.groups) < wanted:
                continue
            if not (form.gaps or form.spaced) or _is_written_back(results, lines):
                return results
    return _read_one_file(lines, has_gaps=has_gaps)


def _is_written_back(results: Results, lines: Sequence[str]) -> bool:
    return all(a == b for a, b in zip_longest(write(results.parts, results.form), lines))


def write(parts: Iterable[Part], form: Form) -> Iterator[str]:
    """Yield the lines of the output that parts were read from: the inverse of `read`."""
    path, last, first = "", -1, True
    for at, part in enumerate(parts):
        if isinstance(part, Note):
            yield part.text
            first = True
            continue
        if form.headings:
            if form.spaced and at:
                yield ""
            yield part.path
            path, last, first = part.path, -1, True
        prefix = "" if form.headings else part.path
        for _, number, mark, text in part.entries:
            if form.gaps:
                place = int(number)
                if not first and (path != part.path or place != last + 1):
                    yield "--"
                path, last = part.path, place
            first = False
            yield f"{prefix}{mark}{number}{mark}{text}" if prefix else f"{number}{mark}{text}"


def _split(line: str, known: dict[str, bool]) -> tuple[str, str, str, str] | None:
    """Split a line into (path, number, mark, text), or None.

    Of several readings the one whose path is ``known`` wins, then the first
    ``:number:``, then the first ``-number-``.
    """
    first = None
    for match in _DASH.finditer(line, 1, _NAME_LIMIT):
        if known.get(line[: match.start()]):
            return line[: match.start()], match[1], "-", line[match.end() :]
        first = first or match
    colon = _COLON.match(line)
    if colon and (first is None or colon.end(1) < first.start() or is_path(colon[1])):
        return colon[1], colon[2], ":", line[colon.end() :]
    if first is not None:
        return line[: first.start()], first[1], "-", line[first.end() :]
    return None


def _known_paths(lines: Sequence[str]) -> dict[str, bool]:
    """Whether what stands before a ``:number:`` is a path; with ``-number-`` in it, it may be context."""
    known: dict[str, bool] = {}
    doubtful: dict[str, None] = {}
    for line in lines:
        path, _, rest = line.partition(":")
        if path not in known and rest[:1].isdigit() and _TAIL.match(line, len(path)):
            if _DASH.search(path, 1, _NAME_LIMIT):
                doubtful[path] = None
            else:
                known[path] = is_path(path)
    for path in sorted(doubtful, key=len):
        heads = (path[: match.start()] for match in _DASH.finditer(path, 1, _NAME_LIMIT))
        if not any(known.get(head) for head in heads):
            known[path] = is_path(path)
    return known


def _read_flat(lines: Sequence[str], form: Form) -> Results:
    known = _known_paths(lines)
    parts: list[Part] = []
    separators: list[int] = []
    group = Group("")
    path, last = "", -1
    numbers: dict[str, str] = {}
    for at, line in enumerate(lines, 1):
        if form.gaps and line == "--":
            separators.append(at)
            continue
        tail = _TAIL.match(line, len(path)) if path and line.startswith(path) else None
        if tail is not None:
            mark, number = tail.groups()
            text = line[tail.end() :]
        else:
            place = _split(line, known) if line else None
            if place is None or not known.setdefault(place[0], is_path(place[0])):
                parts.append(Note(at, line))
                group, path = Group(""), ""
                continue
            path, number, mark, text = place
        place_in_file = int(number)
        if path != group.path or place_in_file < last:
            group = Group(path)
            parts.append(group)
        last = place_in_file
        # Equal numbers are one object: each takes as much memory as its line.
        group.entries.append(Entry(at, numbers.setdefault(number, number), mark, text))
    return Results(parts, form, tuple(separators))


def _read_headings(lines: Sequence[str], form: Form) -> Results:
    parts: list[Part] = []
    separators: list[int] = []
    group: Group | None = None
    for at, line in enumerate(lines, 1):
        numbered = _NUMBERED.match(line)
        if numbered and group is not None:
            entry = Entry(at, numbered[1], numbered[2], line[numbered.end() :])
            group.entries.append(entry)
        elif form.gaps and line == "--" and group is not None:
            separators.append(at)
        elif form.spaced and line == "" and _opens_file(lines, at + 1, is_inside=False):
            separators.append(at)
            group = None
        elif _opens_file(lines, at, is_inside=group is not None):
            group = Group(line)
            parts.append(group)
        else:
            group = None
            parts.append(Note(at, line))
    return Results(parts, form, tuple(separators))


def _opens_file(lines: Sequence[str], at: int, *, is_inside: bool) -> bool:
    """Whether line ``at`` is a path with numbered lines below it; ``is_inside``: and above it."""
    if at >= len(lines) or _NUMBERED.match(lines[at]) is None or not is_path(lines[at - 1]):
        return False
    if is_inside:
        return _CLEARLY_A_PATH.match(lines[at - 1]) is not None
    return at == 1 or lines[at - 2] == ""


def _read_one_file(lines: Sequence[str], *, has_gaps: bool) -> Results | None:
    """Read the matches of a file that is not named; None where they can be anything else."""
    for form in dict.fromkeys((Form(gaps=has_gaps, one_file=True), Form(one_file=True))):
        results = _read_numbered(lines, form)
        if results is None:
            return None
        if not form.gaps or _is_written_back(results, lines):
            return results
    return None


def _read_numbered(lines: Sequence[str], form: Form) -> Results | None:
    parts: list[Part] = []
    separators: list[int] = []
    group: Group | None = None
    last = -1
    for at, line in enumerate(lines, 1):
        numbered = _NUMBERED.match(line)
        if numbered is not None:
            if int(numbered[1]) <= last:
                return None
            last = int(numbered[1])
            if group is None:
                parts.append(group := Group(""))
            group.entries.append(Entry(at, numbered[1], numbered[2], line[numbered.end() :]))
        elif form.gaps and line == "--":
            separators.append(at)
        else:
            group = None
            parts.append(Note(at, line))
            # The rest is not looked at where it cannot be enough any more.
            if len(parts) > MIN_ENTRIES + 2 * (1 - _NUMBERED_SHARE) * len(lines):
                return None
    entries = [e for part in parts if isinstance(part, Group) for e in part.entries]
    enough = len(entries) >= max(MIN_ENTRIES, _NUMBERED_SHARE * (len(lines) - len(separators)))
    matches = sum(e.mark == ":" for e in entries)
    if not enough or not matches or (matches == len(entries) and _is_printed(entries)):
        return None
    return Results(parts, form, tuple(separators))


def _is_printed(entries: Sequence[Entry]) -> bool:
    """Whether nearly all lines of a file stand there, as a tool shows one that numbers its lines."""
    following = sum(int(a.number) + 1 == int(b.number) for a, b in pairwise(entries))
    return following >= _IN_A_ROW * (len(entries) - 1)
