"""``furler up``: the compressor on this machine."""

from __future__ import annotations

import errno
import socket

import click

from furler.errors import FieldInvalidError, NotInstalledError

DEFAULT_LISTEN = "127.0.0.1:50051"


@click.command()
@click.option(
    "--listen",
    default=DEFAULT_LISTEN,
    show_default=True,
    metavar="HOST:PORT",
    help="Where to listen.",
)
@click.option(
    "--data", metavar="DIR", help="Where originals are kept: a directory, redis://, memory:."
)
@click.option("--workers", type=click.IntRange(min=1), help="Serving processes on the one port.")
def up(listen: str, data: str | None, workers: int | None) -> None:
    """Start the compressor on this machine; Ctrl-C stops it.

    Other terminals and programs then share one store:
    furler compress --server 127.0.0.1:50051 FILE, or Furler.connect("127.0.0.1:50051").
    """
    try:
        from furler_compressor import main  # noqa: PLC0415 - an optional part, slow to import
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "furler_compressor":
            raise
        raise NotInstalledError(
            "the compressor is not installed: pip install 'furler[embedded]'"
        ) from None
    check_free(listen)
    arguments = ["--listen", listen]
    arguments += ["--store", data] if data else []
    arguments += ["--workers", str(workers)] if workers else []
    click.echo(
        f'Starting. Then: furler compress --server {listen} FILE, or Furler.connect("{listen}").'
        " Ctrl-C stops it.",
        err=True,
    )
    raise click.exceptions.Exit(main.main(arguments))


def check_free(listen: str) -> None:
    """Raise FieldInvalidError for no address, UnavailableError for one that is taken."""
    host, colon, port = listen.rpartition(":")
    if not (colon and host and port.isdecimal() and int(port) < 65536):
        raise FieldInvalidError(
            f"--listen {listen}: want HOST:PORT, such as {DEFAULT_LISTEN}",
            metadata={"field": "listen"},
        )
    family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host.strip("[]"), int(port)))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                problem = "is in use, perhaps by another `furler up`; try another --listen"
            else:
                problem = f"cannot be listened on: {error.strerror or error}"
            raise FieldInvalidError(
                f"--listen: {listen} {problem}", metadata={"field": "listen"}
            ) from None
