"""What ls prints: names with sizes, the columns that hardly change said once.

What lives here: ls -l, -la and -lR, how a view writes them and how that is read
back. What does not: lists of names and paths (path_list), tree (tree).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

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


@dataclass(frozen=True, slots=True)
class Section:
    """Rows below each other: the lines ``first`` to ``last`` of a listing, from 0, half-open."""

    rows: list[Row]
    widths: Widths


def plan(source: Source, policy: Policy) -> Draft | None:
    """Write one row per entry; nothing is left out."""
    del policy
    lines = source.lines
    matches = [_ROW.fullmatch(line) for line in lines]
    rows = sum(m is not None for m in matches)
    other = sum(1 for line, m in zip(lines, matches, strict=True) if m is None and line)
    heads = sum(1 for line in lines if line[-1:] == ":" or line.startswith("total "))
    if rows < MIN_ROWS or other - heads > rows:
        return None
    sections = _sections(matches)
    usual = _usual([row for section in sections.values() for row in section.rows])
    text = "\n".join([*_legend(usual), *_write(lines, sections, usual)])
    total = len(lines)
    return Draft(text, LinesShown((Lines(1, total),), _decode), "lines", total, total)


def _sections(matches: Sequence[re.Match[str] | None]) -> dict[int, Section]:
    """Group rows that touch each other, by the index of the first."""
    sections: dict[int, Section] = {}
    run: list[re.Match[str]] = []
    for at, match in enumerate([*matches, None]):
        if match is not None:
            run.append(match)
        elif run:
            sections[at - len(run)] = _section(run)
            run = []
    return sections


def _section(run: list[re.Match[str]]) -> Section:
    rows = [
        Row(m[1], m[2].strip(), m[3].rstrip(), m[4].rstrip(), m[5].strip(), m[6], m[7]) for m in run
    ]
    # Blanks between group and size belong to either: the group takes what its widest value needs.
    first = run[0]
    group = max(len(row.group) for row in rows) + 1
    size = len(first[4]) + len(first[5]) - group
    return Section(rows, (len(first[2]), size, len(first[3]), group))


def _natural(rows: Sequence[Row]) -> Widths:
    """The widths that ls itself takes: the widest value of each column."""
    return (
        1 + max(len(row.links) for row in rows),
        max(len(row.size) for row in rows),
        max(len(row.owner) for row in rows) + 1,
        max(len(row.group) for row in rows) + 1,
    )


def _usual(rows: Sequence[Row]) -> dict[str, Row]:
    """The most frequent value of each column, per type of entry; '' where none is usual."""
    usual: dict[str, Row] = {}
    [(date, count)] = Counter(row.date for row in rows).most_common(1)
    if count < _USUAL * len(rows):
        date = ""
    for kind in _TYPES:
        mine = [row for row in rows if row.mode[0] == kind]
        if not mine:
            continue
        columns = [Counter(values).most_common(1)[0][0] for values in zip(*mine, strict=True)]
        mode, links, owner, group, size, _, _ = columns
        usual[kind] = Row(mode, links, owner, group, size if kind == "d" else "", date, "")
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
            if section.widths != _natural(section.rows):
                yield f"[widths {' '.join(map(str, section.widths))}]"
            yield from (_write_row(row, usual) for row in section.rows)
            at += len(section.rows)
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
    return enumerate(_read(text.split("\n")), 1)


def _read(lines: Sequence[str]) -> Iterator[str]:
    usual: dict[str, Row] = {}
    at = 1
    while match := _PROFILE.fullmatch(lines[at]):
        kind = next(kind for kind, name in _TYPES.items() if name == match[1])
        usual[kind] = Row(
            match[2], match[3], match[4], match[5], match[6] or "", match[7] or "", ""
        )
        at += 1
    rows: list[Row] = []
    widths: Widths | None = None
    for number, line in enumerate([*lines[at:], "| "]):
        structure = line[:2] in ("# ", "| ") or line.startswith("[widths ")
        if not structure:
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
        elif number < len(lines) - at:
            yield line[2:]


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
