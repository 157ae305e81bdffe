"""``furler doctor``: is everything there, and what to do if not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Final, cast

import click

from furler.cli import checks
from furler.cli.checks import Check, State
from furler.cli.connection import Connection, Connector, connection, connection_options
from furler.cli.output import Column, Table, show_json, show_table
from furler.cli.up import DEFAULT_LISTEN

_STYLES: Final = {State.OK: "good", State.MISSING: "faint", State.FAILED: "bad"}
_PROBE_SECONDS: Final = 10.0
"""Enough for a sample of 8 KB anywhere; a doctor does not keep people waiting."""


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@connection_options
def doctor(*, as_json: bool) -> None:
    """Check tokenizers, grammars, store, model and server; say what to do."""
    ctx = click.get_current_context()
    found = list(examine(cast("Connector", ctx.obj), connection()))
    if as_json:
        show_json({"checks": [asdict(check) for check in found]})
    else:
        show_table(findings(found))
        for check in found:
            if check.advice:
                click.echo(f"{check.name}: {check.advice}")
    if any(check.state is State.FAILED for check in found):
        raise click.exceptions.Exit(1)


def examine(connector: Connector, given: Connection) -> Iterator[Check]:
    """Yield the findings. With a server named, the engine of this Python may be missing."""
    given = replace(given, timeout=min(given.timeout, _PROBE_SECONDS))
    engine = checks.check_engine()
    here = replace(given, server=None)
    if engine.state is State.FAILED and given.server:
        yield replace(engine, state=State.MISSING, advice="")
    else:
        yield engine
    if engine.state is State.OK:
        yield checks.check_tokenizers()
        yield checks.check_grammars()
        yield checks.check_store(connector, here)
        if (triton := checks.check_triton()) is not None:
            yield triton
    server = given.server or DEFAULT_LISTEN
    yield checks.check_server(
        connector, replace(given, server=server, data=None), required=given.server is not None
    )
    if given.server:
        yield checks.check_model(connector, given)
    elif engine.state is State.OK:
        yield checks.check_model_here()


def findings(found: list[Check]) -> Table:
    """Return one row per check."""
    return Table(
        (Column("check"), Column("state"), Column("found")),
        [(check.name, str(check.state), check.found) for check in found],
        styles=[_STYLES[check.state] for check in found],
    )
