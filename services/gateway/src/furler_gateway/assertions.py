"""What the gateway says of a caller whom it knows by a client certificate: signed, for one call.

The compressor verifies it (furler_compressor.adapters.edge) and says which tenant the certificate
is of. The key is nobody else's: who has it can be any certificate that is listed there.
"""

from __future__ import annotations

import base64
import binascii
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

METADATA: Final = "furler-identity"
LIFE_SECONDS: Final = 30
"""A call takes its assertion along when it starts; more is for clocks that differ."""
_KEY_BYTES: Final = 32
_ALGORITHM: Final = "HS256"
_ISSUER: Final = "furler-gateway"
_AUDIENCE: Final = "furler-compressor"


class EdgeKeyError(ValueError):
    """The file of the key cannot be used. The message holds nothing of it."""


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs with one key."""

    name: str
    secret: bytes = field(repr=False)
    clock: Callable[[], float] = time.time

    def assertion(self, certificate: str, rpc: str) -> str:
        """Return an assertion that a call of an RPC is made for the bearer of a certificate."""
        import jwt  # noqa: PLC0415 - 5 MB that a gateway without client certificates does without

        now = int(self.clock())
        claims = {
            "iss": _ISSUER,
            "aud": _AUDIENCE,
            "sub": certificate,
            "rpc": rpc,
            "iat": now,
            "exp": now + LIFE_SECONDS,
            "jti": secrets.token_urlsafe(16),
        }
        return jwt.encode(claims, self.secret, _ALGORITHM, headers={"kid": self.name})


def load_signer(path: Path) -> Signer:
    """Return the signer of a file's first key: lines of NAME:BASE64 of 32 bytes, # for comments.

    Raises EdgeKeyError.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise EdgeKeyError(f"{path}: cannot be read") from None
    for line in lines:
        entry = line.partition("#")[0].strip()
        if not entry:
            continue
        name, _, encoded = entry.partition(":")
        try:
            secret = base64.b64decode(encoded.strip(), validate=True)
        except (binascii.Error, ValueError):
            secret = b""
        if not name.strip() or len(secret) != _KEY_BYTES:
            raise EdgeKeyError(f"{path}: want lines of NAME:BASE64 of {_KEY_BYTES} bytes")
        return Signer(name.strip(), secret)
    raise EdgeKeyError(f"{path}: holds no key")


def name_of(certificate: Mapping[str, object] | None) -> str:
    """Return the name of a verified client certificate, as ssl gives it; empty if it has none.

    The one URI among its alternative names (a SPIFFE ID is one), else the one DNS name. Of several
    nobody can tell which is meant.
    """
    names: dict[str, list[str]] = {}
    found = (certificate or {}).get("subjectAltName", ())
    for kind, value in found if isinstance(found, tuple) else ():
        names.setdefault(str(kind), []).append(str(value))
    for kind in ("URI", "DNS"):
        if kind in names:
            (first, *others) = names[kind]
            return "" if others or not first.isprintable() else f"{kind.lower()}:{first}"
    return ""
