"""Lists of paths, as find, git ls-files or rg -l print them: each directory once.

What lives here: how a view writes paths in their order, a line for each
directory, and how that is read back. What does not: ls and tree (listing).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, groupby, islice, zip_longest
from typing import Final, NamedTuple

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


def _named(lines: Sequence[str], query: str) -> list[str]:
    """Paths that a telling word of the query picks, for a reader who looks for them whole."""
    if not query:
        return []
    named: dict[str, None] = {}
    lowered = "\n".join(lines).lower().split("\n")
    for word in dict.fromkeys(re.findall(r"[\w.-]{3,}", query.lower())):
        found = [line for line, low in zip(lines, lowered, strict=True) if word in low]
        if len(found) <= min(_HITS, len(lines) // 5):
            named.update(dict.fromkeys(found))
    return list(named)[:_HITS]


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
