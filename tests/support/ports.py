"""Ports for servers that are told theirs: free now, and nobody's by chance until they are taken."""

from __future__ import annotations

import random
import socket
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

_LOWEST: Final = 15_000
"""Below are the ports that programs commonly have by default."""
_TRIES: Final = 200
"""A few dozen of the seventeen thousand are taken: the second try is rare already."""
_LOOPBACK: Final = ("127.0.0.1",)


def free_port(hosts: Sequence[str] = _LOOPBACK) -> int:
    """Return a port that nobody listens on at any of the hosts."""
    return free_ports(1, hosts)[0]


def free_ports(count: int, hosts: Sequence[str] = _LOOPBACK) -> list[int]:
    """Return ports, one after the other, that nobody listens on at any of the hosts.

    They are none that the system gives to connections: it could give one to whoever knocks before
    the server is there, who would then even be connected with itself.
    """
    chance = random.SystemRandom()
    end = _first_ephemeral()
    for _ in range(_TRIES):
        first = chance.randrange(_LOWEST, end - count)
        ports = list(range(first, first + count))
        with ExitStack() as stack:
            try:
                for port in ports:
                    for host in hosts:
                        stack.enter_context(socket.create_server((host, port)))
            except OSError:
                continue
            return ports
    raise OSError(f"no {count} free ports in a row between {_LOWEST} and {end}")


def _first_ephemeral() -> int:
    """Return the first port that the system gives by itself; where it has them all, some end."""
    try:
        first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    except OSError:  # no Linux: the range that IANA names
        return 49_152
    return first if first > _LOWEST + 1000 else 32_768
