"""What this process last saw of conversations' pins, for turns in which the store cannot be read.

A turn whose pins are unknown goes out unedited and loses the provider's cached prefix. Whoever
served an earlier turn of the conversation knows them: a pin never changes, so what is remembered is
right, and at worst not all there is.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Final

from furler_compressor.app.ports import Scope

SECONDS: Final = 600.0
"""How long pins are remembered: providers keep an idle prefix for 5 to 10 minutes, so older ones
save nothing. An erasure by another replica reaches this memory as late."""
_MAX_BYTES: Final = 32 * 1024 * 1024
"""Some 100 conversations of 200 turns. A store's outage should not become ours."""


class PinMemory:
    """Remembers conversations' pins, those used last, up to a bound of bytes."""

    def __init__(self, max_bytes: int = _MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._held: OrderedDict[tuple[Scope, str], tuple[float, int, Mapping[str, bytes]]] = (
            OrderedDict()
        )
        self._bytes = 0

    def remember(
        self, scope: Scope, conversation: str, pins: Mapping[str, bytes], now: float, until: float
    ) -> None:
        """Remember all of a conversation's pins until a time, in seconds of the caller's clock.

        What is over goes first, as far as nothing older is not: after ten minutes all of it.
        """
        while self._held and next(iter(self._held.values()))[0] <= now:
            self._drop(next(iter(self._held)))
        self._drop((scope, conversation))
        size = sum(len(key) + len(data) for key, data in pins.items())
        self._held[scope, conversation] = (until, size, pins)
        self._bytes += size
        while self._bytes > self._max_bytes:
            self._drop(next(iter(self._held)))

    def recall(self, scope: Scope, conversation: str, now: float) -> Mapping[str, bytes] | None:
        """Return what is remembered, or None."""
        until, _, pins = self._held.get((scope, conversation), (now, 0, None))
        return pins if until > now else None

    def forget(self, scope: Scope) -> None:
        """Forget a scope's conversations: something of it was erased."""
        for key in [key for key in self._held if key[0] == scope]:
            self._drop(key)

    def _drop(self, key: tuple[Scope, str]) -> None:
        _, size, _ = self._held.pop(key, (0.0, 0, {}))
        self._bytes -= size
