"""From a store's URL to a store: which adapter it names, and the decorators around it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from furler_compressor.adapters.memory_store import DEFAULT_MAX_BYTES, MemoryStore
from furler_compressor.adapters.sqlite_store import SqliteStore
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
    scheme, rest = _split(url)
    match scheme:
        case "memory":
            return MemoryStore(options.max_bytes or DEFAULT_MAX_BYTES, clock)
        case "sqlite":
            return SqliteStore(_directory(rest), options.max_bytes, clock=clock)
        case _:
            raise StoreUrlError(f"no store has the scheme {scheme!r}; use {_FORMS}")


def _directory(text: str) -> Path:
    # sqlite:///var/lib is how others write sqlite:/var/lib.
    path = Path(text.removeprefix("//")).expanduser()
    if not text.strip("/ "):
        raise StoreUrlError("the store's URL names no directory")
    if path.exists() and not path.is_dir():
        raise StoreUrlError("the store's URL names a file; the SQLite store needs a directory")
    return path


def _split(url: str) -> tuple[str, str]:
    """Return (scheme in lower case, what follows its colon); a path has the scheme sqlite."""
    if not url.strip():
        raise StoreUrlError(f"the store's URL is empty; use {_FORMS}")
    match = _SCHEME.match(url)
    if match is None:
        return "sqlite", url
    return match[1].lower(), url[match.end() :]
