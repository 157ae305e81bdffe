"""One Triton server: its channel, the model it serves, and its answers, checked.

What lives here: one request, and what can go wrong with it in words of ours, without addresses.
What does not: which server is asked, breakers, retries and fallbacks (triton_fleet).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import grpc
import numpy as np
from numpy.typing import NDArray
from opentelemetry.propagate import inject
from tritonclient.grpc import InferInput, InferRequestedOutput, InferResult
from tritonclient.grpc.aio import InferenceServerClient
from tritonclient.utils import InferenceServerException

from furler_compressor.adapters.triton_url import TritonAccess, TritonPlace

IntMatrix = NDArray[np.int64]
FloatMatrix = NDArray[np.float32]

OUTPUT: Final = "keep_prob"
MODEL_PARAMETER: Final = "furler_model:{version}"
"""Parameter of the model's configuration that says which weights a version directory holds."""
# Triton's words for what its queue policy turns away; gRPC's code alone could be a lost server.
_BUSY: Final = ("timeout expired", "maximum queue size")
_UNLOADED: Final = "not at ready state"
# fp16 rounds to about 0.001 near 1.
_SLACK: Final = 0.002
_CHANNEL: Final[tuple[tuple[str, str | int], ...]] = (
    # A name that could not be resolved may stand for many servers once it can.
    ("grpc.service_config", json.dumps({"loadBalancingConfig": [{"round_robin": {}}]})),
    # A server that comes back is found soon: gRPC's own first pause is 1 s, its longest 2 min.
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.min_reconnect_backoff_ms", 1000),
    ("grpc.max_reconnect_backoff_ms", 2000),
    # A server that vanished without a word (a lost node) is noticed between calls, too.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.enable_retries", 0),
)


class ReplicaError(Exception):
    """A server did not give a usable answer. Texts name neither addresses nor content.

    The names of its kinds are values of a metric's attribute.
    """


class ReplicaBusyError(ReplicaError):
    """The server answered that its queue is full: it works, and another may have room."""


class ReplicaSilentError(ReplicaError):
    """The server did not answer in time."""


class ReplicaLostError(ReplicaError):
    """The server cannot be reached, or was lost during the call."""


class ReplicaStaleError(ReplicaError):
    """The server works, and serves that version no more, or not yet."""


class ReplicaBrokenError(ReplicaError):
    """The server answered what is no answer: an error, a wrong shape, a number that is none."""


class Batch(NamedTuple):
    """Rows of tokens, padded to one length; each int64 [rows, length]."""

    input_ids: IntMatrix
    attention_mask: IntMatrix
    token_type_ids: IntMatrix


@dataclass(frozen=True, slots=True)
class Served:
    """The model that a server serves.

    Attributes:
        version: Triton's number of the version directory.
        identity: Which weights these are, such as "kompress-0123456789ab-fp16"; what the
            repository's configuration says under MODEL_PARAMETER.
        rows: Most rows of a request.
    """

    version: str
    identity: str
    rows: int = 1


class Replica:
    """A server, or a name that stands for several; connects at its first use.

    Args:
        place: Where it is.
        model: Name of the model there.
        access: Certificates.
        address: Which of the place's IP addresses; empty: whichever gRPC finds.
    """

    def __init__(
        self, place: TritonPlace, model: str, access: TritonAccess, address: str = ""
    ) -> None:
        self._place = place
        self._address = address
        self._model = model
        self._access = access
        self._made: InferenceServerClient | None = None

    async def served(self, seconds: float) -> Served:
        """Return what the server serves; its newest version where there are several.

        Raises ReplicaError.
        """
        try:
            client = self._client()
            metadata = await client.get_model_metadata(self._model, client_timeout=seconds)
            answer = await client.get_model_config(self._model, client_timeout=seconds)
        except InferenceServerException as error:
            raise _as_ours(error) from None
        except OSError as error:
            raise ReplicaLostError(f"a certificate cannot be read: {error.strerror}") from None
        versions = sorted((str(version) for version in metadata.versions), key=_number)
        if not versions:
            raise ReplicaBrokenError("it serves no version of the model")
        parameter = MODEL_PARAMETER.format(version=versions[-1])
        identity = str(answer.config.parameters[parameter].string_value)
        if not identity:
            raise ReplicaBrokenError(f"its model's configuration has no parameter {parameter}")
        # 0 is Triton's word for a model that knows no batches.
        return Served(versions[-1], identity, max(int(answer.config.max_batch_size), 1))

    async def infer(self, batch: Batch, version: str, seconds: float) -> FloatMatrix:
        """Return the probability to be kept of each token, float32 [rows, length].

        The server gives up, too, when ``seconds`` are over. Raises ReplicaError.
        """
        inputs = [_tensor(name, values) for name, values in zip(batch._fields, batch, strict=True)]
        try:
            result = await self._client().infer(
                self._model,
                inputs,
                model_version=version,
                outputs=[InferRequestedOutput(OUTPUT)],
                timeout=max(int(seconds * 1e6), 1),
                client_timeout=seconds,
                headers=_trace_context(),
            )
            return _checked(result, batch.input_ids.shape)
        except InferenceServerException as error:
            raise _as_ours(error) from None
        except OSError as error:
            raise ReplicaLostError(f"a certificate cannot be read: {error.strerror}") from None

    async def close(self) -> None:
        """Close the channel. What is asked afterwards connects anew."""
        made, self._made = self._made, None
        if made is not None:
            await made.close()

    def _client(self) -> InferenceServerClient:
        if self._made is None:
            place, target, options = self._place, self._place.target, list(_CHANNEL)
            if self._address:
                host = f"[{self._address}]" if ":" in self._address else self._address
                target = f"{host}:{place.port}"
                # To proxies, and in certificates, it goes by its name.
                options.append(("grpc.default_authority", place.target))
                options.append(("grpc.ssl_target_name_override", place.host))
            self._made = InferenceServerClient(
                target,
                creds=_credentials(self._access) if place.tls else None,
                channel_args=options,
            )
        return self._made


def _credentials(access: TritonAccess) -> grpc.ChannelCredentials:
    def read(file: str) -> bytes | None:
        return Path(file).read_bytes() if file else None

    return grpc.ssl_channel_credentials(
        root_certificates=read(access.ca_file),
        private_key=read(access.key_file),
        certificate_chain=read(access.cert_file),
    )


def _trace_context() -> dict[str, str]:
    """Return the caller's trace as metadata of a call (W3C traceparent, tracestate)."""
    carrier: dict[str, str] = {}
    inject(carrier)
    return carrier


def _tensor(name: str, values: IntMatrix) -> InferInput:
    tensor = InferInput(name, list(values.shape), "INT64")
    tensor.set_data_from_numpy(values)
    return tensor


def _checked(result: InferResult, shape: tuple[int, ...]) -> FloatMatrix:
    """Return an answer's numbers. Raises ReplicaBrokenError for what cannot be one."""
    try:
        values = result.as_numpy(OUTPUT)
    except (ValueError, TypeError):  # the bytes are not as many as the shape says, or of no type
        raise ReplicaBrokenError("its answer's size is not what its shape says") from None
    if values is None:
        raise ReplicaBrokenError(f"its answer has no {OUTPUT}")
    if values.dtype != np.float32:
        raise ReplicaBrokenError(f"its answer is {values.dtype}, not float32")
    if values.shape != shape:
        raise ReplicaBrokenError(f"its answer has the shape {values.shape}, not {shape}")
    if not np.isfinite(values).all():
        raise ReplicaBrokenError("its answer holds what is no number")
    if values.min(initial=0.0) < -_SLACK or values.max(initial=0.0) > 1 + _SLACK:
        raise ReplicaBrokenError("its answer holds what is no probability")
    clipped: FloatMatrix = np.clip(values, 0.0, 1.0)
    return clipped


def _as_ours(error: InferenceServerException) -> ReplicaError:
    code = str(error.status()).removeprefix("StatusCode.")
    if code == "DEADLINE_EXCEEDED":
        return ReplicaSilentError("it did not answer in time")
    said = str(error.message()).lower()
    if code == "NOT_FOUND" or _UNLOADED in said:
        return ReplicaStaleError("it does not serve the model, or not that version")
    if code in {"UNAVAILABLE", "RESOURCE_EXHAUSTED"}:
        if code == "RESOURCE_EXHAUSTED" or any(words in said for words in _BUSY):
            return ReplicaBusyError("its queue is full")
        return ReplicaLostError("it cannot be reached")
    return ReplicaBrokenError(f"it answers {code}")


def _number(version: str) -> int:
    return int(version) if version.isdecimal() else -1
