"""What counts as visible: whether a string of the original stands in a view.

Three rules, from strict to lenient; each result says which one held.

``VERBATIM`` (the only one that counts for critical strings): the string
occurs in the view as it is, or with JSON string escapes added or undone, for a
view may print a JSON string unquoted and a string may be listed as it stood
between quotes.

``REWRITTEN``: the string is a piece of structured text that the view prints
in another layout, and all of it is there: (a) the same but for the width of
blanks; (b) cells: split at commas, tabs, bars, semicolons, colons, equals
signs and quotes, every cell stands in one line of the view, in order; (c) a
place: ``path:line:text`` or ``path(line,…): text``, where the text stands in
a line of the view after its line number and the path stands in that line or
an earlier one, whole or as a leading folder and the rest.

``ABSENT``: none of these.
"""

from __future__ import annotations

import json
import re
from enum import StrEnum

_CELL = re.compile(r"""[^,\t|;:='"{}\[\]]+""")
_BLANKS = re.compile(r"\s+")
_PLACE = re.compile(r"(?P<path>[^\s:()]+)(?:\((?P<a>\d+)[^)]*\):|[:-](?P<b>\d+)[:-])(?P<text>.*)")
_ESCAPE = re.compile(r'\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})')


class Visibility(StrEnum):
    """How a string stands in a view."""

    VERBATIM = "verbatim"
    REWRITTEN = "rewritten"
    ABSENT = "absent"


def visibility(string: str, view: str) -> Visibility:
    """Return how a string stands in a view."""
    if is_verbatim(string, view):
        return Visibility.VERBATIM
    if is_rewritten(string, view):
        return Visibility.REWRITTEN
    return Visibility.ABSENT


def is_verbatim(string: str, view: str) -> bool:
    """Whether the string occurs as it is, or with JSON escapes added or undone."""
    return any(form in view for form in _forms(string))


def is_rewritten(string: str, view: str) -> bool:
    """Whether all of the string stands in the view in another layout."""
    return _in_any_width(string, view) or _as_cells(string, view) or _as_place(string, view)


def _forms(string: str) -> list[str]:
    forms = [string, json.dumps(string)[1:-1], json.dumps(string, ensure_ascii=False)[1:-1]]
    if _ESCAPE.search(string):
        forms.append(_ESCAPE.sub(lambda m: json.loads(f'"{m[0]}"'), string))
    return list(dict.fromkeys(forms))


def _in_any_width(string: str, view: str) -> bool:
    return _BLANKS.sub(" ", string.strip()) in _BLANKS.sub(" ", view)


def _as_cells(string: str, view: str) -> bool:
    cells = [cell.strip() for cell in _CELL.findall(string)]
    cells = [cell for cell in cells if cell]
    if len(cells) < 2:
        return False
    return any(_in_order(cells, line) for line in view.split("\n") if cells[-1] in line)


def _in_order(cells: list[str], line: str) -> bool:
    at = 0
    for cell in cells:
        at = line.find(cell, at)
        if at < 0:
            return False
        at += len(cell)
    return True


def _as_place(string: str, view: str) -> bool:
    match = _PLACE.match(string)
    if match is None or not match["text"].strip():
        return False
    path, number, text = match["path"], match["a"] or match["b"], match["text"].strip()
    path_at = _path_at(path, view)
    numbered = re.compile(rf"(?<!\d){number}(?!\d)")
    at = view.find(text)
    while at >= 0:
        start = view.rfind("\n", 0, at) + 1
        if 0 <= path_at <= at and numbered.search(view, start, at):
            return True
        at = view.find(text, at + 1)
    return False


def _path_at(path: str, view: str) -> int:
    """Return where the path, or what is left of it after a folder that the view names, stands."""
    at = view.find(path)
    for slash in (m.end() for m in re.finditer("/", path)):
        if at >= 0:
            break
        if path[:slash] in view:
            at = view.find(path[slash:])
    return at
