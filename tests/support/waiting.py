"""Waiting for something to come true, bounded: instead of sleeping and hoping."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import psutil

_T = TypeVar("_T")
PATIENCE_SECONDS = 30.0
_PAUSE_SECONDS = 0.02


def eventually(probe: Callable[[], _T | None], what: str) -> _T:
    """Return the first truthy value of a probe; fail after half a minute."""
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        value = probe()
        if value:
            return value
        time.sleep(_PAUSE_SECONDS)
    raise AssertionError(f"waited {PATIENCE_SECONDS:.0f} s in vain: {what}")


def runs(process: psutil.Process) -> bool:
    """Whether a process runs; one that ended may still have to be reaped by someone else."""
    try:
        return str(process.status()) != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
