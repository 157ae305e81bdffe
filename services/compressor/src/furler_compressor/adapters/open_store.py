"""From a store's URL to a store: which adapter it names, and the decorators around it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from furler_compressor.adapters.memory_store import DEFAULT_MAX_BYTES, MemoryStore
from furler_compressor.app.ports import Store

_FORMS = "memory:, a directory, sqlite:DIRECTORY, redis://HOST:PORT/DB, rediss://…, unix://PATH"
# Two letters at least: C:\data is a directory.
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):")


class StoreUrlError(ValueError):
    """A store's URL cannot be used. The message says what is wrong; it never repeats the URL."""


@dataclass(frozen=True, slots=True)
class StoreOptions:
    """What bounds a store.

    Attributes:
        max_bytes: Refuse to hold more than this; None leaves it to the backend (memory: 256 MiB).
    """

    max_bytes: int | None = None


def open_store(
    url: str, options: StoreOptions | None = None, clock: Callable[[], float] = time.time
) -> Store:
    """Return the store that ``url`` names, decorated. Nothing is connected or created yet.

    Raises:
        StoreUrlError: The URL names no store.
    """
    options = options or StoreOptions()
    scheme, _rest = _split(url)
    match scheme:
        case "memory":
            return MemoryStore(options.max_bytes or DEFAULT_MAX_BYTES, clock)
        case _:
            raise StoreUrlError(f"no store has the scheme {scheme!r}; use {_FORMS}")


def _split(url: str) -> tuple[str, str]:
    """Return (scheme in lower case, what follows its colon); a path has the scheme sqlite."""
    if not url.strip():
        raise StoreUrlError(f"the store's URL is empty; use {_FORMS}")
    match = _SCHEME.match(url)
    if match is None:
        return "sqlite", url
    return match[1].lower(), url[match.end() :]
