"""Paths in their order, a line for each directory: written, and read back.

What lives here: the notation, and its legend. What does not: where paths come from
(compressors/path_list.py, compressors/json_paths.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, groupby, islice, zip_longest
from typing import Final, NamedTuple

from furler_engine.shared.outline import Unfolder, fold, is_joinable, join_names, split_names
from furler_engine.shared.paths import common_root, split_path

_ROOT: Final = "[all paths start with "
_TOP: Final = "(top)"
_STAR: Final = ", * in a name is the name of its directory"
_IMPLIED: Final = ", a directory was itself listed before what is in it"
_OWN_NAME: Final = 0.25
"""Share of the names that must repeat their directory's name for `*` to stand for it."""
# A directory whose names hold no colon and open with no blank: it stands before a colon, indented.
_DIRECTORY = re.compile(r"(?![|\[])(?:(?:[^\n:/ ][^\n:/]*)?/)+")
_LINE = re.compile(r"( *)([^:\n]*):(?: (.*))?")


class Written(NamedTuple):
    """A legend for the lines of a tree of paths, in words, and the lines themselves."""

    legend: str
    lines: list[str]


def write(paths: Sequence[str]) -> Written:
    """Write every path, none with a line break, under its directory."""
    root = common_root(paths)
    inner = [path[len(root) :] for path in paths]
    leaves = _without_parents(inner)
    star = _repeats_directories(leaves)
    legend = (
        "by directory: d/: a b are d/a and d/b"
        f"{_STAR if star else ''}{_IMPLIED if len(leaves) < len(paths) else ''}"
        "; an indented directory lies in the nearest one above that is indented less"
    )
    head = [f"{_ROOT}{root}]"] if root else []
    return Written(legend, [*head, *_write(leaves, star=star)])


def read(legend: str, lines: Sequence[str]) -> Iterator[str]:
    """Yield the paths back; ``legend`` may have more in it than `write` gave."""
    root = ""
    if lines and lines[0].startswith(_ROOT):
        root, lines = lines[0][len(_ROOT) : -1], lines[1:]
    paths = _read(lines, star=_STAR in legend)
    if _IMPLIED in legend:
        paths = _with_parents(paths)
    return (root + path for path in paths)


def _without_parents(paths: list[str]) -> list[str]:
    """Drop each directory that is listed right before what is in it, if all are (find, DFS)."""
    following = chain(islice(paths, 1, None), ("",))
    leaves = [p for p, n in zip(paths, following, strict=True) if not n.startswith(f"{p}/")]
    if len(leaves) == len(paths):
        return paths
    restored = zip_longest(_with_parents(leaves), paths)
    return leaves if all(a == b for a, b in restored) else paths


def _with_parents(paths: Iterable[str]) -> Iterator[str]:
    """Yield each directory before the first path in it: the inverse of _without_parents."""
    seen = {""}
    for path in paths:
        missing = []
        above = path.rpartition("/")[0]
        while above not in seen:
            seen.add(above)
            missing.append(above)
            above = above.rpartition("/")[0]
        yield from reversed(missing)
        yield path


def _repeats_directories(paths: Sequence[str]) -> bool:
    """Whether many names repeat the name of their directory, and none has a star."""
    repeats = 0
    for directory, name in map(split_path, paths):
        if "*" in name:
            return False
        repeats += _starred(directory, name) != name
    return repeats > _OWN_NAME * len(paths)


def _starred(directory: str, name: str) -> str:
    own = directory[:-1].rpartition("/")[2]
    return name.replace(own, "*", 1) if len(own) > 2 else name


class _Group(NamedTuple):
    """Paths ``first`` to ``end`` (half-open), all of one directory, all plain or none."""

    directory: str
    is_plain: bool
    first: int
    end: int


def _groups(paths: Sequence[str]) -> Iterator[_Group]:
    directory, is_plain, is_speakable, first = "", False, True, 0
    for at, path in enumerate(paths):
        own, name = split_path(path)
        if own != directory:
            is_speakable = not own or _DIRECTORY.fullmatch(own) is not None
        plain = is_speakable and is_joinable(name)
        if own != directory or plain != is_plain:
            if at > first:
                yield _Group(directory, is_plain, first, at)
            directory, is_plain, first = own, plain, at
    yield _Group(directory, is_plain, first, len(paths))


def _write(paths: Sequence[str], *, star: bool) -> Iterator[str]:
    for plain, run in groupby(_groups(paths), key=lambda group: group.is_plain):
        groups = list(run)
        if not plain:
            yield from (f"| {path}" for group in groups for path in paths[group.first : group.end])
            continue
        for heading in fold([group.directory for group in groups]):
            indent = " " * heading.depth
            if heading.index < 0:
                yield f"{indent}{heading.relative}:"
                continue
            directory, _, first, end = groups[heading.index]
            names = [path[len(directory) :] for path in paths[first:end]]
            if star:
                names = [_starred(directory, name) for name in names]
            yield f"{indent}{heading.relative or _TOP}: {join_names(names)}"


def _read(lines: Sequence[str], *, star: bool) -> Iterator[str]:
    outline = Unfolder()
    for line in lines:
        if line.startswith("| "):
            outline = Unfolder()
            yield line[2:]
        elif match := _LINE.fullmatch(line):
            directory = outline.enter(len(match[1]), "" if match[2] == _TOP else match[2])
            if match[3] is not None:
                own = directory[:-1].rpartition("/")[2]
                for name in split_names(match[3]):
                    yield directory + (name.replace("*", own, 1) if star else name)
