"""Furler as the bench runs it: the service in this process for what it promises, the engine alone for time.

Every view that is judged comes from the service, with its store behind it, so
that what is restored and retrieved is what a client would get. Tokens of both
sides are counted by ``count`` here.
"""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self, TypeVar

from furler.v1 import compression_pb2 as compression
from furler.v1 import compressor_service_pb2 as compressor
from furler.v1 import content_pb2 as content
from furler.v1 import content_service_pb2 as contents
from furler_compressor.embedded import EmbeddedService, open_service
from furler_engine import tokens
from furler_engine.pipeline import compress
from furler_engine.types import DEFAULT_TOKENIZER, Fidelity, Hints, Policy, View

from .clock import Times, repeat

_T = TypeVar("_T")

COMPRESS = "/furler.v1.CompressorService/Compress"
RETRIEVE = "/furler.v1.ContentService/Retrieve"
BATCH_RETRIEVE = "/furler.v1.ContentService/BatchRetrieve"
_BATCH = 256
_SECONDS = 600.0
_ENGINE_REF = "a" * 16
"""The engine alone needs some reference, as long as a real one."""
_FIDELITIES = {
    Fidelity.LOSSLESS: compression.FIDELITY_LOSSLESS,
    Fidelity.REVERSIBLE: compression.FIDELITY_REVERSIBLE,
}


@dataclass(frozen=True, slots=True)
class Shown:
    """One content as Furler shows it, tokens by the bench's own counter."""

    text: str
    ref: str
    kind: str
    compressors: tuple[str, ...]
    selectors: tuple[content.Selector, ...]
    markers: tuple[str, ...]
    before: int
    after: int
    degraded: bool


class Furler:
    """The service in this process, on an SQLite store in a temporary directory."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner()
        self._directory = tempfile.TemporaryDirectory(prefix="furler-bench-")
        self._opening = open_service(self._directory.name)
        self._service: EmbeddedService | None = None

    def __enter__(self) -> Self:
        self._service = self._runner.run(self._opening.__aenter__())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._runner.run(self._opening.__aexit__(kind, error, trace))
        self._runner.close()
        self._directory.cleanup()

    def compress(
        self,
        text: str,
        hints: Hints | None = None,
        fidelity: Fidelity = Fidelity.REVERSIBLE,
        target_tokens: int = 0,
    ) -> Shown:
        """Compress through the service. Raises embedded.CallError."""
        hints = hints or Hints()
        request = compressor.CompressRequest(
            content=content.Content(
                inline=text.encode(),
                hints=content.Hints(
                    query=hints.query, filename=hints.filename, tool_name=hints.tool
                ),
            ),
            policy=compression.Policy(fidelity=_FIDELITIES[fidelity], target_tokens=target_tokens),
        )
        view = self._call(COMPRESS, request, compressor.CompressResponse).view
        return Shown(
            text=view.text,
            ref=view.ref,
            kind=content.ContentKind.Name(view.kind).removeprefix("CONTENT_KIND_").lower(),
            compressors=tuple(view.compressors),
            selectors=tuple(elision.selector for elision in view.elisions),
            markers=tuple(elision.marker for elision in view.elisions),
            before=count(text),
            after=count(view.text),
            degraded=view.degraded != compression.DEGRADED_REASON_UNSPECIFIED,
        )

    def restore(self, shown: Shown) -> bytes:
        """Return the whole original from the store; a pass-through is its own original."""
        if not shown.ref:
            return shown.text.encode()
        request = contents.RetrieveRequest(ref=shown.ref)
        return self._call(RETRIEVE, request, contents.RetrieveResponse).data

    def retrieve(self, ref: str, selectors: Sequence[content.Selector]) -> list[bytes | None]:
        """Return what each selector picks; None where it picks nothing but an error."""
        parts: list[bytes | None] = []
        for at in range(0, len(selectors), _BATCH):
            request = contents.BatchRetrieveRequest(
                requests=[
                    contents.RetrieveRequest(ref=ref, selector=s)
                    for s in selectors[at : at + _BATCH]
                ]
            )
            results = self._call(BATCH_RETRIEVE, request, contents.BatchRetrieveResponse).results
            parts += [
                r.response.data if r.WhichOneof("outcome") == "response" else None for r in results
            ]
        return parts

    def find(self, ref: str, string: str) -> bytes:
        """Return the lines of the original that hold a string, by a match selector."""
        selector = content.Selector(match=content.Match(pattern=re.escape(string)))
        return self.retrieve(ref, [selector])[0] or b""

    def _call(self, method: str, request: _Message, answer: type[_T]) -> _T:
        if self._service is None:
            raise RuntimeError("enter the context first")
        got = self._runner.run(self._service.unary(method, request, _SECONDS))
        if not isinstance(got, answer):
            raise TypeError(f"{method} answered {type(got).__name__}")
        return got


_Message = compressor.CompressRequest | contents.RetrieveRequest | contents.BatchRetrieveRequest


def count(text: str) -> int:
    """Count tokens, o200k_base: the one counter of the bench, for both sides."""
    return tokens.count(text, DEFAULT_TOKENIZER).tokens


def engine_view(text: str, hints: Hints, fidelity: Fidelity = Fidelity.REVERSIBLE) -> View:
    """Return the engine's view: no store, no cache, no service."""
    return compress(text, hints, Policy(fidelity=fidelity), _ENGINE_REF)


def engine_times(text: str, hints: Hints, *, most: int = 25, seconds: float = 0.5) -> Times:
    """Time the engine alone on a content."""
    return repeat(lambda: engine_view(text, hints), most=most, seconds=seconds)
