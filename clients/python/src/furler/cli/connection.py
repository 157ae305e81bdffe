"""Where a command's calls go: options that commands share, and the client they make."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar, cast

import click
from click.core import ParameterSource

from furler.client import DEFAULT_SPACE, DEFAULT_TIMEOUT, AsyncFurler
from furler.sync import Furler

_F = TypeVar("_F", bound=Callable[..., object])
_META: Final = "furler.connection"


@dataclass(frozen=True, slots=True)
class Connection:
    """What the shared options say."""

    server: str | None = None
    data: str | None = None
    token: str | None = None
    tls: bool | None = None
    space: str = DEFAULT_SPACE
    timeout: float = DEFAULT_TIMEOUT


Connector = Callable[[Connection], Furler]


def connect(connection: Connection) -> Furler:
    """Return a client of the server, or of the engine in this process if none is named."""
    if connection.server:
        return Furler.connect(
            connection.server,
            token=connection.token,
            tls=connection.tls,
            timeout=connection.timeout,
        )
    return Furler.embedded(connection.data, timeout=connection.timeout)


def connect_async(connection: Connection) -> AsyncFurler:
    """Return the asynchronous client for the same."""
    if connection.server:
        return AsyncFurler.connect(
            connection.server,
            token=connection.token,
            tls=connection.tls,
            timeout=connection.timeout,
        )
    return AsyncFurler.embedded(connection.data, timeout=connection.timeout)


def open_client() -> Furler:
    """Return a client as the running command's options say."""
    connector = cast("Connector", click.get_current_context().obj)
    return connector(connection())


def connection() -> Connection:
    """Return what the running command's shared options say. Raises UsageError for two places."""
    given = cast("dict[str, object]", click.get_current_context().meta[_META])
    server, data = cast("str | None", given["server"]), cast("str | None", given["data"])
    if server and data:
        if given["server from environment"]:
            # What is written on the line goes before what stands in the environment.
            server = None
        else:
            raise click.UsageError("--server and --data exclude each other")
    return Connection(
        server=server,
        data=data,
        token=cast("str | None", given["token"]),
        tls=cast("bool | None", given["tls"]),
        space=cast("str", given["space"]),
        timeout=cast("float", given["timeout"]),
    )


def _remember(ctx: click.Context, parameter: click.Parameter, value: object) -> None:
    """Keep a shared option out of the command's own parameters."""
    given = cast("dict[str, object]", ctx.meta.setdefault(_META, {}))
    given[str(parameter.name)] = value
    source = ctx.get_parameter_source(str(parameter.name))
    given[f"{parameter.name} from environment"] = source is ParameterSource.ENVIRONMENT


_OPTIONS: Final = (
    click.option(
        "--server",
        envvar="FURLER_SERVER",
        metavar="HOST:PORT",
        help="Ask this server; else the work is done here. Also FURLER_SERVER.",
        expose_value=False,
        callback=_remember,
    ),
    click.option(
        "--data",
        metavar="DIR",
        help="Where originals are kept without a server: a directory, a redis:// URL, or memory:.",
        expose_value=False,
        callback=_remember,
    ),
    click.option(
        "--token",
        envvar="FURLER_TOKEN",
        help="Credential for the server; better in FURLER_TOKEN, where no process list shows it.",
        expose_value=False,
        callback=_remember,
    ),
    click.option(
        "--tls/--no-tls",
        default=None,
        help="Encrypt the connection; the default is yes if a token leaves this machine.",
        expose_value=False,
        callback=_remember,
    ),
    click.option(
        "--space",
        default=DEFAULT_SPACE,
        show_default=True,
        help="Scope of storage.",
        expose_value=False,
        callback=_remember,
    ),
    click.option(
        "--timeout",
        type=click.FloatRange(min=0, min_open=True),
        default=DEFAULT_TIMEOUT,
        show_default=True,
        metavar="SECONDS",
        help="How long a call may take.",
        expose_value=False,
        callback=_remember,
    ),
)


def connection_options(command: _F) -> _F:
    """Add the shared options to a command; ``open_client`` and ``connection`` read them."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
