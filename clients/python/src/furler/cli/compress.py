"""``furler compress``: a view of a file or of standard input."""

from __future__ import annotations

from dataclasses import asdict

import click

from furler.cli.connection import connection, connection_options, open_client
from furler.cli.inputs import filename_hint, policy_keys, read_content, read_policy
from furler.cli.output import remark, share, show_bytes, show_json, size_of, warn, working
from furler.values import Kind, View

hint_options = (
    click.option("--kind", type=click.Choice([str(k) for k in Kind]), help="What it is, if known."),
    click.option("--query", help="What you look for: it stays visible."),
    click.option("--tool", help="Name of the tool whose output it is."),
    click.option("--filename", help="Where it comes from; the default is FILE."),
    click.option(
        "--policy",
        "settings",
        multiple=True,
        metavar="KEY=VALUE",
        help=f"How to compress; may be repeated. Keys: {policy_keys()}.",
    ),
    click.option(
        "--keep",
        type=float,
        metavar="SHARE",
        help="Share of the words of running text that stay, 0.3 to 1; short for --policy keep=.",
    ),
)


@click.command()
@click.argument("file", default="-")
@hint_options[0]
@hint_options[1]
@hint_options[2]
@hint_options[3]
@hint_options[4]
@hint_options[5]
@click.option(
    "--json", "as_json", is_flag=True, help="Print the view with all its figures as JSON."
)
@connection_options
def compress(  # noqa: PLR0913 - one argument per option
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
    """Print a far shorter view of FILE, or of standard input.

    The original is stored; the view's last line says how to get any part of it
    back. For example: furler compress build.log --query "why did it fail"
    """
    policy = read_policy(settings, keep)
    content = read_content(file)
    with open_client() as furler, working(f"compressing {size_of(len(content))}", len(content)):
        view = furler.compress(
            content,
            kind=kind,
            query=query,
            tool=tool,
            filename=filename_hint(file, filename),
            policy=policy,
            space=connection().space,
        )
    if as_json:
        show_json(asdict(view) | {"saved": view.saved})
        return
    show_bytes(view.text.encode())
    if view.degraded:
        warn(f"degraded: {view.degraded.replace('_', ' ')}; the view is longer than it could be")
    remark(summary(view))


def summary(view: View) -> str:
    """Return the view's figures in one line."""
    counts = f"{view.kind} · {view.tokens_before:,} → {view.tokens_after:,} tokens"
    if not view.compressors:
        return f"{counts} · unchanged"
    example = f" --lines {view.elisions[0].marker}" if view.elisions[:1] else ""
    if view.elisions and view.elisions[0].marker.startswith("$"):
        example = f" --path '{view.elisions[0].marker}'"
    back = f" · furler retrieve {view.ref}{example}" if view.ref else " · original not stored"
    return f"{counts} · {share(view.saved)} saved{back}"
