"""Who calls, what they may, and how much time there is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import TypeVar

from furler_compressor.app.errors import (
    FieldInvalidError,
    SpaceDeniedError,
    StoreUnavailableError,
)
from furler_compressor.app.identity import ANONYMOUS, Grant
from furler_compressor.app.ports import Scope

_T = TypeVar("_T")

MAX_SPACE_LENGTH = 128


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, and until when (event-loop time) an answer is of use.

    ``agent`` is what the caller calls itself: for the audit trail, and trusted for nothing.
    """

    tenant: str
    deadline: float
    agent: str = ""
    grant: Grant = field(default=ANONYMOUS)

    def time_left(self) -> float:
        """Return the seconds until the deadline; not negative."""
        return max(0.0, self.deadline - asyncio.get_running_loop().time())

    async def within(self, work: Awaitable[_T]) -> _T:
        """Await a store's answer, for no more than 40 % of the time that is left.

        A store that hangs must leave time for the answer without it. Raises
        StoreUnavailableError when that time is over.
        """
        try:
            async with asyncio.timeout(0.4 * self.time_left()):
                return await work
        except TimeoutError:
            raise StoreUnavailableError("the store did not answer in time") from None

    def scope(self, space: str) -> Scope:
        """Return the caller's scope for a space. Raises FieldInvalidError, SpaceDeniedError."""
        name = space or "default"
        if len(name) > MAX_SPACE_LENGTH or not name.isprintable():
            raise FieldInvalidError(
                f"space: want at most {MAX_SPACE_LENGTH} printable characters, got {len(name)}",
                field="space",
            )
        if not self.grant.covers(name):
            raise SpaceDeniedError("space: the credential does not cover it", space=name)
        return Scope(self.tenant, name)

    def scope_for(self, role: str, space: str) -> Scope:
        """Return the caller's scope, if they have a role. Raises like scope()."""
        scope = self.scope(space)
        if role not in self.grant.roles:
            raise SpaceDeniedError(
                f"space: the credential lacks the role {role!r}", space=scope.space, role=role
            )
        return scope
