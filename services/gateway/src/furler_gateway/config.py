"""The gateway's settings: one class, read from the environment and nowhere else.

Every variable is the field's name in capitals after ``FURLER_GATEWAY_``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Annotated, Final, Literal, Self
from urllib.parse import SplitResult, urlsplit

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from furler.backends.remote import Tls

MIB = 1024 * 1024
_PREFIX: Final = "FURLER_GATEWAY_"
_HEADS: Final = 4
"""All of a head may be so many times the longest header: each connection can hold one."""
Names = Annotated[tuple[str, ...], NoDecode]
"""Comma-separated in the environment."""


class Settings(BaseSettings):
    """Settings of the gateway; every field has a default that serves one laptop."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, extra="ignore", frozen=True)

    listen: str = "127.0.0.1:8787"
    """Address of the HTTP server. Loopback by default: nothing is open to a network unasked."""
    operate_listen: str = "127.0.0.1:8788"
    """Address of /livez, /readyz, /metrics and /dashboard: a port of its own, so that it need not be published."""
    compressor: str = "127.0.0.1:50051"
    """The compressor: host:port, or any name that gRPC resolves, such as dns:///furler:50051."""
    compressor_tls: bool = False
    """Whether the connection to the compressor is encrypted."""
    compressor_ca: str = ""
    """File of the authorities to trust, PEM. Empty: the system's."""
    compressor_certificate: str = ""
    """File of the gateway's certificate chain, PEM, for mutual TLS with the compressor."""
    compressor_key: str = ""
    """File of its key, PEM."""

    tls_cert_file: str = ""
    """The server's certificate chain, PEM, looked at again every few seconds; empty: plain HTTP."""
    tls_key_file: str = ""
    """Its key, PEM."""
    tls_client_ca_file: str = ""
    """Authorities whose client certificates are accepted, PEM: mutual TLS."""
    tls_client_required: bool = False
    """Whether a client without a certificate is turned away, whatever else it shows."""
    edge_keys: str = ""
    """File of the keys that the compressor has as FURLER_EDGE_KEYS: with it a client certificate
    says who calls. Without it a certificate lets in, and a token says who."""

    max_body_bytes: int = Field(default=32 * MIB, ge=1)
    """Largest request body, before and after decompression; a larger one gets 413."""
    max_header_bytes: int = Field(default=16 * 1024, ge=1024)
    """Longest request line and longest header; a longer one gets 431. Room for large tokens."""
    max_headers: int = Field(default=100, ge=1)
    """Most headers; more get 431."""
    max_connections: int = Field(default=4096, ge=1)
    """Open connections; the next is closed at once. Idle ones cost about 10 KB each."""
    max_requests: int = Field(default=256, ge=1)
    """Requests being worked on; the next gets 429 with Retry-After."""
    max_buffered_bytes: int = Field(default=256 * MIB, ge=1)
    """Bodies held in memory, all requests together; a request beyond it gets 429."""
    idle_timeout_seconds: float = Field(default=60.0, gt=0)
    """A connection that has sent no complete request head for so long is closed."""
    body_timeout_seconds: float = Field(default=30.0, gt=0)
    """A body must have arrived within this, else 408: 32 MiB at 9 Mbit/s."""
    default_timeout_seconds: float = Field(default=30.0, gt=0)
    """Deadline of a call whose client set none (Connect-Timeout-Ms)."""
    max_timeout_seconds: float = Field(default=300.0, gt=0)
    """Longest deadline; more is cut down to it."""
    stream_timeout_seconds: float = Field(default=3600.0, gt=0)
    """Longest server stream; whoever watches longer comes back."""
    drain_seconds: float = Field(default=20.0, ge=0)
    """How long requests in flight may take after SIGTERM."""

    contract_mode: Literal["", "ccr"] = ""
    """What /v1/compress does for callers that name no mode. LiteLLM names none, but offers a retrieve
    tool and answers it: with ccr it gets views that leave parts out."""
    policy_file: str = ""
    """File of the policy (docs/gateway.md), read again within a second of a change. Empty: none,
    every caller as they ask."""
    proxy: bool = True
    """Whether requests to providers are served: /v1/messages, /v1/chat/completions, /v1/responses, …"""
    upstreams: Names = ("anthropic=https://api.anthropic.com", "openai=https://api.openai.com")
    """NAME=URL of every provider that requests may go to; there is no other way to name one."""
    upstream_ca: str = ""
    """File of the authorities to trust for providers, PEM. Empty: the system's."""
    upstream_connect_seconds: float = Field(default=10.0, gt=0)
    """A connection to a provider must be there within this, else 504."""
    upstream_idle_seconds: float = Field(default=600.0, gt=0)
    """A provider may be silent so long: a reply that does not stream takes up to ten minutes."""
    upstream_total_seconds: float = Field(default=3600.0, gt=0)
    """Longest exchange with a provider."""
    proxy_fidelity: Literal["lossless", "reversible"] = "reversible"
    """How far views in proxied requests may go, where the model can ask for what is left out."""
    proxy_retrieve_tool: bool = True
    """Whether conversations with tools are offered the retrieve tool, and we answer it. A
    conversation keeps what it began with."""
    proxy_retrieve_rounds: int = Field(default=4, ge=0, le=32)
    """Times that we ask the model to go on within one turn; then the turn ends."""
    proxy_retrieve_tokens: int = Field(default=40_000, ge=0)
    """Tokens of originals given within one turn."""
    proxy_compress_seconds: float = Field(default=10.0, gt=0)
    """A request waits so long for its compression, then goes out as it came."""
    price_file: str = ""
    """File of what tokens cost (docs/gateway.md), for the dashboard. Empty: no money is shown."""

    cors_origins: Names = ()
    """Origins, such as https://ops.example, whose pages may call. None: no page of another origin."""
    allowed_hosts: Names = ()
    """Host names that requests may name. None: on loopback the loopback's names, against pages
    that resolve their own name to this machine; elsewhere any."""
    mcp: bool = True
    """Whether MCP is served at /mcp."""
    log_requests: bool = True
    """One line of log per request, without content."""
    otlp_endpoint: str = ""
    """OTLP/gRPC collector of traces, such as http://collector:4317. Empty: none leave."""
    trace_share: float = Field(default=1.0, ge=0, le=1)
    """Share of new traces that are sampled; a caller's decision is followed."""

    @field_validator("cors_origins", "allowed_hosts", "upstreams", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        address(self.listen)
        if self.operate_listen:
            address(self.operate_listen)
        if not self.compressor:
            raise ValueError("compressor: want HOST:PORT")
        self.bases()
        if self.max_buffered_bytes < self.max_body_bytes:
            raise ValueError("max_buffered_bytes: want at least max_body_bytes")
        if (self.compressor_ca or self.compressor_certificate) and not self.compressor_tls:
            raise ValueError("compressor_tls: is off, but files for TLS are given")
        if bool(self.tls_cert_file) != bool(self.tls_key_file):
            raise ValueError("tls_cert_file and tls_key_file go together")
        if self.tls_client_ca_file and not self.tls_cert_file:
            raise ValueError("tls_client_ca_file: wants tls_cert_file, too")
        if (self.tls_client_required or self.edge_keys) and not self.tls_client_ca_file:
            raise ValueError("tls_client_ca_file: is wanted by tls_client_required and edge_keys")
        if bool(self.compressor_certificate) != bool(self.compressor_key):
            raise ValueError("compressor_certificate and compressor_key go together")
        return self

    @property
    def max_head_bytes(self) -> int:
        """Longest head, request line and all headers; a longer one gets 431."""
        return _HEADS * self.max_header_bytes

    def tls(self) -> Tls | bool:
        """Return how to connect to the compressor."""
        if not self.compressor_tls:
            return False
        return Tls(
            ca=self.compressor_ca or None,
            certificate=self.compressor_certificate or None,
            key=self.compressor_key or None,
        )

    def bases(self) -> dict[str, str]:
        """Return the providers' addresses by name, without a slash at the end. Raises ValueError."""
        bases: dict[str, str] = {}
        for entry in self.upstreams:
            name, equals, url = (part.strip() for part in entry.partition("="))
            parts = urlsplit(url)
            if not (equals and name.isidentifier() and parts.hostname):
                raise ValueError(f"upstreams: {name[:40]!r}: want NAME=URL")
            if parts.scheme not in {"http", "https"} or parts.query or parts.fragment:
                raise ValueError(f"upstreams: {name}: want http or https, and no query")
            if not _is_address(parts):
                raise ValueError(f"upstreams: {name}: want a host and a port that there can be")
            if parts.username is not None:
                raise ValueError(f"upstreams: {name}: an address has no credential in it")
            if name in bases:
                raise ValueError(f"upstreams: {name} is there twice")
            bases[name] = url.rstrip("/")
        return bases


def _is_address(parts: SplitResult) -> bool:
    try:
        return parts.port != 0 and not any(map(str.isspace, parts.netloc))
    except ValueError:  # no number, or one that is no port
        return False


def unknown_settings(environment: Mapping[str, str] = os.environ) -> list[str]:
    """Return the variables that begin as ours do and name no setting, sorted: slips of the pen."""
    known = {_PREFIX + name.upper() for name in Settings.model_fields}
    return sorted(
        name
        for name in environment
        if name.upper().startswith(_PREFIX) and name.upper() not in known
    )


def address(listen: str) -> tuple[str, int]:
    """Return host and port of ``host:port``. Raises ValueError."""
    host, colon, port = listen.rpartition(":")
    if not (colon and host and port.isdecimal() and int(port) < 65536):
        raise ValueError(f"{listen!r}: want HOST:PORT, such as 127.0.0.1:8787")
    return host.strip("[]"), int(port)
