"""Who is served right now: what goes along with every call to the compressor.

The gateway does not judge tokens. It passes on the Authorization header as it came;
the compressor judges it, for this surface as for its own. A client certificate ends
here, so its name goes on in a signed assertion.
"""

from __future__ import annotations

import re
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

from furler_gateway import telemetry
from furler_gateway.assertions import METADATA, Signer
from furler_gateway.errors import Failure, RequestError

MAX_MODEL: Final = 256
"""Characters of a model's name: what rules saw of it is remembered for a thousand of them."""
MAX_CREDENTIAL: Final = 6 * 1024
"""gRPC refuses calls with 8 KiB of metadata, and the rest of it needs room, too."""
_CREDENTIAL: Final = re.compile(r"[\x20-\x7e]*")
"""What gRPC takes as the value of metadata."""
_PLACE: Final[ContextVar[Place | None]] = ContextVar("place", default=None)
_CERTIFICATE: Final[ContextVar[str]] = ContextVar("certificate", default="")
_AUTHORIZATION: Final[ContextVar[str]] = ContextVar("authorization", default="")


@dataclass(slots=True)
class Place:
    """Where a request came in, and what it says of itself: for rules and for figures.

    Surfaces that know the model say so here. The tenant is known once somebody asked for it.
    """

    route: str = ""
    model: str = ""
    """At most MAX_MODEL characters."""
    tenant: str = ""
    conversation: str = ""
    """Its conversation, where the compressor knows parts of it by names of their own."""
    audits: bool = False
    """Whether what is explained now is measured for an audit."""


def come_in(route: str) -> None:
    """Say by which route the request that this task serves came in."""
    _PLACE.set(Place(route))


def place() -> Place:
    """Return the place of the request that is served; one of no request is empty."""
    return _PLACE.get() or Place()


def model_name(given: str) -> str:
    """Return what rules and figures see of a model's name: all of it, if it is none made up to be long."""
    return given[:MAX_MODEL]


def credential() -> str:
    """Return what the caller's identity hangs on: equal ones are the same caller's."""
    return _AUTHORIZATION.get() or f"certificate {_CERTIFICATE.get()}"


def serve(authorization: str, certificate: str = "") -> None:
    """Say with whose credential the calls of this task, and of those it starts, are made.

    A token goes before a certificate's name, which is of a certificate that was verified.

    Raises RequestError for one that cannot be passed on.
    """
    if len(authorization) > MAX_CREDENTIAL:
        message = f"Authorization has more than {MAX_CREDENTIAL:,} characters"
        raise RequestError(Failure("unauthenticated", message, status=431))
    if not _CREDENTIAL.fullmatch(authorization):
        message = "Authorization has characters that no credential has"
        raise RequestError(Failure("unauthenticated", message))
    _AUTHORIZATION.set(authorization)
    _CERTIFICATE.set("" if authorization else certificate)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What goes along with each call for whoever is served."""

    signer: Signer | None = None

    def metadata(self, rpc: str) -> tuple[tuple[str, str], ...]:
        """Return the metadata of a call: the caller's credential and trace context."""
        authorization, certificate = _AUTHORIZATION.get(), _CERTIFICATE.get()
        credential: tuple[tuple[str, str], ...] = ()
        if authorization:
            credential = (("authorization", authorization),)
        elif certificate and self.signer is not None:
            credential = ((METADATA, self.signer.assertion(certificate, rpc)),)
        return (*credential, *telemetry.outgoing())
