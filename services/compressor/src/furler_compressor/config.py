"""The service's settings: one class, read from the environment and nowhere else.

Every variable is the field's name in capitals after ``FURLER_``.
"""

from __future__ import annotations

import os
from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

MIB = 1024 * 1024


class Settings(BaseSettings):
    """Settings of the compressor; every field has a default that serves one laptop."""

    model_config = SettingsConfigDict(env_prefix="FURLER_", extra="ignore", frozen=True)

    listen: str = "127.0.0.1:50051"
    """Address of the gRPC server. Loopback by default: nothing is open to a network unasked."""
    store: str = ""
    """``memory:``, a directory for SQLite, or a ``redis://`` URL; empty: the user's data directory."""
    workers: Annotated[int, Field(ge=1, le=256)] = 1
    """Serving processes; all listen on the same port (SO_REUSEPORT)."""
    engine_processes: Annotated[int, Field(ge=1, le=256)] = 1
    """Engine processes per worker; a worker's event loop needs little beside them."""
    engine_queue: Annotated[int, Field(ge=0, le=100_000)] = 64
    """Jobs that may wait per worker; the next is refused with RESOURCE_EXHAUSTED."""
    engine_recycle_bytes: int = 768 * MIB
    """An engine process whose peak memory passed this is replaced after its job."""
    max_content_bytes: int = 64 * MIB
    """Largest content; larger ones are refused with INVALID_ARGUMENT."""
    max_batch_items: int = 256
    """Most items of a batch."""
    default_retention_seconds: float = 24 * 3600
    """How long an original is kept when the policy says nothing: a working day and its night."""
    max_retention_seconds: float = 30 * 24 * 3600
    """Longest retention a policy may ask for."""
    shared_max_entries: Annotated[int, Field(ge=1)] = 10_000
    """Most shared entries of one space."""
    shared_max_bytes: Annotated[int, Field(ge=1)] = 1024 * MIB
    """Most bytes of one space's shared entries, originals counted once per entry."""
    shared_max_watches: Annotated[int, Field(ge=1)] = 1000
    """Watches that one worker serves; each costs about 50 KB. The next is refused."""
    shared_checkpoint_seconds: Annotated[float, Field(gt=0)] = 10.0
    """A watch without changes is told this often how far it has come."""
    default_timeout_seconds: float = 30.0
    """Deadline of a call whose client set none."""
    drain_seconds: float = 20.0
    """How long calls in flight may take after SIGTERM."""
    connection_age_seconds: float = 300.0
    """Connections are closed gracefully after this, jittered, so that new replicas get load."""
    master_key: str = ""
    """Secret behind references, at least 32 characters. Empty: a public constant, fit for one
    machine only; every replica of a fleet needs the same secret."""
    otlp_endpoint: str = ""
    """OTLP/gRPC collector such as ``http://collector:4317``. Empty: no telemetry leaves."""
    trace_share: Annotated[float, Field(ge=0, le=1)] = 1.0
    """Share of new traces that are sampled; a caller's decision is followed."""

    def reference_key(self) -> bytes:
        """Return the master key's bytes. Raises ValueError for a short one."""
        if not self.master_key:
            return b"furler: not a secret"
        if len(self.master_key) < 32:
            raise ValueError("FURLER_MASTER_KEY: want at least 32 characters")
        return self.master_key.encode()


def cpu_count() -> int:
    """Return the processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
