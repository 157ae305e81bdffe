"""One line of statistics on the columns of a table."""

from __future__ import annotations

from typing import Final

from furler_engine.shared.column_summary import describe
from furler_engine.shared.json_table.columns import MISSING, Columns
from furler_engine.shared.json_table.grammar import format_path

_MOST: Final = 24
"""Columns that are described; the others are counted."""


def describe_columns(columns: Columns) -> str:
    """Return what each column holds, over all rows, in one line."""
    parts = []
    for name, values in columns.items():
        said = describe(values, MISSING)
        if said:
            parts.append(f"{format_path(name)} {said}")
    more = f"; {len(parts) - _MOST} more columns" if len(parts) > _MOST else ""
    return "; ".join(parts[:_MOST]) + more
