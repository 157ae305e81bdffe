"""Where a compiler's or linter's message points to: file and line, in any tool's notation.

What lives here: reading places from lines, and writing many of them shortly.
What does not: which messages belong together.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

# What follows the file: (12,3) or :12:3 or :[12,3] or ", line 12 or ",12 or |12| or (at line 12).
_LINE: Final = re.compile(
    r"\((?:at line )?(\d{1,7})(?:[,:|.\-]\d+)*\)|:\[?(\d{1,7})(?:[:,.]\d+)?\]?(?![\w.])"
    r"|\|(\d{1,7})\||\"?, ?[Ll]ine[ :](\d{1,7})|\", ?(\d{1,7})(?!\w)|,(\d{1,7})\|| \(at line (\d{1,7})\)"
)
_BOUNDS: Final = " \t:\"'(),|<>[]"
_LONG_FOLDER: Final = 12
"""Characters of a common folder that are worth saying once."""
_LONGEST_FILE: Final = 240
_ARROW: Final = re.compile(r"\s*(?:-->|:::) (.+):(\d{1,7}):\d+$")
_LISTED: Final = re.compile(r"\s+(\d{1,7}):\d+\s+(?:error|warning|info)\b")

_CARETS: Final = re.compile(r"\s*\^-*\^? (?=SC\d+ \()")
_IN_LINE: Final = re.compile(r"In (.+) line (\d{1,7}):$")
_EXCERPT: Final = 12
"""Lines from shellcheck's place to a message under it: a source line, and other messages of that line."""
_CODE: Final = re.compile(
    r"(?:^|[\s\[(])([A-Z]{1,8}\d{2,6})\b|\[(-?[A-Za-z][\w.,=+\-]*)\]$|\(([a-z]\w*(?:-\w+)+)\)$"
)


class Place(NamedTuple):
    """A file as the tool names it, and a line in it."""

    file: str
    line: int


def place_span(line: str) -> tuple[Place, int, int] | None:
    """Return the first place a line names, and where it stands in the line."""
    for match in _LINE.finditer(line):
        start = _file_start(line, match.start())
        file = line[start : match.start()]
        # An address with a port is no file, nor is 12.5:30.
        if (
            ("." in file or "/" in file)
            and not file.startswith("//")
            and any(map(str.isalpha, file))
        ):
            return Place(file, int(match[match.lastindex or 0])), start, match.end()
    return None


def _file_start(line: str, end: int) -> int:
    low = max(0, end - _LONGEST_FILE)
    start = max(line.rfind(bound, low, end) for bound in _BOUNDS) + 1
    drive = start - 2
    if start > 1 and line[start - 1] == ":" and line[start : start + 1] in ("/", "\\"):
        alone = drive == 0 or line[drive - 1] in _BOUNDS
        return drive if alone and line[drive].isalpha() else start
    return max(start, low)


def pointed_at(line: str) -> Place | None:
    """Return the place of rustc's ``--> file:line:column``."""
    match = _ARROW.match(line)
    return Place(match[1], int(match[2])) if match else None


def listed_line(line: str) -> int | None:
    """Return the line number of eslint's ``12:3  error …``, whose file stands above."""
    match = _LISTED.match(line)
    return int(match[1]) if match else None


def above_carets(row: int, lines: Sequence[str]) -> tuple[Place, str, list[int]] | None:
    """Read shellcheck's ``^--^ SC2086 (info): …``: its place above, its words, and the rows between."""
    carets = _CARETS.match(lines[row])
    if carets is None:
        return None
    for above in range(row - 1, max(-1, row - _EXCERPT), -1):
        if found := _IN_LINE.match(lines[above]):
            # Messages of one line share it: each row is the context of one.
            source = [at for at in range(above, row) if not _CARETS.match(lines[at])]
            return Place(found[1], int(found[2])), lines[row][carets.end() :], source
        if not lines[above].strip():
            return None
    return None


def code_of(message: str) -> str:
    """Return the code that a message begins with (E501, TS2339) or ends with ([-Wunused], (no-member)); or nothing."""
    found = _CODE.search(message)
    return found[found.lastindex or 0] if found else ""


def say_places(places: Iterable[Place]) -> str:
    """Write every place, by file: ``a.py 1-3 7 9×2; b.py 4``; a long common folder once."""
    files: dict[str, dict[int, int]] = {}
    for place in places:
        counts = files.setdefault(place.file, {})
        counts[place.line] = counts.get(place.line, 0) + 1
    folder = _common_folder(files)
    said = "; ".join(
        f"{file[len(folder) :]} {' '.join(_runs(counts))}" for file, counts in files.items()
    )
    return f"{folder}: {said}" if folder else said


def _common_folder(files: Iterable[str]) -> str:
    low, high = min(files), max(files)
    size = 0
    for at, (a, b) in enumerate(zip(low, high, strict=False)):
        if a != b:
            break
        if a in "/\\":
            size = at + 1
    return low[:size] if low != high and size >= _LONG_FOLDER else ""


def _runs(counts: dict[int, int]) -> Iterable[str]:
    """Yield line numbers ascending, runs of three or more as a range."""
    lines = sorted(counts)
    breaks = [0] + [
        at
        for at, (a, b) in enumerate(pairwise(lines), 1)
        if b != a + 1 or counts[a] > 1 or counts[b] > 1
    ]
    for start, end in pairwise([*breaks, len(lines)]):
        run = lines[start:end]
        if len(run) > 2:
            yield f"{run[0]}-{run[-1]}"
        else:
            yield from (f"{n}×{counts[n]}" if counts[n] > 1 else str(n) for n in run)
