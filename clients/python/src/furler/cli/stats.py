"""``furler stats``: what a space has saved and holds."""

from __future__ import annotations

from dataclasses import asdict

import click

from furler.cli.connection import connection, connection_options, open_client
from furler.cli.output import Column, Table, share, show_json, show_table, size_of
from furler.values import Stats


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@connection_options
def stats(*, as_json: bool) -> None:
    """Show what was compressed, what that saved, and what is stored."""
    with open_client() as furler:
        figures = furler.stats(space=connection().space)
    if as_json:
        show_json(asdict(figures) | {"saved": figures.saved})
        return
    if figures.kinds:
        show_table(by_kind(figures))
    else:
        click.echo("Nothing compressed yet.")
    click.echo(
        f"Originals stored: {figures.originals:,} ({size_of(figures.stored_bytes)})."
        f" Retrievals: {figures.retrievals:,}, and {figures.retrieval_misses:,} of what was gone."
    )


def by_kind(figures: Stats) -> Table:
    """Return one row per kind, the largest savings first, and the sum."""
    rows = sorted(figures.kinds, key=lambda row: row.tokens_after - row.tokens_before)
    names = ("views", "cached", "degraded", "tokens before", "after", "saved")
    return Table(
        (Column("kind"), *(Column(name, numeric=True) for name in names)),
        [
            (
                str(row.kind),
                f"{row.views:,}",
                f"{row.cached:,}",
                f"{row.degraded:,}",
                f"{row.tokens_before:,}",
                f"{row.tokens_after:,}",
                share(row.saved),
            )
            for row in rows
        ],
        (
            "all",
            f"{figures.views:,}",
            f"{sum(row.cached for row in rows):,}",
            f"{sum(row.degraded for row in rows):,}",
            f"{figures.tokens_before:,}",
            f"{figures.tokens_after:,}",
            share(figures.saved),
        ),
    )
