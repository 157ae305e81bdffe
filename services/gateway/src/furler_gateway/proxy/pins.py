"""Whether a conversation is offered the retrieve tool: decided once, the same for every replica.

Tools stand at the head of a prompt; to add or to drop one in the middle of a
conversation makes the provider forget all of it. So the first decision is kept in
the store, where the compressor keeps a conversation's mode: that of a conversation
without messages, of a name of its own. APPLY stands for offered.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from furler.client import AsyncFurler
from furler.conversations import Dialect, Mode
from furler.errors import CredentialInvalidError, FurlerError, SpaceDeniedError
from furler_gateway import caller

_EMPTY: Final = b'{"messages":[]}'
_MOST: Final = 20_000
"""Conversations remembered: about 5 MB."""
_AGAIN_SECONDS: Final = 600.0
"""After this the store is asked again, which extends the pin's retention."""


@dataclass(slots=True)
class ToolPins:
    """Asks the store, and remembers."""

    seconds: float
    _known: OrderedDict[bytes, tuple[bool, float]] = field(default_factory=OrderedDict)

    async def offered(self, furler: AsyncFurler, name: str, space: str, *, wish: bool) -> bool:
        """Return what a conversation began with; the wish if it begins now.

        The wish is in force while the store cannot be asked. Raises FurlerError for the caller's
        own credential.
        """
        key = _key(name, space)
        held = self._known.get(key)
        if held is not None and time.monotonic() - held[1] < _AGAIN_SECONDS:
            return held[0]
        mode = Mode.APPLY if wish else Mode.BYPASS
        try:
            async with asyncio.timeout(self.seconds):
                done = await furler.compress_conversation(
                    _EMPTY, Dialect.OPENAI_CHAT, conversation=f"{name}+tool", space=space, mode=mode
                )
        except (CredentialInvalidError, SpaceDeniedError):
            raise
        except (FurlerError, TimeoutError):
            return held[0] if held is not None else wish
        if done.degraded is not None:
            return held[0] if held is not None else wish
        self._known[key] = (done.mode is not Mode.BYPASS, time.monotonic())
        self._known.move_to_end(key)
        while len(self._known) > _MOST:
            self._known.popitem(last=False)
        return done.mode is not Mode.BYPASS


def _key(name: str, space: str) -> bytes:
    """Return what a conversation is known by here: whoever asks, asks for their own."""
    return hashlib.sha256(repr((caller.credential(), name, space)).encode()).digest()
