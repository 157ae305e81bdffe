"""Lists of paths, as find, git ls-files or rg -l print them: each directory once.

What lives here: how a view writes paths in their order, a line for each
directory, and how that is read back. What does not: ls and tree (listing).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Final

from furler_engine.shared.outline import Unfolder, fold, is_joinable, join_names, split_names
from furler_engine.shared.paths import common_root, split_path
from furler_engine.types import Draft, Lines, LinesShown, Policy, Source

MIN_PATHS: Final = 8
_HITS: Final = 20
"""Paths that are worth printing in full when a word of the query picks them."""
_ROOT: Final = "[all paths start with "
_NAMED: Final = "[named by the query: "
_TOP: Final = "(top)"
_STAR: Final = ", * in a name is the name of its directory"
_IMPLIED: Final = ", a directory was itself listed before what is in it"
_OWN_NAME: Final = 0.25
"""Share of the names that must repeat their directory's name for `*` to stand for it."""
# A directory whose names hold no colon and open with no blank: it stands before a colon, indented.
_DIRECTORY = re.compile(r"(?![|\[])(?:(?:[^\n:/ ][^\n:/]*)?/)+")
_LINE = re.compile(r"( *)([^:\n]*):(?: (.*))?")


def plan(source: Source, policy: Policy) -> Draft | None:
    """Write every path under its directory; nothing is left out."""
    del policy
    lines = source.lines
    if len(lines) < MIN_PATHS or sum("/" in line for line in lines) < len(lines) * 0.8:
        return None
    root = common_root(lines)
    paths = [line[len(root) :] for line in lines]
    leaves = _without_parents(paths)
    implied = len(leaves) < len(paths)
    paths = leaves
    star = _repeats_directories(paths)
    head = [_legend(len(lines), star=star, implied=implied)]
    if root:
        head.append(f"{_ROOT}{root}]")
    named = _named(lines, source.hints.query)
    if named:
        head.append(f"{_NAMED}{join_names(named)}]")
    total = len(lines)
    text = "\n".join([*head, *_write(paths, star=star)])
    return Draft(text, LinesShown((Lines(1, total),), _decode), "paths", total, total)


def _legend(total: int, *, star: bool, implied: bool) -> str:
    return (
        f"[{total:,} paths in their order, by directory: d/: a b are d/a and d/b"
        f"{_STAR if star else ''}{_IMPLIED if implied else ''}"
        "; an indented directory lies in the nearest one above that is indented less]"
    )


def _without_parents(paths: list[str]) -> list[str]:
    """Drop each directory that is listed right before what is in it, if all are (find, DFS)."""
    following = [*paths[1:], ""]
    leaves = [p for p, n in zip(paths, following, strict=True) if not n.startswith(f"{p}/")]
    if len(leaves) == len(paths) or list(_with_parents(leaves)) != paths:
        return paths
    return leaves


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
    found = [split_path(path) for path in paths]
    repeats = sum(1 for directory, name in found if _starred(directory, name) != name)
    return repeats > _OWN_NAME * len(paths) and not any("*" in name for _, name in found)


def _starred(directory: str, name: str) -> str:
    own = directory[:-1].rpartition("/")[2]
    return name.replace(own, "*", 1) if len(own) > 2 else name


def _named(lines: Sequence[str], query: str) -> list[str]:
    """Paths that a telling word of the query picks, for a reader who looks for them whole."""
    named: dict[str, None] = {}
    lowered = "\n".join(lines).lower().split("\n")
    for word in dict.fromkeys(re.findall(r"[\w.-]{3,}", query.lower())):
        found = [line for line, low in zip(lines, lowered, strict=True) if word in low]
        if len(found) <= min(_HITS, len(lines) // 5):
            named.update(dict.fromkeys(found))
    return list(named)[:_HITS]


def _write(paths: Sequence[str], *, star: bool) -> Iterator[str]:
    found = [split_path(path) for path in paths]
    for plain, run in groupby(found, key=_is_plain):
        if not plain:
            yield from (f"| {directory}{name}" for directory, name in run)
            continue
        groups = [(d, [n for _, n in names]) for d, names in groupby(run, key=lambda p: p[0])]
        for heading in fold([directory for directory, _ in groups]):
            indent = " " * heading.depth
            if heading.index < 0:
                yield f"{indent}{heading.relative}:"
                continue
            directory, names = groups[heading.index]
            if star:
                names = [_starred(directory, name) for name in names]
            yield f"{indent}{heading.relative or _TOP}: {join_names(names)}"


def _is_plain(path: tuple[str, str]) -> bool:
    directory, name = path
    return is_joinable(name) and (not directory or _DIRECTORY.fullmatch(directory) is not None)


def _decode(text: str) -> Iterator[tuple[int, str]]:
    lines = text.split("\n")
    root, at = "", 1
    if lines[at].startswith(_ROOT):
        root, at = lines[at][len(_ROOT) : -1], at + 1
    if lines[at].startswith(_NAMED):
        at += 1
    paths = _read(lines[at:], star=_STAR in lines[0])
    if _IMPLIED in lines[0]:
        paths = _with_parents(paths)
    return enumerate((root + path for path in paths), 1)


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
