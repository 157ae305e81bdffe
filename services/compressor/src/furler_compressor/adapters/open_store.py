"""From a store's URL to a store: which adapter it names, and the decorators around it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from furler_compressor.adapters.memory_store import DEFAULT_MAX_BYTES, MemoryStore
from furler_compressor.adapters.sqlite_store import SqliteStore
from furler_compressor.adapters.wrap.bounded import DEFAULT_TIMEOUT, BoundedStore, Breaker
from furler_compressor.adapters.wrap.packed import PackedStore
from furler_compressor.adapters.wrap.verified import VerifiedStore
from furler_compressor.app.ports import Store

_FORMS = "memory:, a directory, sqlite:DIRECTORY, redis://HOST:PORT/DB, rediss://…, unix://PATH"
# Two letters at least: C:\data is a directory.
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):")

# The driver takes any of its arguments from a URL, decode_responses too; these are an operator's.
_REDIS_OPTIONS = (
    "db",
    "ssl_ca_certs",
    "ssl_certfile",
    "ssl_keyfile",
    "ssl_cert_reqs",
    "ssl_check_hostname",
)


class StoreUrlError(ValueError):
    """A store's URL cannot be used. The message says what is wrong; it never repeats the URL."""


@dataclass(frozen=True, slots=True)
class StoreOptions:
    """What bounds a store.

    Attributes:
        max_bytes: Refuse to hold more than this, packed; None: memory 256 MiB, SQLite the disk.
            A Redis server has its own maxmemory.
        timeout: Seconds that one call may take.
        breaker_failures: Calls in a row that must fail before the store is left alone.
        breaker_pause: Seconds for which it is then left alone.
    """

    max_bytes: int | None = None
    timeout: float = DEFAULT_TIMEOUT
    breaker_failures: int = 5
    breaker_pause: float = 5.0


def open_store(
    url: str, options: StoreOptions | None = None, clock: Callable[[], float] = time.time
) -> Store:
    """Return the store that ``url`` names, decorated. Nothing is connected or created yet.

    Raises:
        StoreUrlError: The URL names no store.
    """
    options = options or StoreOptions()
    return decorate(_adapter(url, options, clock), options)


def decorate(store: Store, options: StoreOptions) -> Store:
    """Wrap an adapter: only the backend's own time is bounded, and only unpacked bytes verified."""
    bounded = BoundedStore(
        store, options.timeout, Breaker(options.breaker_failures, options.breaker_pause)
    )
    return VerifiedStore(PackedStore(bounded))


def _adapter(url: str, options: StoreOptions, clock: Callable[[], float]) -> Store:
    scheme, rest = split_url(url)
    match scheme:
        case "memory":
            return MemoryStore(options.max_bytes or DEFAULT_MAX_BYTES, clock)
        case "sqlite":
            return SqliteStore(store_directory(rest), options.max_bytes, clock=clock)
        case "redis" | "rediss" | "unix":
            # redis.py takes 0.1 s to import: the embedded default does without.
            from furler_compressor.adapters.redis_store import RedisStore  # noqa: PLC0415

            return RedisStore(_checked_redis_url(url), clock=clock)
        case _:
            raise StoreUrlError(f"no store has the scheme {scheme!r}; use {_FORMS}")


def store_directory(text: str) -> Path:
    """Return the directory that a SQLite store's URL names. Raises StoreUrlError."""
    # sqlite:///var/lib is how others write sqlite:/var/lib.
    path = Path(text.removeprefix("//")).expanduser()
    if not text.strip("/ "):
        raise StoreUrlError("the store's URL names no directory")
    if path.exists() and not path.is_dir():
        raise StoreUrlError("the store's URL names a file; the SQLite store needs a directory")
    return path


def _checked_redis_url(url: str) -> str:
    """Return ``url`` if the driver takes every part of it as it is meant."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise StoreUrlError("the store's URL has a port or host that is none") from None
    if parts.scheme == "unix":
        if parts.netloc.rpartition("@")[2] or not parts.path:
            raise StoreUrlError(
                "a unix: URL needs three slashes and a path: unix:///run/redis.sock"
            )
    elif not parts.hostname:
        raise StoreUrlError(f"a {parts.scheme}: URL needs a host: {parts.scheme}://HOST:PORT/DB")
    elif not re.fullmatch(r"(/\d*)?", parts.path):
        raise StoreUrlError(f"a {parts.scheme}: URL ends with the database's number: /0")
    for name, values in parse_qs(parts.query, keep_blank_values=True).items():
        if name not in _REDIS_OPTIONS:
            allowed = ", ".join(_REDIS_OPTIONS)
            raise StoreUrlError(f"the store's URL has an unknown option; known: {allowed}")
        if name == "db" and not values[0].isdecimal():
            raise StoreUrlError("the store's URL has a db that is no number")
    if parts.fragment:
        raise StoreUrlError("the store's URL has a #; write %23 in a password")
    return url


def split_url(url: str) -> tuple[str, str]:
    """Return (scheme in lower case, what follows its colon); a path has the scheme sqlite."""
    if not url.strip():
        raise StoreUrlError(f"the store's URL is empty; use {_FORMS}")
    match = _SCHEME.match(url)
    if match is None:
        return "sqlite", url
    return match[1].lower(), url[match.end() :]
