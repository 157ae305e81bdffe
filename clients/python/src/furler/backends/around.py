"""What every backend around another one starts from: its calls are its own, the rest is the inner one's."""

from __future__ import annotations

from dataclasses import dataclass

from furler.backends.base import Backend


@dataclass(slots=True)
class BackendAround:
    """Opens and closes the inner backend; whoever extends it says what becomes of calls."""

    inner: Backend

    @property
    def stream_above(self) -> int | None:
        """As of the inner backend."""
        return self.inner.stream_above

    async def open(self) -> None:
        """Open the inner backend."""
        await self.inner.open()

    async def close(self) -> None:
        """Close the inner backend."""
        await self.inner.close()
