"""The public keys that tokens are signed with: a JWK set from a file or an https URL, cached."""

from __future__ import annotations

import asyncio
import json
import logging
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from jwt import PyJWK, PyJWKSet
from jwt.exceptions import PyJWKError, PyJWKSetError

_LOG: Final = logging.getLogger("furler.credentials")
# Issuers announce a new key well before they sign with it, and withdraw an old one after its
# tokens have expired.
_FRESH_SECONDS = 600.0
# A token with an unknown key asks for a new reading; made-up ones must not flood the issuer.
_RETRY_SECONDS = 30.0
_TIMEOUT_SECONDS = 3.0
_MAX_BYTES = 1024 * 1024
_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")


class JwksError(ValueError):
    """A JWK set cannot be used."""


class Jwks:
    """Keys by their id.

    Args:
        source: A file, or an https URL (http for loopback only).
        clock: Seconds, monotonic.
    """

    def __init__(self, source: str, clock: Callable[[], float] = time.monotonic) -> None:
        parts = urlsplit(source)
        if parts.scheme not in ("", "file", "https") and not (
            parts.scheme == "http" and parts.hostname in _LOOPBACK
        ):
            raise JwksError("the JWK set wants an https URL or a file")
        self._source = source
        self._is_url = parts.scheme in ("http", "https")
        self._clock = clock
        self._keys: dict[str, PyJWK] = {}
        self._read_at = float("-inf")
        self._reading: asyncio.Task[None] | None = None

    async def key(self, key_id: str) -> PyJWK | None:
        """Return a key, or None for one that nobody signs with."""
        age = self._clock() - self._read_at
        if age >= _FRESH_SECONDS or (key_id not in self._keys and age >= _RETRY_SECONDS):
            self._read_at = self._clock()
            self._reading = asyncio.create_task(self._read())
        if self._reading is not None and key_id not in self._keys:
            # Shielded by wait: a caller that gives up does not stop the others' reading.
            await asyncio.wait({self._reading})
        return self._keys.get(key_id)

    async def _read(self) -> None:
        try:
            self._keys = await asyncio.to_thread(self._load)
        except (OSError, ValueError, PyJWKSetError, PyJWKError) as error:
            _LOG.error("the JWK set cannot be read (%s)", type(error).__name__)

    def _load(self) -> dict[str, PyJWK]:
        if self._is_url:
            with urllib.request.urlopen(self._source, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310 - the scheme was checked
                if urlsplit(answer.url).scheme != urlsplit(self._source).scheme:
                    raise JwksError("the JWK set was redirected out of https")
                data = answer.read(_MAX_BYTES)
        else:
            data = Path(self._source.removeprefix("file://")).read_bytes()
        keys = PyJWKSet.from_dict(json.loads(data)).keys
        return {key.key_id: key for key in keys if key.key_id}
