"""References: the short names that views carry and Retrieve takes.

One per original and tenant: sixteen lower-case base32 characters (80 bits) of
HMAC-SHA-256(tenant key, SHA-256 of the content). Every replica derives the
same one; without the key nobody can guess one or learn from one.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from functools import lru_cache
from typing import Final

from furler_engine.markers import REF_LENGTH

_HEX: Final = re.compile(r"[0-9a-f]{20}")


def digest_of(data: bytes) -> bytes:
    """Return the SHA-256 of a content, 32 bytes."""
    return hashlib.sha256(data).digest()


def reference(tenant_key: bytes, sha256: bytes) -> str:
    """Return the reference of a content under a tenant's key."""
    mac = hmac.digest(tenant_key, sha256, "sha256")
    return base64.b32encode(mac).decode().lower()[:REF_LENGTH]


def canonical(ref: str) -> str:
    """Return a reference as it is stored.

    LLM gateways take references for hexadecimal hashes, so /v1/compress prints them as such: the same
    80 bits in twenty digits.
    """
    if _HEX.fullmatch(ref) is None:
        return ref
    return base64.b32encode(bytes.fromhex(ref)).decode().lower()


@lru_cache(maxsize=1024)
def tenant_key(master_key: bytes, tenant: str) -> bytes:
    """Derive a tenant's key from the master key: HMAC-SHA-256(master, "furler ref " + tenant)."""
    return hmac.digest(master_key, b"furler ref " + tenant.encode(), "sha256")
