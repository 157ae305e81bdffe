"""Search results: one heading per file, repeated texts once, every place kept.

What lives here: how a view writes search results, and how that is read back.
What does not: reading the output of the search tool (shared.grep), and which texts
the eliding view leaves out (shared.match_choice).

A pattern is the caller's own filter: no match is ever dropped. The eliding view
still shows the file and line number of every match; it leaves out texts that
are much like one shown, ends of long ones, and context.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain, pairwise
from typing import Final

from furler_engine.markers import format_place
from furler_engine.shared.blocks import joined, split
from furler_engine.shared.grep import Entry, Form, Group, Note, Part, Results, read, write
from furler_engine.shared.located import located, spans
from furler_engine.shared.match_choice import (
    BARE,
    CAREFUL,
    TIGHT,
    Limits,
    careful,
    hides_little,
    named,
    select,
)
from furler_engine.shared.numbered import cleaned_lines
from furler_engine.shared.paths import common_root
from furler_engine.types import Draft, Elision, Kind, Level, Lines, LinesShown, Policy, Source

_HEADED: Final = "each path stood above its lines"
_SPACED: Final = "blank lines left out"
_GAPS: Final = "separators left out"
_ONE_FILE: Final = " in one file, which was not named."
_ROOT: Final = "[all paths start with "
# A path that can stand before :number: and be told from every other line of a view.
_PLAIN_PATH = re.compile(r"(?!also )[A-Za-z_./][\w./@+-]*")
_ROW = re.compile(r"(\d{1,9}(?:,\d{1,9})*)(?:([:-])| (=[A-Z]{1,2})(:|\Z))", re.ASCII)
_SINGLE = re.compile(
    r"((?!also )[A-Za-z_./][\w./@+-]*):(\d{1,9})(?:(:)| (=[A-Z]{1,2})(:|\Z))", re.ASCII
)
_HIDDEN_SINGLE = re.compile(r"((?!also )[A-Za-z_./][\w./@+-]*):\d{1,9} \[L\d+\]", re.ASCII)
_PLACE = re.compile(r" \[L\d+(?:-\d+)?\]\Z", re.ASCII)
_MANY: Final = 20_000
"""Entries."""


def plan(source: Source, policy: Policy) -> Draft | None:
    """Rewrite all lines under one heading per file; nothing is left out."""
    del policy
    results = source.derived(_results)
    if results is None:
        return None
    total = len(source.lines)
    text = joined(_View(results, None).lines())
    shown = LinesShown((Lines(1, total),), _decode_all, cleaned=_is_coloured(source))
    return Draft(text, shown, "lines", total, total)


def plan_eliding(source: Source, policy: Policy) -> Draft | None:
    """Show every place, but only some texts: see match_choice.Limits."""
    results = source.derived(_results)
    if results is None:
        return None
    steps: list[Limits] = [CAREFUL, TIGHT, BARE]
    if not policy.target_tokens:
        is_tight = policy.level(Kind.SEARCH_RESULTS) is Level.TIGHT
        usual = TIGHT if is_tight else careful(results)
        if usual is None:
            return None
        steps = [usual]
    for limits in steps:
        shown = select(results, source.hints.query, limits)
        if not policy.target_tokens and (
            _is_whole(results, shown) or (not policy.disabled and hides_little(results, shown))
        ):
            return None
        view = _View(results, shown, limits.width)
        text = joined(view.lines())
        if len(text) <= 3 * policy.target_tokens:  # about three characters to a token of such text
            break
    return _eliding_draft(source, results, shown, text)


def _results(source: Source) -> Results | None:
    return read(_lines(source))


def _is_coloured(source: Source) -> bool:
    return "\x1b[" in source.text


def _lines(source: Source) -> Sequence[str]:
    """Return the lines, without colours; the ends of lines from Windows stay."""
    return cleaned_lines(source) if _is_coloured(source) else source.lines


def _is_whole(results: Results, shown: set[int]) -> bool:
    entries = sum(len(group.entries) for group in results.groups)
    return entries == len(shown) and not results.separators


def _eliding_draft(source: Source, results: Results, shown: set[int], text: str) -> Draft | None:
    total = len(source.lines)
    if results.form.headings:
        shown |= _heading_lines(results)
    shown |= {part.line for part in results.parts if isinstance(part, Note)}
    kept = spans(sorted(shown))
    starts = {group.entries[0].line for group in results.groups}
    left_out = _within(spans(n for n in range(1, total + 1) if n not in shown), starts)
    if not left_out:
        return None
    elisions = tuple(Elision(place, "texts of matches, context, separators") for place in left_out)
    form = results.form._replace(spaced=False, gaps=False)

    def decode(view: str) -> Iterator[tuple[int, str]]:
        lines = write(_read_parts(split(view)), form)
        return located(lines, _lines(source), kept)

    coverage = LinesShown(kept, decode, cleaned=_is_coloured(source))
    return Draft(text, coverage, "lines", total, len(shown), elisions)


def _within(ranges: tuple[Lines, ...], starts: set[int]) -> list[Lines]:
    """Cut ranges where a group starts, so that each lies beside one path of the view."""
    pieces = []
    for place in ranges:
        first = place.first
        for at in range(place.first + 1, place.last + 1):
            if at in starts:
                pieces.append(Lines(first, at - 1))
                first = at
        pieces.append(Lines(first, place.last))
    return pieces


def _heading_lines(results: Results) -> set[int]:
    return {group.entries[0].line - 1 for group in results.groups if group.entries}


Row = tuple[str, str, str]
"""Line numbers that share a text, with commas between; its mark; the text."""


class _View:
    """One view being written; ``shown`` None means every text."""

    def __init__(self, results: Results, shown: set[int] | None, width: int = 0) -> None:
        self.results = results
        self.shown = shown
        self.width = width
        paths = {group.path: True for group in results.groups}
        self.files = len(paths)
        self.root = common_root(paths) if len(paths) > 1 else ""
        marks = Counter(e.mark for group in results.groups for e in group.entries)
        self.matches, self.context = marks[":"], marks["-"]
        # To keep the rows of many entries takes as much memory as the results: they are made twice.
        self.kept = [self._rows(g) for g in results.groups] if marks.total() <= _MANY else None
        self.merged = False
        counts: Counter[str] = Counter()
        for rows in self._all_rows():
            self.merged = self.merged or any("," in numbers for numbers, _, _ in rows)
            counts.update([text for _, mark, text in rows if mark == ":"])
        self.names = _names(counts)
        self.named: set[str] = set()

    def lines(self) -> Iterator[str]:
        """Yield the lines of the view."""
        yield self._legend()
        if self.root:
            yield f"{_ROOT}{self.root}]"
        rows = self._all_rows()
        for part in self.results.parts:
            if isinstance(part, Note):
                yield f"| {part.text}"
            else:
                yield from self._group(part, next(rows))

    def _all_rows(self) -> Iterator[list[Row]]:
        return iter(self.kept) if self.kept is not None else map(self._rows, self.results.groups)

    def _rows(self, group: Group) -> list[Row]:
        entries = group.entries
        if self.shown is not None:
            entries = [e for e in entries if e.line in self.shown]
        return _rows(entries, merge=not self.context)

    def _legend(self) -> str:
        says = [f"[search results: {self.matches:,} matches"]
        if self.context:
            says.append(f" and {self.context:,} lines of context")
        one = self.results.form.one_file
        says.append(
            f"{_ONE_FILE} Line" if one else f" in {self.files:,} files. Below each # path: line"
        )
        says.append(" number:text")
        if self.context:
            says.append(", number-text is context")
        if self.merged:
            says.append("; 12,40:text is the same text on lines 12 and 40")
        if self.names:
            says.append("; =A:text names a text, a lone =A stands for it")
        form = self.results.form
        for has, said in ((form.headings, _HEADED), (form.spaced, _SPACED), (form.gaps, _GAPS)):
            says += [f"; {said}"] * has
        if self.shown is not None:
            says.append(self._left_out(self.shown))
        return "".join(says) + "]"

    def _left_out(self, shown: set[int]) -> str:
        hidden = Counter(
            e.mark for g in self.results.groups for e in g.entries if e.line not in shown
        )
        says = []
        if hidden[":"]:
            says.append(
                f"; every match is listed, {hidden[':']:,} without its full text:"
                ' "also 7,9" are such matches, on lines 7 and 9 of the file, 7~text… is cut'
            )
            if self.results.form.one_file:
                says.append(
                    ', "also def: 7 name" says what line 7 defines; match="^7[:-]" gives it'
                )
        if hidden["-"]:
            says.append(f"; {hidden['-']:,} lines of context are left out")
        if not self.results.form.one_file:
            says.append(
                "; [L3-8] after a path are the lines of this output that hold its matches in full"
            )
        return "".join(says)

    def _group(self, group: Group, rows: list[Row]) -> Iterator[str]:
        path = group.path.removeprefix(self.root)
        place = self._place(group)
        if len(group.entries) == 1 and group.entries[0].mark == ":" and _PLAIN_PATH.fullmatch(path):
            yield f"{path}:{self._row(rows[0]) if rows else group.entries[0].number + place}"
            return
        if not self.results.form.one_file:
            yield f"# {path}{place}"
        for row in rows:
            yield self._row(row)
        if place:
            yield from self._hidden(group)

    def _place(self, group: Group) -> str:
        if self.shown is None or all(e.line in self.shown for e in group.entries):
            return ""
        return f" [{format_place(Lines(group.entries[0].line, group.entries[-1].line))}]"

    def _hidden(self, group: Group) -> Iterator[str]:
        shown = self.shown or set()
        hidden = [e for e in group.entries if e.mark == ":" and e.line not in shown]
        also: list[str] = []
        defined: dict[str, list[str]] = {}
        for e in hidden:
            if len(e.text) > self.width:
                yield f"{e.number}~{e.text[: self.width]}…"
            elif self.results.form.one_file and (what := named(e.text)):
                defined.setdefault(what[0], []).append(f"{e.number} {what[1]}")
            else:
                also.append(e.number)
        yield from (f"also {word}: {', '.join(names)}" for word, names in defined.items())
        if also:
            yield f"also {','.join(also)}"

    def _row(self, row: Row) -> str:
        numbers, mark, text = row
        name = self.names.get(text) if mark == ":" else None
        if name is None:
            return f"{numbers}{mark}{text}"
        if name in self.named:
            return f"{numbers} {name}"
        self.named.add(name)
        return f"{numbers} {name}:{text}"


def _rows(entries: list[Entry], *, merge: bool) -> list[Row]:
    numbers = [int(e.number) for e in entries]
    if not merge or any(a >= b for a, b in pairwise(numbers)):
        return [(e.number, e.mark, e.text) for e in entries]
    # Most texts stand once: their numbers are no lists, which take more memory than the lines.
    found: dict[str, str | list[str]] = {}
    for e in entries:
        before = found.setdefault(e.text, e.number)
        if before is e.number:
            continue
        if isinstance(before, str):
            found[e.text] = [before, e.number]
        else:
            before.append(e.number)
    mark = entries[0].mark if entries else ":"
    return [(of if isinstance(of, str) else ",".join(of), mark, t) for t, of in found.items()]


def _names(counts: Counter[str]) -> dict[str, str]:
    """Name the texts that stand in several places and are long enough to be worth it."""
    # In characters, four to a token; a look-up costs the reader more than the tokens saved by two uses.
    worth = [t for t, n in counts.items() if n > 1 and (n - 1) * len(t) > max(12 * (n + 1), 72)]
    names: dict[str, str] = {}
    for text in worth[: 26 * 27]:
        names[text] = "=" + _letters(len(names))
    return names


def _letters(index: int) -> str:
    first, second = divmod(index, 26)
    return (chr(64 + first) if first else "") + chr(65 + second)


def _decode_all(text: str) -> Iterator[tuple[int, str]]:
    """Read the whole output back from a view that leaves nothing out."""
    legend = text.partition("\n")[0]
    form = Form(_HEADED in legend, _SPACED in legend, _GAPS in legend, _ONE_FILE in legend)
    return enumerate(write(_read_parts(split(text)), form), 1)


def _read_parts(lines: Iterator[str]) -> Iterator[Part]:
    """Read groups and notes back from the lines of a view; what it leaves out is not there."""
    root = ""
    texts: dict[str, str] = {}
    one_file = _ONE_FILE in next(lines, "")
    second = next(lines, "")
    if second.startswith(_ROOT):
        root = second[len(_ROOT) : -1]
    else:
        lines = chain((second,), lines)
    group: Group | None = None

    def text_of(line: str, match: re.Match[str], name: str, colon: str | None) -> str:
        return texts.setdefault(name, line[match.end() :]) if colon else texts[name]

    for line in lines:
        row = _ROW.match(line)
        if row is not None and group is None and one_file:
            group = Group("")
        if row is not None and group is not None:
            numbers, mark, name, colon = row.groups()
            text = line[row.end() :] if name is None else text_of(line, row, name, colon)
            group.entries += [Entry(0, n, mark or ":", text) for n in numbers.split(",")]
            continue
        if group is not None:
            group.entries.sort(key=lambda e: int(e.number))
            yield group
            group = None
        if line.startswith("# "):
            group = Group(root + _PLACE.sub("", line[2:]))
        elif line.startswith("| "):
            yield Note(0, line[2:])
        elif single := _SINGLE.match(line):
            name = single[4]
            text = line[single.end() :] if name is None else text_of(line, single, name, single[5])
            yield Group(root + single[1], [Entry(0, single[2], ":", text)])
        elif hidden := _HIDDEN_SINGLE.fullmatch(line):
            yield Group(root + hidden[1])  # its path may have stood on a line of its own
    if group is not None:
        group.entries.sort(key=lambda e: int(e.number))
        yield group
