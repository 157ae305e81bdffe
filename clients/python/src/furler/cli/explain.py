"""``furler explain``: what compress would do, and why."""

from __future__ import annotations

from dataclasses import asdict

import click

from furler.cli.compress import hint_options, summary
from furler.cli.connection import connection, connection_options, open_client
from furler.cli.inputs import filename_hint, read_content, read_policy
from furler.cli.output import Column, Table, show_json, show_table, size_of, working
from furler.values import Explanation


@click.command()
@click.argument("file", default="-")
@hint_options[0]
@hint_options[1]
@hint_options[2]
@hint_options[3]
@hint_options[4]
@hint_options[5]
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@connection_options
def explain(  # noqa: PLR0913 - one argument per option
    file: str,
    *,
    kind: str | None,
    query: str | None,
    tool: str | None,
    filename: str | None,
    settings: tuple[str, ...],
    keep: float | None,
    as_json: bool,
) -> None:
    """Say what compress would do to FILE, and why. Nothing is stored."""
    policy = read_policy(settings, keep)
    content = read_content(file)
    with open_client() as furler, working(f"trying {size_of(len(content))}", len(content)):
        explanation = furler.explain(
            content,
            kind=kind,
            query=query,
            tool=tool,
            filename=filename_hint(file, filename),
            policy=policy,
            space=connection().space,
        )
    if as_json:
        show_json(asdict(explanation))
        return
    if explanation.decisions:
        show_table(decisions(explanation))
    else:
        click.echo(f"Nothing was tried: no compressor takes {explanation.view.kind}.")
    click.echo(summary(explanation.view).partition(" · furler retrieve")[0])


def decisions(explanation: Explanation) -> Table:
    """Return what was tried, in order."""
    return Table(
        (Column("tried"), Column("chosen"), Column("tokens", numeric=True), Column("why")),
        [
            (
                each.compressor,
                "yes" if each.applied else "no",
                f"{each.tokens_after:,}",
                each.reason,
            )
            for each in explanation.decisions
        ],
        styles=["good" if each.applied else "" for each in explanation.decisions],
    )
