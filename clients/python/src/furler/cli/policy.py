"""``furler policy``: a gateway's policy file, checked and explained without a gateway."""

from __future__ import annotations

import importlib.util
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from furler.cli.output import Column, Table, show_json, show_table
from furler.errors import NotInstalledError

if TYPE_CHECKING:
    from furler_gateway.policy.document import Document


@click.group()
def policy() -> None:
    """Check a gateway's policy file, and say what it does to a request."""


@policy.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def check(file: Path) -> None:
    """Check FILE as the gateway would. Prints one line per problem; exit status 1 for any."""
    document = _read(file)
    rules = f"{len(document.rules)} rule{'' if len(document.rules) == 1 else 's'}"
    switch = ", kill switch ON: nothing is compressed" if document.kill_switch else ""
    click.echo(f"{file}: valid, revision {document.revision}, {rules}{switch}")


@policy.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--tenant", default="default", show_default=True, help="Whose request it is.")
@click.option("--route", default="/v1/compress", show_default=True, help="Where it comes in.")
@click.option("--space", default="default", show_default=True, help="Scope of storage.")
@click.option("--model", default="", help="The model it is for.")
@click.option("--conversation", default="", help="Its conversation's id: decides on a canary.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
def explain(  # noqa: PLR0913 - one argument per option
    file: Path,
    *,
    tenant: str,
    route: str,
    space: str,
    model: str,
    conversation: str,
    as_json: bool,
) -> None:
    """Say what FILE does to a request, and which rule says so."""
    document = _read(file)
    from furler_gateway.policy.decide import Situation, decide  # noqa: PLC0415 - an optional part

    situation = Situation(tenant, route, space, model, conversation)
    treatment = decide(document, situation)
    terms: dict[str, object] = treatment.terms.model_dump(mode="json", exclude_none=True)
    if as_json:
        show_json(
            {
                "request": asdict(situation),
                "revision": treatment.revision,
                "mode": treatment.mode,
                "why": treatment.why,
                "rules": treatment.rules,
                "terms": terms,
                "set_by": treatment.origins,
            }
        )
        return
    click.echo(f"mode {treatment.mode} ({treatment.why}), revision {treatment.revision}")
    rows = [(name, str(value), treatment.origins.get(name, "")) for name, value in _flat(terms)]
    if rows:
        show_table(Table((Column("field"), Column("value"), Column("set by")), rows))


def _flat(terms: dict[str, object]) -> list[tuple[str, object]]:
    flat: list[tuple[str, object]] = []
    for name, value in terms.items():
        if isinstance(value, dict):
            flat += [(f"{name}.{key}", each) for key, each in value.items()]
        else:
            flat.append((name, value))
    return flat


def _read(file: Path) -> Document:
    """Return a file's document; print what is wrong with it and leave."""
    if importlib.util.find_spec("furler_gateway") is None:
        raise NotInstalledError("the gateway is not installed: pip install furler-gateway")
    from furler_gateway.policy.reading import PolicyFileError, read_file  # noqa: PLC0415 - as above

    try:
        return read_file(file)
    except PolicyFileError as error:
        for problem in error.problems:
            click.echo(f"{file}: {problem}", err=True)
        raise click.exceptions.Exit(1) from None
