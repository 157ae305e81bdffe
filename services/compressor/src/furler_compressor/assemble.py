"""Puts the service together from its settings: once for the server, once for the library."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import platformdirs

from furler_compressor.adapters.engine_pool import EnginePool
from furler_compressor.adapters.open_entries import open_entries
from furler_compressor.adapters.open_store import open_store
from furler_compressor.adapters.wrap.traced import TracedStore
from furler_compressor.adapters.wrap.traced_entries import TracedEntries
from furler_compressor.app.context import Context, Limits
from furler_compressor.app.engine import EngineRunner
from furler_compressor.app.entries_port import Bounds
from furler_compressor.app.sharing import Sharing, SharingLimits
from furler_compressor.config import MIB, Settings
from furler_compressor.rpc.handlers import Handlers


def limits(settings: Settings) -> Limits:
    """Return the bounds requests are held to."""
    return Limits(
        max_content_bytes=settings.max_content_bytes,
        max_batch_items=settings.max_batch_items,
        max_chunk_bytes=MIB,
        default_retention=settings.default_retention_seconds,
        max_retention=settings.max_retention_seconds,
    )


def sharing_limits(settings: Settings) -> SharingLimits:
    """Return the bounds shared context is held to."""
    return SharingLimits(
        Bounds(settings.shared_max_entries, settings.shared_max_bytes),
        watches=settings.shared_max_watches,
        checkpoint=settings.shared_checkpoint_seconds,
    )


def store_url(settings: Settings) -> str:
    """Return the configured store, or a directory in the user's data directory."""
    return settings.store or platformdirs.user_data_dir("furler", appauthor=False)


@asynccontextmanager
async def opened(settings: Settings, engine: EngineRunner) -> AsyncIterator[Handlers]:
    """Open the store, give the handlers, and close both at the end.

    Raises StoreUrlError, or ValueError for a short master key.
    """
    store = TracedStore(open_store(store_url(settings)))
    sharing = Sharing(TracedEntries(open_entries(store_url(settings))), sharing_limits(settings))
    context = Context(engine, store, limits(settings), settings.reference_key(), sharing)
    try:
        yield Handlers(context)
    finally:
        await context.drain()
        await engine.close()
        await sharing.close()
        await context.store.close()


@asynccontextmanager
async def for_service(settings: Settings) -> AsyncIterator[Handlers]:
    """Give handlers whose engine runs in child processes."""
    pool = EnginePool(
        settings.engine_processes, settings.engine_queue, settings.engine_recycle_bytes
    )
    async with opened(settings, pool) as handlers:
        await pool.start()
        yield handlers


@asynccontextmanager
async def for_library(settings: Settings) -> AsyncIterator[Handlers]:
    """Give handlers whose engine runs in a thread of this process."""
    # Imported here: a serving process leaves the engine, 25 MB of it, to its children.
    from furler_compressor.adapters.engine_inline import InlineEngine  # noqa: PLC0415

    async with opened(settings, InlineEngine()) as handlers:
        yield handlers
