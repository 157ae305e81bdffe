"""``furler up``: the compressor on this machine, and the gateway in front of it if it is installed."""

from __future__ import annotations

import errno
import importlib.util
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import click

from furler.cli.output import warn
from furler.errors import FieldInvalidError, NotInstalledError

DEFAULT_LISTEN = "127.0.0.1:50051"
DEFAULT_GATEWAY = "127.0.0.1:8787"
DEFAULT_OPERATIONS = "127.0.0.1:8788"
_GATEWAY_ENDS_SECONDS = 30.0
"""More than the gateway takes to drain."""


@click.command()
@click.option(
    "--listen",
    default=DEFAULT_LISTEN,
    show_default=True,
    metavar="HOST:PORT",
    help="Where the compressor listens.",
)
@click.option(
    "--data", metavar="DIR", help="Where originals are kept: a directory, redis://, memory:."
)
@click.option("--workers", type=click.IntRange(min=1), help="Serving processes on the one port.")
@click.option(
    "--gateway",
    default=DEFAULT_GATEWAY,
    show_default=True,
    metavar="HOST:PORT",
    help="Where the gateway listens, if furler-gateway is installed.",
)
@click.option(
    "--operations",
    default=DEFAULT_OPERATIONS,
    show_default=True,
    envvar="FURLER_GATEWAY_OPERATE_LISTEN",
    metavar="HOST:PORT",
    help="Where the gateway has /dashboard, /metrics and probes; empty: nowhere.",
)
@click.option("--no-gateway", is_flag=True, help="Start the compressor alone.")
def up(
    listen: str,
    data: str | None,
    workers: int | None,
    gateway: str,
    operations: str,
    *,
    no_gateway: bool,
) -> None:
    """Start the compressor, and the gateway, on this machine; Ctrl-C stops them.

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
    check_free(listen, "listen")
    arguments = ["--listen", listen]
    arguments += ["--store", data] if data else []
    arguments += ["--workers", str(workers)] if workers else []
    if no_gateway or importlib.util.find_spec("furler_gateway") is None:
        click.echo(_how_to(listen), err=True)
        raise click.exceptions.Exit(main.main(arguments))
    check_free(gateway, "gateway")
    if operations:
        check_free(operations, "operations")
    click.echo(_how_to(listen) + _how_to_http(gateway, operations), err=True)
    with _running_gateway(gateway, listen, operations):
        raise click.exceptions.Exit(main.main(arguments))


def _how_to(listen: str) -> str:
    return (
        "Starting. Ctrl-C stops it. Then:\n"
        f"  command line      furler compress --server {listen} FILE\n"
        f'  Python            Furler.connect("{listen}")'
    )


def _how_to_http(gateway: str, operations: str) -> str:
    url = f"http://{gateway}"
    dashboard = f"\n  what it saves     http://{operations}/dashboard" if operations else ""
    return (
        f"\n  an agent          furler wrap -- COMMAND, or in its environment:"
        f"\n                    ANTHROPIC_BASE_URL={url} OPENAI_BASE_URL={url}/v1"
        f"\n  MCP               {url}/mcp"
        f"\n  HTTP/JSON         {url}/docs"
        f"{dashboard}"
        f"\n  LLM gateways      {url} as the address that they POST /v1/compress to"
    )


@contextmanager
def _running_gateway(listen: str, compressor: str, operations: str) -> Iterator[None]:
    """Run the gateway in a process of its own for the time of the body.

    If it ends by itself, so does the body, with exit code 1: what was printed about it is not true then.
    """
    process = subprocess.Popen(  # noqa: S603 - our own program
        [
            *(sys.executable, "-m", "furler_gateway.main"),
            *("--listen", listen, "--compressor", compressor, "--operate-listen", operations),
            *("--parent", str(os.getpid())),
        ]
    )
    ours, failed = threading.Event(), threading.Event()

    def watch() -> None:
        code = process.wait()
        if code != 0 and not ours.is_set():  # 0: it was told to end, as by the same Ctrl-C
            failed.set()
            warn(f"the gateway has ended with status {code}, and so does the compressor")
            os.kill(os.getpid(), signal.SIGTERM)

    # Until the compressor listens for it. What comes before that ends us without a word more.
    signal.signal(signal.SIGTERM, _exit)
    threading.Thread(target=watch, daemon=True).start()
    try:
        yield
    finally:
        ours.set()
        # Ctrl-C has reached it as well, which makes this the second word at most.
        process.terminate()
        try:
            process.wait(_GATEWAY_ENDS_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if failed.is_set():
            raise click.exceptions.Exit(1)


def _exit(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(1)


def check_free(address: str, option: str = "listen") -> None:
    """Raise FieldInvalidError for an option that is no address, or one that is taken."""
    host, colon, port = address.rpartition(":")
    if not (colon and host and port.isdecimal() and int(port) < 65536):
        raise FieldInvalidError(
            f"--{option} {address}: want HOST:PORT, such as {DEFAULT_LISTEN}",
            metadata={"field": option},
        )
    family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host.strip("[]"), int(port)))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                problem = f"is in use, perhaps by another `furler up`; try another --{option}"
            else:
                problem = f"cannot be listened on: {error.strerror or error}"
            raise FieldInvalidError(
                f"--{option}: {address} {problem}", metadata={"field": option}
            ) from None
