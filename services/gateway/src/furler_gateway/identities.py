"""Whose request it is: asked of the compressor, which alone judges credentials, and remembered shortly."""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from furler.backends.base import GET_IDENTITY, Backend
from furler.errors import CredentialInvalidError, FurlerError
from furler.v1 import info_service_pb2 as info
from furler_gateway import caller

_FRESH_SECONDS: Final = 30.0
"""How long an answer holds. It opens nothing: the compressor judges every call again."""
_PAUSE_SECONDS: Final = 1.0
"""How long nobody asks after an answer did not come: one that hangs is not to hold up every request."""
_MOST: Final = 10_000
_SECONDS: Final = 2.0
"""What the compressor has to answer; a look-up takes it less than a millisecond."""


@dataclass(slots=True)
class Identities:
    """Tenants by credential."""

    backend: Backend
    clock: Callable[[], float] = time.monotonic
    _known: OrderedDict[bytes, tuple[float, str]] = field(default_factory=OrderedDict)
    _failed_at: float = float("-inf")

    async def tenant(self) -> str:
        """Return the tenant of the request that is served; empty while nobody can tell.

        Raises CredentialInvalidError.
        """
        # A digest: what a process remembers shows in a dump of it.
        key = hashlib.sha256(caller.credential().encode()).digest()
        asked, tenant = self._known.get(key, (float("-inf"), ""))
        if self.clock() - asked >= _FRESH_SECONDS:
            if self.clock() - self._failed_at < _PAUSE_SECONDS:
                return tenant
            try:
                answer = await self.backend.unary(GET_IDENTITY, info.GetIdentityRequest(), _SECONDS)
            except CredentialInvalidError:
                raise
            except FurlerError:
                # A compressor that is away, or one that knows no identities.
                self._failed_at = self.clock()
                return tenant
            tenant = answer.tenant
            self._known[key] = (self.clock(), tenant)
            self._known.move_to_end(key)
            if len(self._known) > _MOST:
                self._known.popitem(last=False)
        caller.place().tenant = tenant
        return tenant
