"""Where the Tritons are: the forms of their addresses, and what an operator adds from settings.

Nothing here connects, and nothing here imports the driver.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

# Triton's own default for gRPC.
_PORT = 8001
_SCHEMES = ("grpc", "grpcs")
_PLACE = re.compile(
    r"(?:(?P<scheme>[A-Za-z]+)://)?(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(?P<port>\d{1,5}))?"
)


class TritonUrlError(ValueError):
    """An address of a Triton cannot be used. The message names its place in the list."""


@dataclass(frozen=True, slots=True)
class TritonAccess:
    """Certificates for servers that are reached through TLS (``grpcs://``).

    Attributes:
        ca_file: Authorities that may sign the servers' certificates, PEM; empty: the system's.
        cert_file: Our certificate, PEM, for servers that want one.
        key_file: Its key, PEM.
    """

    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""

    def check(self) -> None:
        """Raise OSError for a file that cannot be read."""
        for file in (self.ca_file, self.cert_file, self.key_file):
            if file:
                Path(file).read_bytes()


@dataclass(frozen=True, slots=True)
class TritonPlace:
    """An address. A name that stands for several servers is asked for all of them, in turn."""

    host: str
    port: int
    tls: bool

    @property
    def target(self) -> str:
        """The form that gRPC knows."""
        return f"{self.host}:{self.port}"


def parse_triton_urls(urls: str) -> tuple[TritonPlace, ...]:
    """Return the places of a list such as ``grpc://a:8001,grpcs://b``; none for an empty one.

    Raises:
        TritonUrlError: A part is no address, or is named twice.
    """
    places: list[TritonPlace] = []
    for number, part in enumerate(urls.split(",") if urls.strip() else [], start=1):
        place = _parse(part.strip(), number)
        if place in places:
            raise TritonUrlError(f"address {number} is in the list twice")
        places.append(place)
    return tuple(places)


def _parse(text: str, number: int) -> TritonPlace:
    match = _PLACE.fullmatch(text)
    if match is None:
        raise TritonUrlError(f"address {number}: want grpc://HOST:PORT or grpcs://HOST:PORT")
    scheme = (match["scheme"] or "grpc").lower()
    if scheme not in _SCHEMES:
        raise TritonUrlError(
            f"address {number}: want the scheme grpc or grpcs; Triton's HTTP port is not used"
        )
    port = int(match["port"] or _PORT)
    if not 0 < port < 65536:
        raise TritonUrlError(f"address {number}: want a port from 1 to 65535")
    return TritonPlace(match["host"], port, tls=scheme == "grpcs")
