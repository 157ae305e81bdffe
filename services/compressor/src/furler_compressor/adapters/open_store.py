"""From a store's URL to what keeps the service's state: the adapters it names, and their decorators."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from furler_compressor.adapters.breaker import Breaker
from furler_compressor.adapters.keyring import Keyring
from furler_compressor.adapters.memory_store import DEFAULT_MAX_BYTES, MemoryStore
from furler_compressor.adapters.redis_url import (
    SCHEMES,
    RedisAccess,
    RedisUrlError,
    parse_redis_url,
)
from furler_compressor.adapters.sqlite_store import SqliteStore
from furler_compressor.adapters.wrap.bounded import BoundedStore
from furler_compressor.adapters.wrap.guard import DEFAULT_TIMEOUT, Guard
from furler_compressor.adapters.wrap.packed import PackedStore
from furler_compressor.adapters.wrap.verified import VerifiedStore
from furler_compressor.app.ports import Store
from furler_compressor.app.quota import LocalMeter, Meter

_FORMS = (
    "memory:, a directory, sqlite:DIRECTORY, redis://HOST:PORT/DB, rediss://…, unix://PATH,"
    " redis+sentinel://HOST:PORT,…/SERVICE/DB, redis+cluster://HOST:PORT,…"
)
# Two letters at least: C:\data is a directory.
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):")


class StoreUrlError(ValueError):
    """A store's URL cannot be used. The message says what is wrong; it never repeats the URL."""


@dataclass(frozen=True, slots=True)
class StoreOptions:
    """What bounds and protects a store.

    Attributes:
        max_bytes: Refuse to hold more than this, packed; None: memory 256 MiB, SQLite the disk.
            A Redis server has its own maxmemory.
        timeout: Seconds that one call may take.
        breaker_failures: Calls in a row that must fail before the store is left alone.
        breaker_pause: Seconds for which it is then left alone.
        redis: Credentials and certificates for Redis, beside its URL.
        redis_connections: Bound of a process' connections to Redis.
        redis_watermark: Share of Redis' maxmemory above which nothing new is kept.
        keyring: Keys to seal contents with; None: they are kept as they are.
        sealed_only: Whether originals that are not sealed count as damage.
    """

    max_bytes: int | None = None
    timeout: float = DEFAULT_TIMEOUT
    breaker_failures: int = 5
    breaker_pause: float = 5.0
    redis: RedisAccess = field(default_factory=RedisAccess)
    redis_connections: int = 32
    redis_watermark: float = 0.9
    keyring: Keyring | None = None
    sealed_only: bool = False


@dataclass(frozen=True, slots=True)
class Backend:
    """What one URL gives. Closing the store closes the meters' connection, too."""

    store: Store
    meter: Meter
    model_meter: Meter


def open_backend(
    url: str, options: StoreOptions | None = None, clock: Callable[[], float] = time.time
) -> Backend:
    """Return what ``url`` names, the store decorated. Nothing is connected or created yet.

    Raises:
        StoreUrlError: The URL names no store.
    """
    options = options or StoreOptions()
    scheme, rest = split_url(url)
    match scheme:
        case "memory":
            store: Store = MemoryStore(options.max_bytes or DEFAULT_MAX_BYTES, clock)
        case "sqlite":
            store = SqliteStore(store_directory(rest), options.max_bytes, clock=clock)
        case _ if scheme in SCHEMES:
            return _redis(url, options, clock)
        case _:
            raise StoreUrlError(f"no store has the scheme {scheme!r}; use {_FORMS}")
    return Backend(decorate(store, options), LocalMeter(), LocalMeter())


def store_system(url: str) -> str:
    """Return what keeps a store, as telemetry's ``db.system.name`` has it: memory, sqlite, redis."""
    scheme, _ = split_url(url)
    return scheme if scheme in {"memory", "sqlite"} else "redis"


def open_store(
    url: str, options: StoreOptions | None = None, clock: Callable[[], float] = time.time
) -> Store:
    """Return the store of open_backend alone."""
    return open_backend(url, options, clock).store


def decorate(store: Store, options: StoreOptions) -> Store:
    """Wrap an adapter: only the backend's own time is bounded, only what is packed is sealed."""
    breaker = Breaker(options.breaker_failures, options.breaker_pause)
    store = BoundedStore(store, Guard(options.timeout, breaker))
    if options.keyring is not None:
        # OpenSSL takes 30 ms to import: who does not seal does without.
        from furler_compressor.adapters.wrap.sealed import SealedStore  # noqa: PLC0415

        store = SealedStore(store, options.keyring, only=options.sealed_only)
    return VerifiedStore(PackedStore(store))


def _redis(url: str, options: StoreOptions, clock: Callable[[], float]) -> Backend:
    try:
        parse_redis_url(url)
    except RedisUrlError as error:
        raise StoreUrlError(str(error)) from None
    # redis.py takes 0.1 s to import: the embedded default does without.
    from furler_compressor.adapters.redis_link import RedisLink  # noqa: PLC0415
    from furler_compressor.adapters.redis_meter import RedisMeter  # noqa: PLC0415
    from furler_compressor.adapters.redis_store import RedisStore  # noqa: PLC0415

    link = RedisLink(url, options.redis, max_connections=options.redis_connections)
    store = RedisStore(link, watermark=options.redis_watermark, clock=clock)
    return Backend(decorate(store, options), RedisMeter(link), RedisMeter(link, "m"))


def store_directory(text: str) -> Path:
    """Return the directory that a SQLite store's URL names. Raises StoreUrlError."""
    # sqlite:///var/lib is how others write sqlite:/var/lib.
    path = Path(text.removeprefix("//")).expanduser()
    if not text.strip("/ "):
        raise StoreUrlError("the store's URL names no directory")
    if path.exists() and not path.is_dir():
        raise StoreUrlError("the store's URL names a file; the SQLite store needs a directory")
    return path


def split_url(url: str) -> tuple[str, str]:
    """Return (scheme in lower case, what follows its colon); a path has the scheme sqlite."""
    if not url.strip():
        raise StoreUrlError(f"the store's URL is empty; use {_FORMS}")
    match = _SCHEME.match(url)
    if match is None:
        return "sqlite", url
    return match[1].lower(), url[match.end() :]
