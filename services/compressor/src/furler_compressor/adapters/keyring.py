"""The keys that stored contents are sealed with: read from a file, newest first.

The file is lines of ``name:base64 of 32 bytes`` (# begins a comment), or a JSON object of the
same. The first key seals; all open. To rotate, put a new key first; drop an old one when the
longest retention has passed since.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import orjson

KEY_BYTES = 32
ID_BYTES = 8


class KeyringError(ValueError):
    """A keyring cannot be used. The message names the key, never its bytes."""


@dataclass(frozen=True, slots=True)
class MasterKey:
    """One key. ``key_id`` is derived from it, so that two keys never pass for one."""

    name: str
    secret: bytes = field(repr=False)

    @property
    def key_id(self) -> bytes:
        """The first 8 bytes of HMAC-SHA-256(key, "furler key id"): what a seal is marked with."""
        return hmac.digest(self.secret, b"furler key id", "sha256")[:ID_BYTES]


@dataclass(frozen=True, slots=True)
class Keyring:
    """Master keys, newest first; at least one."""

    keys: tuple[MasterKey, ...]


def load_keyring(path: Path) -> Keyring:
    """Read a keyring file. Raises KeyringError."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise KeyringError(f"the keyring {path} cannot be read") from None
    keys = tuple(MasterKey(name, _secret(name, encoded)) for name, encoded in _pairs(text))
    if not keys:
        raise KeyringError(f"the keyring {path} holds no key")
    if len({key.name for key in keys}) < len(keys) or len({key.secret for key in keys}) < len(keys):
        raise KeyringError(f"the keyring {path} holds a key or a name twice")
    return Keyring(keys)


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    if text.lstrip().startswith("{"):
        try:
            given = orjson.loads(text)
        except orjson.JSONDecodeError:
            raise KeyringError("the keyring is not valid JSON") from None
        for name, encoded in given.items():
            yield name, encoded if isinstance(encoded, str) else ""
        return
    for number, line in enumerate(text.splitlines(), 1):
        entry = line.partition("#")[0].strip()
        if entry:
            name, colon, encoded = entry.partition(":")
            if not colon or not name.strip():
                raise KeyringError(f"line {number} of the keyring is no NAME:KEY")
            yield name.strip(), encoded.strip()


def _secret(name: str, encoded: str) -> bytes:
    try:
        secret = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        secret = b""
    if len(secret) != KEY_BYTES:
        raise KeyringError(f"key {name!r} of the keyring is not base64 of {KEY_BYTES} bytes")
    return secret
