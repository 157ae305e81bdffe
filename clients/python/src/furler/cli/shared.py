"""``furler shared``: entries that agents hand to each other."""

from __future__ import annotations

from dataclasses import asdict

import click

from furler.cli.compress import hint_options, summary
from furler.cli.connection import connection, connection_options, open_client
from furler.cli.inputs import filename_hint, read_content, read_duration, read_policy
from furler.cli.output import (
    Column,
    Table,
    remark,
    show_bytes,
    show_json,
    show_table,
    size_of,
    warn,
    working,
)
from furler.sharing import Change, Entry, Resemblance

_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_IF_REVISION = click.option(
    "--if-revision",
    type=click.IntRange(min=0),
    metavar="N",
    help="Only if the entry is at this revision; 0: only if there is none.",
)


@click.group()
def shared() -> None:
    """Hand context to other agents: named entries, each with a short view and its original."""


@shared.command()
@click.argument("key")
@click.argument("file", default="-")
@hint_options[0]
@hint_options[1]
@hint_options[2]
@hint_options[3]
@hint_options[4]
@click.option("--author", metavar="NAME", help="Who writes it.")
@click.option("--keep", metavar="TIME", help="How long, such as 15m, 12h or 7d.")
@_IF_REVISION
@_JSON
@connection_options
def put(  # noqa: PLR0913 - one argument per option
    key: str,
    file: str,
    *,
    kind: str | None,
    query: str | None,
    tool: str | None,
    filename: str | None,
    settings: tuple[str, ...],
    author: str | None,
    keep: str | None,
    if_revision: int | None,
    as_json: bool,
) -> None:
    """Keep FILE, or standard input, under KEY. Prints the revision.

    For example: furler shared put findings/checkout notes.md --author ana
    """
    policy = read_policy(settings)
    retention = None if keep is None else read_duration("--keep", keep)
    content = read_content(file)
    with open_client() as furler, working(f"compressing {size_of(len(content))}", len(content)):
        written = furler.shared(connection().space).put(
            key,
            content,
            kind=kind,
            query=query,
            tool=tool,
            filename=filename_hint(file, filename),
            policy=policy,
            retention=retention,
            if_revision=if_revision,
            author=author,
        )
    if as_json:
        show_json(asdict(written))
        return
    click.echo(written.entry.revision)
    if written.resembles is not None:
        warn(_likeness(written.resembles))
    remark(summary(written.entry.view))


@shared.command()
@click.argument("key")
@click.option("--original", is_flag=True, help="Print the original, byte for byte, not the view.")
@_JSON
@connection_options
def get(key: str, *, original: bool, as_json: bool) -> None:
    """Print the view of KEY; its last line says how to get any part of the original."""
    with open_client() as furler:
        entry = furler.shared(connection().space).get(key, original=original)
    if as_json:
        shown = asdict(entry)
        del shown["original"]
        show_json(
            shown if entry.original is None else shown | {"original": entry.original.decode()}
        )
        return
    show_bytes(entry.text.encode() if entry.original is None else entry.original)
    remark(f"{_provenance(entry)} · revision {entry.revision}")


@shared.command(name="list")
@click.argument("prefix", default="")
@_JSON
@connection_options
def list_entries(prefix: str, *, as_json: bool) -> None:
    """Print the entries whose keys begin with PREFIX."""
    with open_client() as furler:
        listing = furler.shared(connection().space).list(prefix)
    if as_json:
        show_json(asdict(listing))
        return
    columns = (
        Column("key"),
        Column("author"),
        Column("tool"),
        Column("kind"),
        Column("before", numeric=True),
        Column("after", numeric=True),
        Column("expires"),
        Column("revision", numeric=True),
    )
    show_table(Table(columns, [_row(entry) for entry in listing.entries]))
    remark(f"watch from here: furler shared watch --after {listing.revision}")


@shared.command()
@click.argument("key")
@_IF_REVISION
@connection_options
def delete(key: str, *, if_revision: int | None) -> None:
    """Remove KEY. Prints the removal's revision. The original stays for its own time."""
    with open_client() as furler:
        click.echo(furler.shared(connection().space).delete(key, if_revision=if_revision))


@shared.command()
@click.argument("prefix", default="")
@click.option("--after", type=click.IntRange(min=0), metavar="N", help="Start after revision N.")
@click.option(
    "--seconds",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="End after so long; without it, with Ctrl-C.",
)
@_JSON
@connection_options
def watch(prefix: str, *, after: int | None, seconds: float | None, as_json: bool) -> None:
    """Print changes of keys that begin with PREFIX as they come, one a line.

    Without --after it starts now. A broken connection is made anew, without gap or repeat.
    """
    with open_client() as furler:
        for change in furler.shared(connection().space).watch(prefix, after=after, seconds=seconds):
            if as_json:
                show_json(asdict(change))
            else:
                click.echo(_told(change))


def _row(entry: Entry) -> tuple[str, ...]:
    view = entry.view
    return (
        entry.key,
        entry.author,
        entry.source_tool,
        str(view.kind),
        f"{view.tokens_before:,}",
        f"{view.tokens_after:,}",
        f"{entry.expires:%Y-%m-%d %H:%M}",
        str(entry.revision),
    )


def _told(change: Change) -> str:
    if change.entry is None:
        return f"{change.revision} {'expired' if change.expired else 'deleted'} {change.key}"
    view = change.entry.view
    figures = f"{view.tokens_before:,} → {view.tokens_after:,} tokens"
    return f"{change.revision} put {change.key} {_provenance(change.entry)} · {figures}"


def _provenance(entry: Entry) -> str:
    author = f"by {entry.author}" if entry.author else "by nobody named"
    return f"{author} from {entry.source_tool}" if entry.source_tool else author


def _likeness(other: Resemblance) -> str:
    author = f" of {other.author}" if other.author else ""
    if other.identical:
        return f"{other.key}{author} holds the same"
    return (
        f"{other.key}{author} holds nearly the same: "
        f"{other.lines_added:,} lines only here, {other.lines_removed:,} only there"
    )
