"""What ls -R prints: each directory with its names on one line.

What lives here: how a view writes it and how that is read back. What does not:
rows with sizes (listing), lists of whole paths (path_list), tree (tree).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from furler_engine.shared.outline import Unfolder, fold, is_joinable, join_names, split_names
from furler_engine.types import Draft, Lines, LinesShown, Policy, Source

MIN_DIRECTORIES: Final = 2
_EMPTY: Final = "-"
_SORTED: Final = ", names of directories stand only as lines below it"
# No colon, no name that opens with a blank, no separator at the end: it stands before a colon, indented.
_DIRECTORY = re.compile(r"/?[^\n:/ ][^\n:/]*(?:/[^\n:/ ][^\n:/]*)*")

Section = tuple[str, list[str]]
"""A directory, without a separator at its end, and its names."""


def plan(source: Source, policy: Policy) -> Draft | None:
    """Write a line per directory; nothing is left out."""
    del policy
    sections = _sections(source.lines)
    if sections is None:
        return None
    short = _without_directories(sections)
    total = len(source.lines)
    lines = [_legend(sections, implied=short is not sections), *_write(short)]
    return Draft("\n".join(lines), LinesShown((Lines(1, total),), _decode), "lines", total, total)


def _legend(sections: Sequence[Section], *, implied: bool) -> str:
    names = sum(len(names) for _, names in sections)
    return (
        f"[ls -R: {names:,} names in {len(sections):,} directories; d/: a b are d/a and d/b, {_EMPTY} is none"
        f"{_SORTED if implied else ''}; an indented directory lies in the nearest one above that is indented less]"
    )


def _sections(lines: Sequence[str]) -> list[Section] | None:
    """Read a listing that is nothing but headed sections with a blank line between."""
    sections: list[Section] = []
    opens = True
    for line in lines:
        if opens:
            path = line[:-1]
            if not line.endswith(":") or not _DIRECTORY.fullmatch(path):
                return None
            sections.append((path, []))
            opens = False
        elif line == "":
            opens = True
        elif line == _EMPTY or not is_joinable(line):
            return None
        else:
            sections[-1][1].append(line)
    return sections if len(sections) >= MIN_DIRECTORIES and not opens else None


def _without_directories(sections: list[Section]) -> list[Section]:
    """Leave out names that have a section of their own, if sorting puts them back."""
    inner = _inner(sections)
    short = [(path, [n for n in names if n not in inner[path]]) for path, names in sections]
    return short if _with_directories(short) == sections else sections


def _with_directories(sections: Sequence[Section]) -> list[Section]:
    inner = _inner(sections)
    return [(path, sorted([*names, *inner[path]])) for path, names in sections]


def _inner(sections: Sequence[Section]) -> dict[str, dict[str, None]]:
    inner: dict[str, dict[str, None]] = {path: {} for path, _ in sections}
    for path, _ in sections:
        above, _, name = path.rpartition("/")
        if above in inner:
            inner[above][name] = None
    return inner


def _write(sections: Sequence[Section]) -> Iterator[str]:
    for heading in fold([f"{path}/" for path, _ in sections]):
        if heading.index < 0:
            yield f"{' ' * heading.depth}{heading.relative}:"
            continue
        names = sections[heading.index][1]
        yield f"{' ' * heading.depth}{heading.relative}: {join_names(names) or _EMPTY}"


def _decode(text: str) -> Iterator[tuple[int, str]]:
    lines = text.split("\n")
    outline = Unfolder()
    sections: list[Section] = []
    for line in lines[1:]:
        directory, _, names = line.partition(":")
        relative = directory.lstrip(" ")
        path = outline.enter(len(directory) - len(relative), relative)
        if names:
            sections.append((path[:-1], [] if names[1:] == _EMPTY else split_names(names[1:])))
    if _SORTED in lines[0]:
        sections = _with_directories(sections)
    return enumerate(_lines(sections), 1)


def _lines(sections: Sequence[Section]) -> Iterator[str]:
    for at, (path, names) in enumerate(sections):
        if at:
            yield ""
        yield f"{path}:"
        yield from names
