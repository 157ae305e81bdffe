"""From addresses in a setting to servers: a name that stands for several is all of them.

A headless service of Kubernetes, or a scaled service of compose, has one name and an address for
each replica. Each is a server of its own here, so that one that hangs is left alone by itself.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Iterable

from furler_compressor.adapters.triton_fleet import Server
from furler_compressor.adapters.triton_url import TritonPlace

Resolve = Callable[[str, int], Awaitable[list[str]]]
"""From a host and a port to IP addresses. Raises OSError for a name without any."""
Open = Callable[[TritonPlace, str], Server]
"""From a place, and one of its addresses (empty: unknown), to a server."""


class Names:
    """The servers behind addresses; asks the resolver anew at each call.

    Args:
        places: Addresses, in the operator's order.
        opened: Makes a server; nothing is connected to by it.
        resolve: The resolver; the system's unless told otherwise.
    """

    def __init__(
        self, places: Iterable[TritonPlace], opened: Open, resolve: Resolve | None = None
    ) -> None:
        self._places = tuple(places)
        self._open = opened
        self._resolve = resolve or addresses_of
        self._known: dict[TritonPlace, dict[str, Server]] = {}

    async def servers(self, seconds: float) -> dict[str, Server]:
        """Return the servers by a name for an operator's eyes; the same ones as long as they are there.

        A name that cannot be resolved within ``seconds`` keeps the servers it had.
        """
        await asyncio.gather(*(self._look_up(place, seconds) for place in self._places))
        return {
            name: server for place in self._places for name, server in self._known[place].items()
        }

    async def _look_up(self, place: TritonPlace, seconds: float) -> None:
        before = self._known.get(place, {})
        if _is_address(place.host):
            names = {place.target: ""}
        else:
            try:
                async with asyncio.timeout(seconds):
                    found = await self._resolve(place.host, place.port)
            except (OSError, TimeoutError):
                found = []
            names = {f"{place.target} ({address})": address for address in found}
            if not names:
                # gRPC asks the resolver itself, once this server is asked for something.
                self._known[place] = before or {place.target: self._open(place, "")}
                return
        self._known[place] = {
            name: before[name] if name in before else self._open(place, address)
            for name, address in names.items()
        }


async def addresses_of(host: str, port: int) -> list[str]:
    """Return a name's IP addresses, sorted. Raises OSError for a name without any."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return sorted({str(address[0]) for *_, address in found})


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
