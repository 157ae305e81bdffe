"""What ls prints: names with sizes, the columns that hardly change said once.

What lives here: ls -l, -la and -lR, how a view writes them and how that is read
back. What does not: lists of names and paths (path_list), tree (tree).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final, NamedTuple

from furler_engine.shared.blocks import joined, split, through
from furler_engine.types import Draft, Lines, LinesShown, Policy, Source

MIN_ROWS: Final = 6
_DATE = (
    r"[A-Z][a-z]{2} [ \d]\d (?:\d\d:\d\d| \d{4})|\d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d\.\d+ [+-]\d{4})?"
)
_ROW = re.compile(
    rf"([bcdlps-][rwxsStT-]{{9}}[.+@]?)( +\d+) (\S+ +)(\S+ +)(\d[\d.,]*[KMGT]?) ({_DATE}) (\S.*)",
    re.ASCII,
)
_TOTAL = re.compile(r"total \d[\d.,]*[KMGT]?", re.ASCII)
_HEADER = re.compile(r"[^:]+:")
_EXCEPTION = re.compile(r"(mode|links|owner|group|size)=(\S+) ", re.ASCII)
_DATED = re.compile(rf"({_DATE}) ", re.ASCII)
_SIZED = re.compile(r"(\d[\d.,]*[KMGT]?) ", re.ASCII)
_NAMES: Final = ("mode", "links", "owner", "group", "size", "date")
_TYPES: Final = {"-": "file", "d": "dir/", "l": "link"}
_PROFILE = re.compile(
    rf"\[usual (file|dir/|link): (\S+) (\S+) (\S+) (\S+)(?: (\d[\d.,]*[KMGT]?))?(?: ({_DATE}))?\]",
    re.ASCII,
)
_USUAL: Final = 0.1
"""Share of the rows that must have a date for it to be the usual one."""


class Row(NamedTuple):
    """One entry; the columns without their padding."""

    mode: str
    links: str
    owner: str
    group: str
    size: str
    date: str
    name: str


Widths = tuple[int, int, int, int]
"""Of links and size, right-aligned, and of owner and group, left-aligned."""


@dataclass(slots=True)
class Section:
    """Rows below each other: how many, and the widths of their columns.

    ``natural`` are the widths that ls itself takes: the widest value of each column.
    The rows are read again when they are written: as objects they take ten times the
    memory of their text.
    """

    links: int
    owner: int
    sizes: int
    """Characters of the first row from its group to the end of its size."""
    natural: Widths = (1, 0, 1, 1)
    count: int = 0

    @classmethod
    def of(cls, first: re.Match[str]) -> Section:
        """Open a section with its first row, which is yet to be added."""
        return cls(len(first[2]), len(first[3]), len(first[4]) + len(first[5]))

    def add(self, row: Row) -> None:
        """Count a row."""
        links, size, owner, group = self.natural
        self.natural = (
            max(links, 1 + len(row.links)),
            max(size, len(row.size)),
            max(owner, 1 + len(row.owner)),
            max(group, 1 + len(row.group)),
        )
        self.count += 1

    @property
    def widths(self) -> Widths:
        """The widths that the rows have."""
        # Blanks between group and size belong to either: the group takes what its widest value needs.
        group = self.natural[3]
        return self.links, self.sizes - group, self.owner, group


def plan(source: Source, policy: Policy) -> Draft | None:
    """Write one row per entry; nothing is left out."""
    del policy
    lines = source.lines
    sections: dict[int, Section] = {}
    columns = _Columns()
    section: Section | None = None
    rows = other = heads = 0
    for at, line in enumerate(lines):
        heads += line[-1:] == ":" or line.startswith("total ")
        match = _ROW.fullmatch(line)
        if match is None:
            section = None
            other += bool(line)
            continue
        if section is None:
            section = sections[at] = Section.of(match)
        row = _row(match)
        section.add(row)
        columns.add(row)
        rows += 1
    if rows < MIN_ROWS or other - heads > rows:
        return None
    usual = columns.usual(rows)
    text = joined(chain(_legend(usual), _write(lines, sections, usual)))
    total = len(lines)
    return Draft(text, LinesShown((Lines(1, total),), _decode), "lines", total, total)


def _row(match: re.Match[str]) -> Row:
    mode, links, owner, group, size, date, name = match.groups()
    return Row(mode, links.strip(), owner.rstrip(), group.rstrip(), size, date, name)


def _natural(rows: Sequence[Row]) -> Widths:
    """The widths that ls itself takes: the widest value of each column."""
    return (
        1 + max(len(row.links) for row in rows),
        max(len(row.size) for row in rows),
        max(len(row.owner) for row in rows) + 1,
        max(len(row.group) for row in rows) + 1,
    )


class _Columns:
    """How often each value stands in a column, per type of entry."""

    def __init__(self) -> None:
        self._dates: Counter[str] = Counter()
        self._of: dict[str, list[Counter[str]]] = {kind: [] for kind in _TYPES}

    def add(self, row: Row) -> None:
        """Count the values of a row."""
        self._dates[row.date] += 1
        kind = row.mode[0]
        columns = self._of.get(kind)
        if columns is None:
            return
        # Sizes of files differ: only directories have a usual one.
        if not columns:
            columns += [Counter() for _ in range(5 if kind == "d" else 4)]
        for column, value in zip(columns, row, strict=False):
            column[value] += 1

    def usual(self, rows: int) -> dict[str, Row]:
        """Return the most frequent value of each column, per type; '' where none is usual."""
        [(date, count)] = self._dates.most_common(1)
        if count < _USUAL * rows:
            date = ""
        usual: dict[str, Row] = {}
        for kind, columns in self._of.items():
            if columns:
                most = [column.most_common(1)[0][0] for column in columns]
                mode, links, owner, group = most[:4]
                usual[kind] = Row(mode, links, owner, group, "".join(most[4:]), date, "")
        return usual


def _legend(usual: dict[str, Row]) -> Iterator[str]:
    yield (
        "[ls -l: one entry a row, size date name, without the date where it is the usual one;"
        " a directory ends in / and shows no size; whatever else differs from the usual is named before]"
    )
    for kind, row in usual.items():
        yield f"[usual {_TYPES[kind]}: {' '.join(value for value in row if value)}]"


def _write(
    lines: Sequence[str], sections: dict[int, Section], usual: dict[str, Row]
) -> Iterator[str]:
    at = 0
    while at < len(lines):
        section = sections.get(at)
        if section is not None:
            if section.widths != section.natural:
                yield f"[widths {' '.join(map(str, section.widths))}]"
            for line in through(lines, at, at + section.count):
                if match := _ROW.fullmatch(line):
                    yield _write_row(_row(match), usual)
            at += section.count
            continue
        header = at if at == 0 else at + 1 if lines[at] == "" else len(lines)
        if header < len(lines) and header not in sections and _HEADER.fullmatch(lines[header]):
            total = lines[header + 1] if header + 1 < len(lines) else ""
            has_total = _TOTAL.fullmatch(total) is not None
            yield f"# {lines[header][:-1]}" + (f" ({total})" if has_total else "")
            at = header + 1 + has_total
        else:
            yield f"| {lines[at]}"
            at += 1


def _type_of(name: str) -> str:
    """The type that a written name tells by itself."""
    return "l" if " -> " in name else "d" if name.endswith("/") else "-"


def _write_row(row: Row, usual: dict[str, Row]) -> str:
    kind = row.mode[0]
    name = row.name + "/" if kind == "d" else row.name
    normal = usual.get(kind) if kind == _type_of(name) else None
    said = normal or Row("", "", "", "", "", "", "")
    parts = []
    for column, value, expected in zip(_NAMES, row, said, strict=False):
        if value == expected or (column == "size" and kind != "d"):
            continue
        if column != "date":
            parts.append(f"{column}={value}")
    if kind != "d":
        parts.append(row.size)
    if row.date != said.date or _DATED.match(name):
        parts.append(row.date)
    return " ".join([*parts, name])


def _decode(text: str) -> Iterator[tuple[int, str]]:
    return enumerate(_read(split(text)), 1)


def _read(lines: Iterator[str]) -> Iterator[str]:
    usual: dict[str, Row] = {}
    next(lines)
    first = next(lines, None)
    while first is not None and (match := _PROFILE.fullmatch(first)):
        kind = next(kind for kind, name in _TYPES.items() if name == match[1])
        usual[kind] = Row(
            match[2], match[3], match[4], match[5], match[6] or "", match[7] or "", ""
        )
        first = next(lines, None)
    rows: list[Row] = []
    widths: Widths | None = None
    for number, line in enumerate(chain(() if first is None else (first,), lines)):
        if not line.startswith(("# ", "| ", "[widths ")):
            rows.append(_read_row(line, usual))
            continue
        if rows:
            yield from _aligned(rows, widths or _natural(rows))
            rows, widths = [], None
        if line.startswith("[widths "):
            links, size, owner, group = map(int, line[8:-1].split())
            widths = links, size, owner, group
        elif line.startswith("# "):
            if number:
                yield ""
            path, _, total = line[2:].rpartition(" (total ")
            yield f"{path if path and line.endswith(')') else line[2:]}:"
            if path and line.endswith(")"):
                yield f"total {total[:-1]}"
        else:
            yield line[2:]
    if rows:
        yield from _aligned(rows, widths or _natural(rows))


def _read_row(line: str, usual: dict[str, Row]) -> Row:
    given: dict[str, str] = {}
    while match := _EXCEPTION.match(line):
        given[match[1]] = match[2]
        line = line[match.end() :]
    kind = given["mode"][0] if "mode" in given else _type_of(line)
    normal = usual.get(kind) if kind == _type_of(line) else None
    said = normal or Row("", "", "", "", "", "", "")
    if kind != "d" and (sized := _SIZED.match(line)):
        given["size"], line = sized[1], line[sized.end() :]
    if dated := _DATED.match(line):
        given["date"], line = dated[1], line[dated.end() :]
    name = line[:-1] if kind == "d" else line
    values = [given.get(column, value) for column, value in zip(_NAMES, said, strict=False)]
    return Row._make([*values, name])


def _aligned(rows: Sequence[Row], widths: Widths) -> Iterator[str]:
    links, size, owner, group = widths
    for row in rows:
        yield (
            f"{row.mode}{row.links:>{links}} {row.owner:<{owner}}{row.group:<{group}}"
            f"{row.size:>{size}} {row.date} {row.name}"
        )
