"""The service's settings: one class, read from the environment and nowhere else.

Every variable is the field's name in capitals after ``FURLER_``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

MIB = 1024 * 1024
_PREFIX: Final = "FURLER_"
_OF_OTHERS: Final = ("FURLER_GATEWAY_", "FURLER_SERVER", "FURLER_TOKEN")
"""What the gateway and the command line read; all may share one environment."""


class Settings(BaseSettings):
    """Settings of the compressor; every field has a default that serves one laptop."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX, extra="ignore", frozen=True, hide_input_in_errors=True
    )

    listen: str = "127.0.0.1:50051"
    """Address of the gRPC server. Loopback by default: nothing is open to a network unasked."""
    health_listen: str = ""
    """A second address that answers health alone, in the clear: for probes that speak no TLS,
    such as Kubernetes' gRPC probes. Empty: health is answered on ``listen`` only."""
    store: str = ""
    """``memory:``, a directory for SQLite, or a ``redis://`` URL; empty: the user's data directory."""
    workers: Annotated[int, Field(ge=1, le=256)] = 1
    """Serving processes; all listen on the same port (SO_REUSEPORT)."""
    engine_processes: Annotated[int, Field(ge=1, le=256)] = 2
    """Engine processes per worker; its event loop needs little beside them. Large jobs (256 KiB) leave
    one of several to small ones; with a single one everybody waits for the largest."""
    engine_queue: Annotated[int, Field(ge=0, le=100_000)] = 64
    """Jobs that may wait per worker; the next is refused with RESOURCE_EXHAUSTED, and so is one that
    would wait for more than half of its time."""
    max_calls: Annotated[int, Field(ge=1, le=100_000)] = 64
    """Unary calls a worker has in flight at most; the next is refused with RESOURCE_EXHAUSTED, unread,
    unless its tenant has few. Where jobs would wait too long for their deadlines there are fewer."""
    engine_recycle_bytes: int = 768 * MIB
    """An engine process whose peak memory passed this is replaced after its job."""
    max_content_bytes: int = 64 * MIB
    """Largest content; larger ones are refused with INVALID_ARGUMENT."""
    max_batch_items: int = 256
    """Most items of a batch."""
    memo_bytes: Annotated[int, Field(ge=0)] = 32 * MIB
    """Memory of a worker for results of requests that are of no conversation: the same request again
    costs a look-up instead of a fold. 0: none."""
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
    redis_user: str = ""
    """ACL user in Redis. What stands in the URL itself comes first, here and below."""
    redis_password: Annotated[str, Field(repr=False)] = ""
    """Its password. Better than in the URL, which shows up in process lists."""
    redis_sentinel_user: str = ""
    """ACL user of the Sentinels."""
    redis_sentinel_password: Annotated[str, Field(repr=False)] = ""
    """Its password."""
    redis_ca_file: str = ""
    """Authorities that may sign Redis' certificate, PEM; empty: the system's."""
    redis_cert_file: str = ""
    """This service's certificate for Redis, PEM, if Redis wants one."""
    redis_key_file: str = ""
    """Its key, PEM."""
    redis_connections: Annotated[int, Field(ge=1, le=10_000)] = 32
    """Most connections of a worker; 100 workers stay below Redis' default of 10,000 clients."""
    redis_watermark: Annotated[float, Field(gt=0, le=1)] = 0.9
    """Share of Redis' maxmemory above which nothing new is kept; 1: until Redis itself refuses."""
    seal_keyring: str = ""
    """File of keys to encrypt contents with, newest first, lines of ``name:base64 of 32 bytes``.
    Empty: contents are kept as they are. It does not replace the master key, which names contents."""
    seal_only: bool = False
    """Whether an original that is not sealed counts as damage. Off while sealing is introduced."""
    api_keys: str = ""
    """File of API keys, TOML or JSON (adapters/api_keys.py); read again when it changes."""
    jwks: str = ""
    """File or https URL of the JWK set that tokens are signed with. Empty: where the issuer's discovery
    document (``/.well-known/openid-configuration``) says."""
    jwt_issuer: str = ""
    """What a token's iss must be; an https URL if keys are to be discovered. Needs the audience."""
    jwt_audience: str = ""
    """What a token's aud must hold."""
    jwt_key_hosts: str = ""
    """Hosts, comma-separated, that may have a discovered issuer's keys besides its own, such as
    ``www.googleapis.com`` for ``https://accounts.google.com``."""
    jwt_ca_file: str = ""
    """Authorities that may sign the certificates of the servers that have an issuer's keys, PEM, read
    again with the keys; empty: the system's."""
    jwt_tenant_claim: str = "tenant"
    """The claim that names the tenant. With neither api_keys nor jwt_issuer nobody is asked for
    credentials, and all are the tenant ``default``."""
    edge_keys: str = ""
    """File of keys, as seal_keyring has them, by which gateways sign whom they know by a client
    certificate. Needs api_keys, which lists the certificates. Empty: no gateway's word counts."""
    quota_requests_per_second: Annotated[float, Field(ge=0)] = 0
    """Calls a tenant may make per second if its credential names no bound; 0: no bound."""
    quota_bytes_per_second: Annotated[float, Field(ge=0)] = 0
    """Bytes a tenant may send per second, likewise."""
    quota_stored_bytes: Annotated[int, Field(ge=0)] = 0
    """Bytes of originals a tenant may keep, likewise."""
    quota_model_tokens_per_second: Annotated[float, Field(ge=0)] = 0
    """Tokens a tenant may have judged by the model per second, likewise. Over it, views are made
    without the model and say so: nothing is refused."""
    model: Literal["auto", "none", "onnx", "triton"] = "auto"
    """What judges the words of running text: ``onnx``, the model that ships with the service, in this
    process; ``none``; ``auto`` is onnx where it is installed; ``triton``: triton_urls alone. With
    triton_urls the others are who judges when no server does."""
    model_threads: Annotated[int, Field(ge=1, le=64)] = 2
    """Processors that the model in this process uses for one text; more than two are of little use."""
    model_seconds: Annotated[float, Field(gt=0)] = 10.0
    """Longest wait for one answer of the model; a caller's deadline may leave less."""
    triton_urls: str = ""
    """Triton servers that judge before the model in this process does, such as
    ``grpc://triton-0:8001,grpcs://triton-1:8001``. Empty: none (docs/model-server.md)."""
    triton_model: Annotated[str, Field(min_length=1)] = "kompress"
    """Name of the model on those servers."""
    triton_timeout_seconds: Annotated[float, Field(gt=0, le=60)] = 1.0
    """Longest try of one request to a server; there is one more, on another server."""
    triton_ca_file: str = ""
    """Authorities that may sign the certificates of ``grpcs://`` servers, PEM; empty: the system's."""
    triton_cert_file: str = ""
    """This service's certificate for Triton, PEM, if Triton wants one."""
    triton_key_file: str = ""
    """Its key, PEM."""
    audit: str = ""
    """Where the audit trail goes: a file, ``stderr``, or ``off``. Empty: stderr where credentials
    are asked for, off where everybody is the same anyway."""
    tls_cert_file: str = ""
    """The gRPC server's certificate chain, PEM; empty: it speaks in the clear."""
    tls_key_file: str = ""
    """Its key, PEM."""
    tls_client_ca_file: str = ""
    """With this, only clients whose certificate it signed get in (mutual TLS)."""
    master_key: Annotated[str, Field(repr=False)] = ""
    """Secret behind references, at least 32 characters. Empty: a public constant, fit for one
    machine only; every replica of a fleet needs the same secret."""
    otlp_endpoint: str = ""
    """OTLP/gRPC collector such as ``http://collector:4317``. Empty: no traces or metrics are sent."""
    metrics_listen: str = ""
    """Address that Prometheus scrapes, such as ``0.0.0.0:9464``; the n-th of several workers takes
    the n-th port from it on. Empty: none. It holds no content; it does name tenants."""
    trace_share: Annotated[float, Field(ge=0, le=1)] = 1.0
    """Share of new traces that are sampled; a caller's decision is followed."""

    def reference_key(self) -> bytes:
        """Return the master key's bytes. Raises ValueError for a short one."""
        if not self.master_key:
            return b"furler: not a secret"
        if len(self.master_key) < 32:
            raise ValueError("FURLER_MASTER_KEY: want at least 32 characters")
        return self.master_key.encode()

    def asks_who(self) -> bool:
        """Return whether callers need credentials."""
        return bool(self.api_keys or self.jwks or self.jwt_issuer)

    def audit_target(self) -> str:
        """Return where the audit trail goes: a file, "stderr", or nothing."""
        target = self.audit or ("stderr" if self.asks_who() else "off")
        return "" if target == "off" else target

    def check(self) -> None:
        """Raise ValueError for settings that do not go together."""
        self.reference_key()
        if bool(self.tls_cert_file) != bool(self.tls_key_file):
            raise ValueError("FURLER_TLS_CERT_FILE and FURLER_TLS_KEY_FILE: want both or neither")
        if self.tls_client_ca_file and not self.tls_cert_file:
            raise ValueError("FURLER_TLS_CLIENT_CA_FILE: wants FURLER_TLS_CERT_FILE, too")
        if self.metrics_listen:
            _, colon, port = self.metrics_listen.rpartition(":")
            if not (colon and port.isdecimal() and int(port) + self.workers <= 65536):
                raise ValueError("FURLER_METRICS_LISTEN: want HOST:PORT, such as 0.0.0.0:9464")
        if self.jwks and not (self.jwt_issuer and self.jwt_audience):
            raise ValueError("FURLER_JWKS: wants FURLER_JWT_ISSUER and FURLER_JWT_AUDIENCE, too")
        if bool(self.jwt_issuer) != bool(self.jwt_audience):
            raise ValueError("FURLER_JWT_ISSUER and FURLER_JWT_AUDIENCE: want both or neither")
        if self.jwt_ca_file and not self.jwt_issuer:
            raise ValueError("FURLER_JWT_CA_FILE: wants FURLER_JWT_ISSUER, whose keys it is for")
        if self.edge_keys and not self.api_keys:
            raise ValueError("FURLER_EDGE_KEYS: wants FURLER_API_KEYS, which lists certificates")
        if self.model == "triton" and not self.triton_urls.strip():
            raise ValueError("FURLER_MODEL: triton wants FURLER_TRITON_URLS, too")
        if bool(self.triton_cert_file) != bool(self.triton_key_file):
            raise ValueError(
                "FURLER_TRITON_CERT_FILE and FURLER_TRITON_KEY_FILE: want both or neither"
            )
        if bool(self.redis_cert_file) != bool(self.redis_key_file):
            raise ValueError(
                "FURLER_REDIS_CERT_FILE and FURLER_REDIS_KEY_FILE: want both or neither"
            )


def unknown_settings(environment: Mapping[str, str] = os.environ) -> list[str]:
    """Return the variables that begin as ours do and name no setting, sorted: slips of the pen."""
    known = {_PREFIX + name.upper() for name in Settings.model_fields}
    ours = (name for name in environment if name.upper().startswith(_PREFIX))
    return sorted(
        n for n in ours if n.upper() not in known and not n.upper().startswith(_OF_OTHERS)
    )


def cpu_count() -> int:
    """Return the processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
