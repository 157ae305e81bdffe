"""``furler retrieve``: parts of originals, byte for byte."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

import click

from furler.cli.connection import connection, connection_options, open_client
from furler.cli.output import remark, show_bytes, show_json, warn
from furler.selectors import Wanted
from furler.sync import Furler
from furler.values import Retrieved


@click.command()
@click.argument("ref")
@click.option("--lines", metavar="A-B", help="Lines A to B, from 1, inclusive; L120-188 works too.")
@click.option("--match", metavar="RE", help="Lines that an RE2 pattern matches.")
@click.option(
    "--context", type=click.IntRange(min=0), default=0, metavar="N", help="Lines around each match."
)
@click.option(
    "--path", metavar="JSONPATH", help="What an RFC 9535 query picks, such as '$.data[3:9]'."
)
@click.option("--symbol", metavar="NAME", help="A function, class or section by qualified name.")
@click.option("--query", metavar="Q", help="The passages that answer a question best.")
@click.option(
    "--max-tokens",
    type=click.IntRange(min=1),
    metavar="N",
    help="One page of at most so many tokens; without it all that is picked is printed.",
)
@click.option("--page", metavar="TOKEN", help="Go on after the page that gave this token.")
@click.option("--json", "as_json", is_flag=True, help="Print the part and where it lies as JSON.")
@connection_options
def retrieve(  # noqa: PLR0913 - one argument per option
    ref: str,
    *,
    lines: str | None,
    match: str | None,
    context: int,
    path: str | None,
    symbol: str | None,
    query: str | None,
    max_tokens: int | None,
    page: str | None,
    as_json: bool,
) -> None:
    """Print the part of an original that a selector picks; all of it without one.

    REF stands in the last line of a view. The bytes are exactly the original's.
    """
    wanted = Wanted(
        lines=lines, match=match, context=context, path=path, symbol=symbol, query=query
    )
    # A wrong selector shows before anything is opened.
    whole = wanted.selector().WhichOneof("by") is None
    one_page = max_tokens is not None or page is not None
    with open_client() as furler:
        if whole and not one_page and not as_json:
            for chunk in furler.read(ref, space=connection().space):
                show_bytes(chunk)
            return
        for part in _pages(furler, ref, wanted, max_tokens, page):
            if as_json:
                show_json(_described(part))
            else:
                show_bytes(part.data)
            if one_page or as_json:
                _tell_rest(part)
                return


def _pages(
    furler: Furler, ref: str, wanted: Wanted, max_tokens: int | None, page: str | None
) -> Iterator[Retrieved]:
    """Yield page after page."""
    while True:
        part = furler.retrieve(
            ref,
            lines=wanted.lines,
            match=wanted.match,
            context=wanted.context,
            path=wanted.path,
            symbol=wanted.symbol,
            query=wanted.query,
            max_tokens=max_tokens,
            page=page,
            space=connection().space,
        )
        yield part
        page = part.next_page
        if page is None:
            return


def _described(part: Retrieved) -> dict[str, object]:
    fields = asdict(part)
    del fields["data"]
    return {"text": part.text} | fields


def _tell_rest(part: Retrieved) -> None:
    if part.next_page is None:
        remark(f"complete · {part.picked_tokens:,} tokens picked")
    else:
        warn(
            f"there is more: --page {part.next_page} ({part.picked_tokens:,} tokens picked in all)"
        )
