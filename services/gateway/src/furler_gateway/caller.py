"""Who is served right now: what goes along with every call to the compressor.

The gateway does not judge credentials. It passes on the Authorization header as
it came; the compressor judges it, for this surface as for its own.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Final

from furler_gateway import telemetry

_AUTHORIZATION: Final[ContextVar[str]] = ContextVar("authorization", default="")


def serve(authorization: str) -> None:
    """Say with whose credential the calls of this task, and of those it starts, are made."""
    _AUTHORIZATION.set(authorization)


def metadata() -> tuple[tuple[str, str], ...]:
    """Return the metadata of a call: the caller's credential and trace context."""
    authorization = _AUTHORIZATION.get()
    credential = (("authorization", authorization),) if authorization else ()
    return (*credential, *telemetry.outgoing())
