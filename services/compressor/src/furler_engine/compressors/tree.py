"""What tree prints: an outline without its drawn branches.

What lives here: how a view writes the tree, names without children side by
side, and how that is read back. What does not: other listings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final, NamedTuple

from furler_engine.shared.outline import is_joinable, join_names, split_names
from furler_engine.types import Draft, Lines, LinesShown, Policy, Source

MIN_BRANCHES: Final = 6


class Style(NamedTuple):
    """What a tree is drawn with: what goes down past a branch, a branch, the last branch.

    ``parent`` and ``last_parent`` are the branches of names with children, where they differ.
    """

    name: str
    down: str
    branch: str
    last: str
    parent: str
    last_parent: str

    def pattern(self) -> re.Pattern[str]:
        """Match a line: what passes it, its branch, its name."""
        down, *branches = map(re.escape, self[1:])
        return re.compile(rf"((?:{down}|{' ' * len(self.down)})*)({'|'.join(branches)})(.*)")


_STYLES: Final = (
    Style("npm tree", "│ ", "├── ", "└── ", "├─┬ ", "└─┬ "),
    Style("tree, ASCII", "|   ", "|-- ", "`-- ", "|-- ", "`-- "),
    Style("gradle tree", "|    ", "+--- ", "\\--- ", "+--- ", "\\--- "),
    Style("tree", "│\xa0\xa0 ", "├── ", "└── ", "├── ", "└── "),
    Style("tree, plain blanks", "│   ", "├── ", "└── ", "├── ", "└── "),
)
_SIGNS: Final = (("─┬ ",), ("|-- ", "`-- "), ("+--- ", "\\--- "), ("│\xa0\xa0 ",), ("",))
"""By style: what one of has to be in the text."""
_CUT: Final = "; cut off before further names at depth "


class Node(NamedTuple):
    """A name and how deep it hangs, from 1."""

    depth: int
    name: str


def plan(source: Source, policy: Policy) -> Draft | None:
    """Write the names by indentation; nothing is left out."""
    del policy
    lines = source.lines
    text = source.text
    signs = zip(_STYLES, _SIGNS, strict=True)
    style = next(style for style, some in signs if any(sign in text for sign in some))
    pattern, width = style.pattern(), len(style.down)
    matches = [pattern.fullmatch(line) for line in lines]
    for at in reversed(range(len(matches))):
        if style.parent == style.branch or not _is_barren(matches[at], style):
            break
        matches[at] = None
    found = sum(m is not None for m in matches)
    if found < max(MIN_BRANCHES, 0.6 * sum(1 for line in lines if line)):
        return None
    body: list[str] = []
    cut: list[str] = []
    for is_branch, run in groupby(zip(lines, matches, strict=True), key=lambda p: p[1] is not None):
        if is_branch:
            branches = [m for _, m in run if m]
            body += _write([Node(len(m[1]) // width + 1, m[3]) for m in branches])
            cut = _open_depths(branches, style)
        else:
            body += (f"| {line}" for line, _ in run)
    legend = (
        f"[{style.name}: what is indented lies in the name/ above it that is indented less;"
        " other names of a directory stand side by side"
        f"{_CUT + ','.join(cut) if cut else ''}]"
    )
    total = len(lines)
    view = "\n".join([legend, *body])
    return Draft(view, LinesShown((Lines(1, total),), _decode), "lines", total, total)


def _is_barren(branch: re.Match[str] | None, style: Style) -> bool:
    """Whether a branch announces children; at the end of an output, as under head, it has none."""
    return branch is not None and branch[2] in (style.parent, style.last_parent)


def _open_depths(branches: Sequence[re.Match[str]], style: Style) -> list[str]:
    """The depths at which more was to come when the output ended, as under head."""
    depths: list[str] = []
    shallowest = len(branches) + 1
    for branch in reversed(branches):
        depth = len(branch[1]) // len(style.down) + 1
        if depth < shallowest:
            shallowest = depth
            if branch[2] in (style.branch, style.parent):
                depths.append(str(depth))
    return depths


def _write(nodes: Sequence[Node]) -> Iterator[str]:
    """Yield a line for each name with children, and one for each run of names without."""
    run: list[str] = []
    for at, (depth, name) in enumerate(nodes):
        following = nodes[at + 1].depth if at + 1 < len(nodes) else 0
        leaf = following <= depth
        if leaf and is_joinable(name) and not name.endswith("/"):
            run.append(name)
            if following == depth:
                continue
        if run:
            yield f"{' ' * depth}{join_names(run)}"
        if not (run and leaf and run[-1] == name):
            yield f"{' ' * depth}{name}/"
        run = []


def _decode(text: str) -> Iterator[tuple[int, str]]:
    lines = text.split("\n")
    style = next(style for style in _STYLES if lines[0].startswith(f"[{style.name}:"))
    cut = lines[0].partition(_CUT)[2][:-1]
    more = {int(depth) for depth in cut.split(",") if depth}
    return enumerate(_read(lines[1:], style, more), 1)


def _read(lines: Sequence[str], style: Style, more: set[int]) -> Iterator[str]:
    nodes: list[Node] = []
    for line in lines:
        if not line.startswith("| "):
            body = line.lstrip(" ")
            depth = len(line) - len(body)
            names = [body[:-1]] if line.endswith("/") else split_names(body)
            nodes += (Node(depth, name) for name in names)
            continue
        yield from _drawn(nodes, style, more)
        nodes = []
        yield line[2:]
    yield from _drawn(nodes, style, more)


def _drawn(nodes: Sequence[Node], style: Style, more: set[int]) -> Iterator[str]:
    """Draw the branches: a name is the last of its directory if none of its depth follows in it.

    At the depths ``more`` another name was to follow the last one.
    """
    ends: list[bool] = []
    open_at = dict.fromkeys(more, True)
    for depth, _ in reversed(nodes):
        ends.append(not open_at.get(depth, False))
        open_at = {d: o for d, o in open_at.items() if d < depth}
        open_at[depth] = True
    ends.reverse()
    passing: list[str] = []
    following = [*(node.depth for node in nodes[1:]), 0]
    for (depth, name), is_end, after in zip(nodes, ends, following, strict=False):
        if after > depth:
            branch = style.last_parent if is_end else style.parent
        else:
            branch = style.last if is_end else style.branch
        yield f"{''.join(passing[: depth - 1])}{branch}{name}"
        passing[depth - 1 :] = [" " * len(style.down) if is_end else style.down]
