"""What commands print: content on standard output; tables and words for people.

On a terminal tables have colour (unless NO_COLOR is set) and long work shows a
spinner on standard error; piped, tables are plain columns and there is no spinner.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import click
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

SPINNER_BYTES: Final = 256 * 1024
"""Less than this is done before a spinner could be read."""
_STYLES: Final = {"good": "green", "bad": "red", "faint": "dim"}


@dataclass(frozen=True, slots=True)
class Column:
    """A column's heading, and whether it holds numbers, which stand to the right."""

    name: str
    numeric: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text under headings; ``total`` is a last row set apart."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]
    total: Sequence[str] | None = None
    styles: Sequence[str] = ()
    """One of good, bad, faint or nothing per row."""


def show_table(table: Table) -> None:
    """Print a table on standard output, as fits where it goes."""
    stream = sys.stdout
    if stream.isatty():
        # Console reads NO_COLOR and the terminal's abilities itself.
        Console(file=stream).print(rich_table(table))
    else:
        stream.write(plain_table(table))


def rich_table(table: Table) -> RichTable:
    """Return the table as rich draws it."""
    drawn = RichTable(
        box=None, pad_edge=False, header_style="bold", show_footer=table.total is not None
    )
    for index, column in enumerate(table.columns):
        drawn.add_column(
            column.name,
            footer=Text(table.total[index], style="bold") if table.total else "",
            justify="right" if column.numeric else "left",
        )
    for index, row in enumerate(table.rows):
        style = table.styles[index] if table.styles else ""
        # Text, not markup: a reason or a name may hold brackets.
        drawn.add_row(*map(Text, row), style=_STYLES.get(style))
    return drawn


def plain_table(table: Table) -> str:
    """Return the table as columns of plain text, two blanks apart."""
    heading = [column.name for column in table.columns]
    rows = [heading, *table.rows, *([table.total] if table.total else [])]
    widths = [max(len(row[index]) for row in rows) for index in range(len(heading))]
    lines = []
    for row in rows:
        cells = [
            cell.rjust(width) if column.numeric else cell.ljust(width)
            for cell, width, column in zip(row, widths, table.columns, strict=True)
        ]
        lines.append("  ".join(cells).rstrip() + "\n")
    return "".join(lines)


def show_json(value: object) -> None:
    """Print one JSON object on a line of its own."""
    click.echo(json.dumps(value, ensure_ascii=False, default=_plain))


def show_bytes(data: bytes) -> None:
    """Write bytes as they are; a terminal also gets the newline that the prompt needs."""
    stream = sys.stdout.buffer
    stream.write(data)
    if data and not data.endswith(b"\n") and sys.stdout.isatty():
        stream.write(b"\n")
    stream.flush()


def remark(message: str) -> None:
    """Tell a person at the terminal something on the side; nobody else."""
    stream = sys.stderr
    if stream.isatty():
        Console(file=stream, stderr=True, highlight=False).print(
            Text(message, style="dim"), soft_wrap=True
        )


def warn(message: str) -> None:
    """Tell whoever reads standard error, a person or not."""
    click.echo(f"furler: {message}", err=True)


@contextmanager
def working(message: str, size: int) -> Iterator[None]:
    """Show that work goes on, if there is somebody to see it and enough work."""
    stream = sys.stderr
    if size < SPINNER_BYTES or not stream.isatty():
        yield
        return
    with Console(file=stream).status(message):
        yield


def share(value: float) -> str:
    """Return a share as a percentage. Nearly all is not rounded up to all."""
    return f"{100.0 if value == 1 else min(99.9, value * 100):.1f} %"


def size_of(count: int) -> str:
    """Return a number of bytes in the unit a person would use."""
    size = float(count)
    for unit in ("B", "KiB", "MiB"):
        if size < 1024:
            return f"{count} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} GiB"


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no JSON form")
