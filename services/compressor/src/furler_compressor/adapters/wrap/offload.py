"""Work over bytes that releases the GIL (hashing, zstd): small here, large on a thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

# About a millisecond of zstd or SHA-256: what the event loop may be held for.
_THREAD_BYTES = 256 * 1024


async def offload(size: int, work: Callable[[], T]) -> T:
    """Return ``work()``, run on a thread if it goes over many bytes (``size``)."""
    if size < _THREAD_BYTES:
        return work()
    return await asyncio.to_thread(work)
