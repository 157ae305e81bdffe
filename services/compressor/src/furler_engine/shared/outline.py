"""Directories as an outline: each one relative to the nearest one above it.

What lives here: the indentation of directories in the order they come, names on
one line, and the way back from both. What does not: how a view words them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from furler_engine.shared.paths import common_root


@dataclass(frozen=True, slots=True)
class Heading:
    """One line of an outline.

    ``index`` is the directory's place in the sequence; -1 for a directory that
    is only there to be shared by the next ones.
    """

    depth: int
    relative: str
    index: int


def fold(directories: Sequence[str]) -> Iterator[Heading]:
    """Yield the outline of directories, in their order. They end in their separator, or are ''."""
    above: list[str] = []
    for i, directory in enumerate(directories):
        while above and (directory == above[-1] or not directory.startswith(above[-1])):
            above.pop()
        parent = above[-1] if above else ""
        following = directories[i + 1] if i + 1 < len(directories) else ""
        shared = common_root((directory, following))
        if len(parent) < len(shared) < len(directory):
            yield Heading(len(above), shared[len(parent) :], -1)
            above.append(shared)
            parent = shared
        yield Heading(len(above), directory[len(parent) :], i)
        if directory:
            above.append(directory)


@dataclass(slots=True)
class Unfolder:
    """Reads an outline back, line by line."""

    above: list[str] = field(default_factory=list)

    def enter(self, depth: int, relative: str) -> str:
        """Return the directory a line names, given its indentation. Raises ValueError."""
        if depth > len(self.above):
            raise ValueError("an outline line is indented below nothing")
        directory = (self.above[depth - 1] if depth else "") + relative
        self.above[depth:] = [directory] if relative else []
        return directory


_PLAIN_NAME = re.compile(r"[^\s\"|]\S*")
_JOINED = re.compile(r'"([^"\n]*)"|([^ ]+)')


def is_joinable(name: str) -> bool:
    """Whether join_names can write a name so that split_names reads it back."""
    return _PLAIN_NAME.fullmatch(name) is not None or (
        name != "" and name.isprintable() and '"' not in name
    )


def join_names(names: Iterable[str]) -> str:
    """Write names with a blank between them; those that need it in double quotes."""
    return " ".join(name if _PLAIN_NAME.fullmatch(name) else f'"{name}"' for name in names)


def split_names(text: str) -> list[str]:
    """Read back what join_names wrote."""
    if '"' not in text:
        return text.split(" ")
    return [match[1] if match[2] is None else match[2] for match in _JOINED.finditer(text)]
