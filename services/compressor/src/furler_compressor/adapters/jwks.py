"""The public keys that tokens are signed with, cached. Where they come from is key_sources.py."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable
from typing import Final

from jwt import PyJWK, PyJWKSet
from jwt.exceptions import PyJWKError, PyJWKSetError

from furler_compressor.adapters.key_sources import JwksError, KeySource

_LOG: Final = logging.getLogger("furler.credentials")
# Issuers announce a new key well before they sign with it, and withdraw an old one after its
# tokens have expired.
_FRESH_SECONDS = 600.0
# A token with an unknown key asks for a new reading; made-up ones must not flood the issuer.
_RETRY_SECONDS = 30.0
_WAIT_SECONDS = 10.0
"""How long a call waits for a reading; the reading goes on without it."""


class Jwks:
    """Keys by their id, from a source. ``clock`` is in seconds, monotonic.

    A reading that fails leaves the keys as they are: an issuer that is away locks nobody out.
    """

    def __init__(self, source: KeySource, clock: Callable[[], float] = time.monotonic) -> None:
        self._source = source
        self._clock = clock
        self._keys: dict[str, PyJWK] = {}
        self._read_at = float("-inf")
        self._reading: asyncio.Task[None] | None = None

    async def key(self, key_id: str) -> PyJWK | None:
        """Return a key, or None for one that nobody signs with."""
        age = self._clock() - self._read_at
        is_wanted = age >= _FRESH_SECONDS or (key_id not in self._keys and age >= _RETRY_SECONDS)
        if is_wanted and (self._reading is None or self._reading.done()):
            self._read_at = self._clock()
            self._reading = asyncio.create_task(self._read())
        if self._reading is not None and key_id not in self._keys:
            # Shielded by wait: a caller that gives up does not stop the others' reading.
            await asyncio.wait({self._reading}, timeout=_WAIT_SECONDS)
        return self._keys.get(key_id)

    async def _read(self) -> None:
        try:
            keys = await asyncio.to_thread(self._load)
        except (JwksError, PyJWKSetError, PyJWKError, ValueError, RecursionError) as error:
            why = str(error) if isinstance(error, JwksError) else "it is no JWK set"
            _LOG.error("the keys of tokens cannot be read, those there are stay: %s", why)
            return
        if keys.keys() != self._keys.keys():
            _LOG.info("tokens are signed with one of %d keys", len(keys))
        self._keys = keys

    def _load(self) -> dict[str, PyJWK]:
        keys = PyJWKSet.from_dict(json.loads(self._source.read())).keys
        return {
            key.key_id: key
            for key in keys
            if key.key_id and key.public_key_use in (None, "sig")  # others are to encrypt with
        }
