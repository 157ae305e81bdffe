"""``furler mcp``: the tools over standard input and output, for an agent that starts the command."""

from __future__ import annotations

import asyncio

import click

from furler.cli.connection import connect_async, connection, connection_options
from furler.client import AsyncFurler
from furler.errors import NotInstalledError


@click.command()
@connection_options
def mcp() -> None:
    """Serve compress, retrieve and stats over MCP on standard input and output.

    An agent's configuration names this command: {"command": "furler", "args": ["mcp"]}.
    The gateway serves the same tools over HTTP, at /mcp.
    """
    try:
        import mcp as _sdk  # noqa: F401, PLC0415 - an optional part, slow to import
    except ModuleNotFoundError as error:
        if error.name != "mcp":
            raise
        raise NotInstalledError("the MCP SDK is not installed: pip install 'furler[mcp]'") from None
    asyncio.run(_serve(connect_async(connection())))


async def _serve(furler: AsyncFurler) -> None:
    from mcp.server.stdio import stdio_server  # noqa: PLC0415 - as above

    from furler.mcp.server import make_server  # noqa: PLC0415 - as above

    server = make_server(furler)
    async with furler, stdio_server() as (reader, writer):
        await server.run(reader, writer, server.create_initialization_options())
