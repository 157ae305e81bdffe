"""The port through which replicas agree who of them makes a view.

A lease spares work and guards nothing: two replicas that both make the same view make the same
bytes. So in doubt it is granted, and no call ever fails for want of one.
"""

from __future__ import annotations

from typing import Protocol

from furler_compressor.app.ports import Scope

UNHELD = ""
"""The token of a lease that was granted without asking: nobody else knows of it."""


class Leases(Protocol):
    """Short leases on names within a scope, shared by whoever shares the store."""

    async def take(self, scope: Scope, name: str, seconds: float) -> str | None:
        """Return a token, or None while another holds the name. Never raises, soon returns.

        A lease ends by itself after ``seconds``: its holder may have died.
        """
        ...

    async def release(self, scope: Scope, name: str, token: str) -> None:
        """End a lease, if it is still this one. Never raises."""
        ...


class FreeLeases:
    """Grants every lease: for a store that no other machine uses."""

    async def take(self, scope: Scope, name: str, seconds: float) -> str | None:
        """Grant it."""
        del scope, name, seconds
        return UNHELD

    async def release(self, scope: Scope, name: str, token: str) -> None:
        """Do nothing."""
