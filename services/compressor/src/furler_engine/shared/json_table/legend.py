"""The one line that says how to read a view: only what the view uses is explained."""

from __future__ import annotations

from collections.abc import Container
from enum import StrEnum
from typing import Final


class Feature(StrEnum):
    """A piece of notation and its explanation, in the order of the legend."""

    TABLE = "table x[n] = array of n: header line, then a line per element, cells split by |"
    KEYS = "x{n} = object of n members, first cell the member's name"
    ITEMS = "other x[n] = array, its elements by index"
    INDEX = "# = index of the row"
    DOTTED = "a.b = member b of a"
    MISSING = "empty cell = no such member"
    EXTRAS = "column + = further members as JSON"
    SHAPE = "header x[a,b] = cell lists objects as [a,b] arrays"
    PREFIX = "header x=abc… = cells … stand for that prefix"
    INNER = "[i].x below a table = member x of its row i"
    GROUP = "[*].x[n] below a table = member x of its rows, # tells which"
    RULE = "# x := template with {other member} = a member made from another of its row"
    CODE = "*1 = a cell that the table's # *1 line defines"
    NAMED = "@1/x = x under the address that @1 names"
    RUNS = "i:a|b = elements i, i+1"
    TEXT_CUT = "…$.x[a:b] = characters left out"


_FEATURES: Final = tuple(Feature)


def legend(used: Container[Feature], remark: str) -> str:
    """Return the line. ``remark`` says what was left out, and why the rest was kept."""
    parts = [feature.value for feature in _FEATURES if feature in used]
    text = "; ".join(parts)
    how = f"[JSON as an outline{': ' if text else ''}{text}]"
    return f"{how[:-1]}. {remark}]" if remark else how
