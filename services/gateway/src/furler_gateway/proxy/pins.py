"""What a conversation keeps for its life, the same for every replica: words under names, in the store.

Tools stand at the head of a prompt; to add or to drop one in the middle of a
conversation makes the provider forget all of it. So whether the retrieve tool is
offered is decided once. And a reply made of several has one id for the client and
another by which the provider knows all of it.

The compressor keeps both as the tag of a conversation without messages: the first
one that is written counts, and none is written by asking.
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

_MOST: Final = 20_000
"""Words remembered: about 5 MB."""
_AGAIN_SECONDS: Final = 600.0
"""After this the store is asked again, which extends the word's retention."""
_MOST_ID: Final = 200
"""Characters of an id that is kept; the compressor's names have 256."""
_OFFERED: Final = {True: "offered", False: "never"}


@dataclass(slots=True)
class Pins:
    """Asks the store, and remembers. Waits for it so many seconds at most."""

    furler: AsyncFurler
    seconds: float
    _known: OrderedDict[bytes, tuple[str, float]] = field(default_factory=OrderedDict)

    async def is_offered(self, name: str, space: str, *, wish: bool) -> bool:
        """Return whether a conversation began with the tool; the wish if it begins now.

        The wish is in force while the store cannot be asked. Raises FurlerError for the caller's
        own credential.
        """
        word = await self._word(f"{name}+tool", space, _OFFERED[wish])
        return word == _OFFERED[True] if word else wish

    async def link(self, shown: str, real: str, space: str) -> None:
        """Keep by which id the provider knows a reply, that the client knows by another."""
        if max(len(shown), len(real)) <= _MOST_ID:
            await self._word(f"response:{shown}", space, real)

    async def linked(self, shown: str, space: str) -> str:
        """Return the id by which the provider knows a reply; most are shown as they are."""
        if len(shown) > _MOST_ID or not shown.isprintable():
            return shown
        return await self._word(f"response:{shown}", space, "") or shown

    async def _word(self, name: str, space: str, word: str) -> str:
        """Return the word under a name; keep this one if there is none. Empty: only ask."""
        # Whoever asks, asks for their own.
        key = hashlib.sha256(repr((caller.credential(), name, space)).encode()).digest()
        held = self._known.get(key)
        if held is not None and time.monotonic() - held[1] < _AGAIN_SECONDS:
            return held[0]
        mode = Mode.BYPASS if word else Mode.AUDIT
        try:
            async with asyncio.timeout(self.seconds):
                done = await self.furler.compress_conversation(
                    b"", Dialect.OPENAI_CHAT, conversation=name, space=space, mode=mode, tag=word
                )
        except (CredentialInvalidError, SpaceDeniedError):
            raise
        except (FurlerError, TimeoutError):
            return held[0] if held is not None else ""
        kept = done.tag or (word if done.degraded is None else "")
        if kept:
            self._known[key] = (kept, time.monotonic())
            self._known.move_to_end(key)
            if len(self._known) > _MOST:
                self._known.popitem(last=False)
        return kept
