"""A Furler server over gRPC: one channel, deadlines on every call, a credential if there is one."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

import grpc
import grpc.aio
from google.protobuf.message import Message

from furler.aside import aside
from furler.backends.base import Method, Request, Response
from furler.backends.status import error_from
from furler.content import MAX_CONTENT_BYTES
from furler.errors import ClosedError, FieldInvalidError
from furler.v1 import compressor_service_pb2 as compressor

Token = str | Callable[[], str]
"""A bearer token, or what returns the current one for each call."""
Metadata = Callable[[str], Sequence[tuple[str, str]]]
"""Returns what goes along with each call, by its RPC's path: trace context, or the credential of
whoever is served."""

STREAM_ABOVE: Final = 4 * 1024 * 1024
"""A unary message is held whole on both sides, and proxies on the way commonly stop at 4 MiB."""
MESSAGE_HEADROOM: Final = 1024 * 1024
"""What a message may have beside its content; the same number as the server's."""
KEEPALIVE_SECONDS: Final = 30
"""Half-open connections are found within this; servers accept pings every 10 s."""
_LOOPBACK: Final = re.compile(r"(localhost|127(\.\d+){3}|\[::1\])(:\d+)?|unix:.*")


@dataclass(frozen=True, slots=True)
class Tls:
    """How the connection is secured.

    Attributes:
        ca: File of the authorities to trust, PEM; None: the ones of the system.
        certificate: File of this client's certificate chain, PEM, for mutual TLS.
        key: File of its key, PEM.
        server_name: Name to expect in the server's certificate, if not the target's.
    """

    ca: str | Path | None = None
    certificate: str | Path | None = None
    key: str | Path | None = None
    server_name: str = ""


class RemoteBackend:
    """Calls a server. The channel is made in the event loop of the first call."""

    stream_above: int | None = STREAM_ABOVE

    def __init__(
        self,
        target: str,
        *,
        token: Token | None = None,
        tls: Tls | bool | None = None,
        metadata: Metadata | None = None,
        agent: str = "",
    ) -> None:
        """Take ``host:port``, or any name that gRPC resolves. ``agent`` goes into audit trails.

        With ``tls`` None a token is sent in the clear to this machine only: to
        any other target it takes TLS, unless ``tls`` is False.
        """
        if not target:
            raise FieldInvalidError("target: want HOST:PORT", metadata={"field": "target"})
        self._target = target
        self._token = token
        self._more_metadata = metadata
        # Metadata is printable ASCII; another name still goes into the hints of a content.
        self._agent = agent if agent.isascii() and agent.isprintable() else ""
        if tls is None:
            tls = token is not None and not _LOOPBACK.fullmatch(target)
        self._tls: Tls | None = (Tls() if tls else None) if isinstance(tls, bool) else tls
        self._channel: grpc.aio.Channel | None = None
        self._closed = False

    @property
    def secured(self) -> bool:
        """Whether the connection is encrypted."""
        return self._tls is not None

    async def open(self) -> None:
        """Make the channel; it connects at the first call. Raises FieldInvalidError for TLS files."""
        self._connected()

    async def close(self) -> None:
        """Close the channel."""
        self._closed = True
        if self._channel is not None:
            await self._channel.close(grace=None)

    async def unary(
        self, method: Method[Request, Response], request: Request, seconds: float
    ) -> Response:
        """Call the server."""
        call = self._connected().unary_unary(
            method.path,
            request_serializer=None,  # it is written before, out of the loop's way if it is long
            response_deserializer=method.response.FromString,
        )
        start = time.monotonic()
        written = await aside(_long(request), request.SerializeToString)
        left = max(0.0, seconds - (time.monotonic() - start))
        try:
            response: Response = await call(
                written, timeout=left, metadata=self._metadata(method.path)
            )
        except grpc.aio.AioRpcError as error:
            raise error_from(error, self._target) from None
        return response

    async def stream(
        self, method: Method[Request, Response], requests: Iterable[Request], seconds: float
    ) -> AsyncGenerator[Response]:
        """Call the server."""
        multi = self._connected().stream_stream(
            method.path,
            request_serializer=method.request.SerializeToString,
            response_deserializer=method.response.FromString,
        )
        call = multi(iter(requests), timeout=seconds, metadata=self._metadata(method.path))
        try:
            async for response in call:
                yield response
        except grpc.aio.AioRpcError as error:
            raise error_from(error, self._target) from None
        finally:
            # Whoever stops reading early must not leave the server working.
            call.cancel()

    def _metadata(self, rpc: str) -> tuple[tuple[str, str], ...]:
        more = () if self._more_metadata is None else tuple(self._more_metadata(rpc))
        if self._agent:
            more = (*more, ("furler-agent", self._agent))
        if self._token is None:
            return more
        token = self._token if isinstance(self._token, str) else self._token()
        return (("authorization", f"Bearer {token}"), *more)

    def _connected(self) -> grpc.aio.Channel:
        if self._closed:
            raise ClosedError("the client is closed")
        if self._channel is None:
            options = _options(self._tls, is_here=_LOOPBACK.fullmatch(self._target) is not None)
            if self._tls is None:
                self._channel = grpc.aio.insecure_channel(self._target, options=options)
            else:
                credentials = grpc.ssl_channel_credentials(
                    _read("tls.ca", self._tls.ca),
                    _read("tls.key", self._tls.key),
                    _read("tls.certificate", self._tls.certificate),
                )
                self._channel = grpc.aio.secure_channel(self._target, credentials, options=options)
        return self._channel


def _long(request: Message) -> int:
    """Return how long a request's body is. What a message takes it knows only when it is written."""
    if isinstance(request, compressor.CompressConversationRequest):
        return len(request.body)
    return 0


def _read(name: str, path: str | Path | None) -> bytes | None:
    if path is None:
        return None
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise FieldInvalidError(
            f"{name}: cannot read {path}: {error.strerror}", metadata={"field": name}
        ) from None


def _options(tls: Tls | None, *, is_here: bool) -> list[tuple[str, str | int]]:
    most = MAX_CONTENT_BYTES + MESSAGE_HEADROOM
    options: list[tuple[str, str | int]] = [
        ("grpc.max_send_message_length", most),
        ("grpc.max_receive_message_length", most),
        ("grpc.keepalive_time_ms", KEEPALIVE_SECONDS * 1000),
        ("grpc.keepalive_timeout_ms", 10_000),
        # A target that resolves to many replicas gets calls on all of them.
        ("grpc.service_config", '{"loadBalancingConfig": [{"round_robin": {}}]}'),
        # RetryingBackend retries, with the server's own word on when.
        ("grpc.enable_retries", 0),
        ("grpc.primary_user_agent", f"furler-python/{_version()}"),
    ]
    if is_here:
        # A proxy (http_proxy) has a loopback of its own, where nobody listens.
        options.append(("grpc.enable_http_proxy", 0))
    if tls is not None and tls.server_name:
        options.append(("grpc.ssl_target_name_override", tls.server_name))
    return options


def _version() -> str:
    try:
        return version("furler")
    except PackageNotFoundError:
        return "0"
