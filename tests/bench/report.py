"""What suites hand back, and how it is printed: tables, bars, JSON. Measures nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

_BEGIN = "<!-- figures: written by make bench -->"
_END = "<!-- end of figures -->"
Json: TypeAlias = "bool | int | float | str | Sequence[Json] | dict[str, Json] | None"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text under headings. The first column is left-aligned, the others right.

    ``detail`` tables go to the terminal, not to the published page.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    detail: bool = False

    def __str__(self) -> str:
        widths = [max(map(len, column)) for column in zip(self.columns, *self.rows, strict=True)]
        rule = "  ".join("-" * width for width in widths)
        lines = [_align(row, widths) for row in (self.columns, *self.rows)]
        return "\n".join([self.title, lines[0], rule, *lines[1:]])

    def markdown(self) -> str:
        """Return the table as GitHub Markdown."""
        head = "| " + " | ".join(self.columns) + " |"
        rule = "|---" + "|--:" * (len(self.columns) - 1) + "|"
        rows = (
            "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in self.rows
        )
        return "\n".join([head, rule, *rows])


@dataclass(frozen=True, slots=True)
class Bar:
    """One thing that is wanted, what was measured, and whether that is enough.

    ``met`` is None when the run did not measure it.
    """

    name: str
    wanted: str
    measured: str
    met: bool | None

    @property
    def verdict(self) -> str:
        """The bar's last column."""
        return {True: "met", False: "NOT met", None: "not measured"}[self.met]


@dataclass(frozen=True, slots=True)
class SuiteResult:
    """What one suite measured. ``data`` goes to the JSON file as it is."""

    name: str
    tables: tuple[Table, ...]
    data: dict[str, Json]
    bars: tuple[Bar, ...] = ()
    seconds: float = field(default=0.0, compare=False)


def at_least(name: str, wanted: float, measured: float, unit: str = "%") -> Bar:
    """Return a bar for a figure that must not be lower."""
    return Bar(name, f">= {_number(wanted)}{unit}", f"{measured:.4g}{unit}", measured >= wanted)


def at_most(name: str, wanted: float, measured: float, unit: str) -> Bar:
    """Return a bar for a figure that must not be higher."""
    return Bar(name, f"<= {_number(wanted)}{unit}", f"{measured:.4g}{unit}", measured <= wanted)


def all_of(name: str, wanted: str, good: int, total: int) -> Bar:
    """Return a bar for something that must hold for all; not measured when there are none."""
    return Bar(name, wanted, f"{good} of {total}", good == total if total else None)


def bars_table(bars: Sequence[Bar]) -> Table:
    """Return the bars as a table."""
    rows = tuple((b.name, b.wanted, b.measured, b.verdict) for b in bars)
    return Table("Bars", ("what", "wanted", "measured", "bar"), rows)


def write_json(path: Path, header: dict[str, Json], results: Sequence[SuiteResult]) -> None:
    """Write everything measured, for machines."""
    suites: dict[str, Json] = {
        result.name: {
            "seconds": round(result.seconds, 1),
            "bars": [
                {"name": b.name, "wanted": b.wanted, "measured": b.measured, "met": b.met}
                for b in result.bars
            ],
            **result.data,
        }
        for result in results
    }
    path.write_text(json.dumps({**header, "suites": suites}, indent=1, ensure_ascii=False) + "\n")


def publish(page: Path, header: dict[str, Json], results: Sequence[SuiteResult]) -> None:
    """Replace what stands between the figures' marks of a Markdown page with this run's tables.

    Raises ValueError when the page has no such marks.
    """
    before, begin, rest = page.read_text().partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        raise ValueError(f"{page}: want a line {_BEGIN} and a line {_END}")
    facts = [f"{name}: {value}" for name, value in header.items() if value is not None]
    bars = bars_table([bar for result in results for bar in result.bars])
    tables = [bars, *(t for result in results for t in result.tables if not t.detail)]
    parts = ["; ".join(facts) + ".", *(f"### {t.title}\n\n{t.markdown()}" for t in tables)]
    page.write_text(before + begin + "\n\n" + "\n\n".join(parts) + "\n\n" + end + after)


def percent(share: float) -> str:
    """Format a share, 0 to 1."""
    return f"{100 * share:.1f}"


def saved(before: int, after: int) -> float:
    """Return the share of tokens saved; 0 of nothing."""
    return 1 - after / before if before else 0.0


def _number(value: float) -> str:
    return f"{value:g}"


def _align(row: tuple[str, ...], widths: list[int]) -> str:
    cells = [row[0].ljust(widths[0])]
    cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
    return "  ".join(cells).rstrip()
