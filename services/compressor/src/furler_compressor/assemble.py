"""Puts the service together from its settings: once for the server, once for the library."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from furler_compressor.adapters.audit_log import AuditLog
from furler_compressor.adapters.engine_pool import EnginePool
from furler_compressor.adapters.keyring import load_keyring
from furler_compressor.adapters.open_entries import open_entries
from furler_compressor.adapters.open_model import open_model
from furler_compressor.adapters.open_store import (
    Backend,
    StoreOptions,
    open_backend,
    store_system,
)
from furler_compressor.adapters.redis_url import RedisAccess
from furler_compressor.adapters.triton_url import (
    TritonAccess,
    TritonUrlError,
    parse_triton_urls,
)
from furler_compressor.adapters.wrap.traced import TracedStore
from furler_compressor.adapters.wrap.traced_entries import TracedEntries
from furler_compressor.app.audit import AuditTrail, NoTrail
from furler_compressor.app.context import Context, Limits
from furler_compressor.app.crowd import Crowd
from furler_compressor.app.engine import EngineRunner
from furler_compressor.app.entries_port import Bounds
from furler_compressor.app.identity import Anyone, Authenticator, EdgeAuthenticator
from furler_compressor.app.judging import Judging
from furler_compressor.app.memo import Memo
from furler_compressor.app.model_port import Model
from furler_compressor.app.ports import Store
from furler_compressor.app.quota import Quota
from furler_compressor.app.sharing import Sharing, SharingLimits
from furler_compressor.config import MIB, Settings
from furler_compressor.rpc.gate import Gate
from furler_compressor.rpc.handlers import Handlers
from furler_compressor.rpc.tls import ServerTls


@dataclass(frozen=True, slots=True)
class Service:
    """What a server needs to serve."""

    handlers: Handlers
    gate: Gate
    store: Store
    model: Model


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


def backend(settings: Settings) -> Backend:
    """Return the configured store and meter. Raises StoreUrlError, KeyringError."""
    options = StoreOptions(
        redis=redis_access(settings),
        redis_connections=settings.redis_connections,
        redis_watermark=settings.redis_watermark,
        keyring=load_keyring(Path(settings.seal_keyring)) if settings.seal_keyring else None,
        sealed_only=settings.seal_only,
    )
    return open_backend(store_url(settings), options)


def redis_access(settings: Settings) -> RedisAccess:
    """Return the credentials and certificates for Redis."""
    return RedisAccess(
        user=settings.redis_user,
        password=settings.redis_password,
        sentinel_user=settings.redis_sentinel_user,
        sentinel_password=settings.redis_sentinel_password,
        ca_file=settings.redis_ca_file,
        cert_file=settings.redis_cert_file,
        key_file=settings.redis_key_file,
    )


def authenticators(settings: Settings) -> tuple[Authenticator, EdgeAuthenticator | None]:
    """Return who reads the configured credentials, and who reads gateways' assertions.

    Raises KeyFileError, JwksError, KeyringError.
    """
    if not settings.asks_who():
        return Anyone(), None
    edge: EdgeAuthenticator | None = None
    # A server without credentials needs neither pydantic's models of them nor OpenSSL.
    from furler_compressor.adapters.credentials import AnyOf  # noqa: PLC0415

    quota = Quota(
        settings.quota_requests_per_second,
        settings.quota_bytes_per_second,
        settings.quota_stored_bytes,
        settings.quota_model_tokens_per_second,
    )
    members: list[Authenticator] = []
    if settings.api_keys:
        from furler_compressor.adapters.api_keys import ApiKeys  # noqa: PLC0415

        keys = ApiKeys(Path(settings.api_keys), quota)
        members.append(keys)
        if settings.edge_keys:
            from furler_compressor.adapters.edge import EdgeAssertions  # noqa: PLC0415

            edge = EdgeAssertions(load_keyring(Path(settings.edge_keys)), keys.grant_of_certificate)
    if settings.jwks or settings.jwt_issuer:
        members.append(_tokens(settings, quota))
    return AnyOf(members), edge


def _tokens(settings: Settings, quota: Quota) -> Authenticator:
    """Return who reads signed tokens. Raises JwksError."""
    from furler_compressor.adapters.jwks import Jwks  # noqa: PLC0415 - as above
    from furler_compressor.adapters.key_sources import Issuer, source_of  # noqa: PLC0415
    from furler_compressor.adapters.tokens import TokenRules, Tokens  # noqa: PLC0415

    rules = TokenRules(
        settings.jwt_issuer, settings.jwt_audience, tenant_claim=settings.jwt_tenant_claim
    )
    hosts = [host.strip() for host in settings.jwt_key_hosts.split(",") if host.strip()]
    authorities = Path(settings.jwt_ca_file) if settings.jwt_ca_file else None
    source = (
        source_of(settings.jwks, authorities)
        if settings.jwks
        else Issuer(settings.jwt_issuer, hosts, authorities=authorities)
    )
    return Tokens(Jwks(source), rules, quota)


def trail(settings: Settings) -> AuditTrail:
    """Return where the audit trail goes."""
    target = settings.audit_target()
    return AuditLog(target) if target else NoTrail()


def prose_model(settings: Settings) -> Model:
    """Return what judges prose; nothing is loaded or connected to. Raises ValueError."""
    local = open_model(settings.model, settings.model_threads)
    try:
        places = parse_triton_urls(settings.triton_urls)
    except TritonUrlError as error:
        raise ValueError(f"FURLER_TRITON_URLS: {error}") from None
    if not places:
        return local
    # 6 MB of protocol that only those need who ask a server.
    from furler_compressor.adapters.triton_model import TritonOptions, open_triton  # noqa: PLC0415

    access = TritonAccess(
        settings.triton_ca_file, settings.triton_cert_file, settings.triton_key_file
    )
    access.check()
    options = TritonOptions(settings.triton_model, settings.triton_timeout_seconds, access=access)
    return open_triton(places, options, local)


def server_tls(settings: Settings) -> ServerTls | None:
    """Return the server's certificate, if one is configured."""
    if not settings.tls_cert_file:
        return None
    client_ca = settings.tls_client_ca_file
    return ServerTls(
        Path(settings.tls_cert_file),
        Path(settings.tls_key_file),
        Path(client_ca) if client_ca else None,
    )


@asynccontextmanager
async def opened(settings: Settings, engine: EngineRunner) -> AsyncIterator[Service]:
    """Open the store, give the service, and close both at the end.

    Raises StoreUrlError, or ValueError for what else cannot be used.
    """
    found = backend(settings)
    system = store_system(store_url(settings))
    store = TracedStore(found.store, system)
    entries = TracedEntries(
        open_entries(store_url(settings), access=redis_access(settings)), system
    )
    sharing = Sharing(entries, sharing_limits(settings))
    model = prose_model(settings)
    context = Context(
        engine,
        store,
        limits(settings),
        settings.reference_key(),
        sharing,
        judging=Judging(model, found.model_meter, settings.model_seconds),
        trail=trail(settings),
        memo=Memo(settings.memo_bytes),
    )
    try:
        tokens, edge = authenticators(settings)
        gate = Gate(tokens, found.meter, edge, Crowd(settings.max_calls))
        yield Service(Handlers(context), gate, store, model)
    finally:
        await context.drain()
        await engine.close()
        await model.close()
        await sharing.close()
        await context.store.close()


@asynccontextmanager
async def for_service(settings: Settings) -> AsyncIterator[Service]:
    """Give a service whose engine runs in child processes."""
    pool = EnginePool(
        settings.engine_processes, settings.engine_queue, settings.engine_recycle_bytes
    )
    async with opened(settings, pool) as service:
        await service.model.start()
        await pool.start()
        yield service


@asynccontextmanager
async def for_library(settings: Settings) -> AsyncIterator[Handlers]:
    """Give handlers whose engine runs in a thread of this process."""
    # Imported here: a serving process leaves the engine, 25 MB of it, to its children.
    from furler_compressor.adapters.engine_inline import InlineEngine  # noqa: PLC0415

    async with opened(settings, InlineEngine()) as service:
        if settings.triton_urls:
            # What the servers serve must be known for them to be asked; the local model can wait.
            await service.model.start()
        yield service.handlers
