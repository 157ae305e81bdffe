"""What calls to the compressor say for the figures: read from their answers, at the one place all pass.

A decorator of the client's Backend.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

from google.protobuf.message import Message

from furler.backends.around import BackendAround
from furler.backends.base import Method, Request, Response
from furler.errors import ContentNotFoundError, FurlerError
from furler.v1 import compression_pb2 as compression
from furler.v1 import compressor_service_pb2 as compressor
from furler.v1 import content_pb2 as content
from furler.v1 import content_service_pb2 as contents
from furler_gateway import caller
from furler_gateway.figures import Figures, View

_KIND: Final = "CONTENT_KIND_"


@dataclass(slots=True)
class RecordingBackend(BackendAround):
    """Counts the views and retrievals of another backend."""

    figures: Figures

    async def unary(
        self, method: Method[Request, Response], request: Request, seconds: float
    ) -> Response:
        """Call the inner backend."""
        try:
            response = await self.inner.unary(method, request, seconds)
        except FurlerError as error:
            if isinstance(request, contents.RetrieveRequest):
                self._missed(error)
            raise
        for view in views_of(request, response):
            self.figures.view(view)
        if isinstance(response, compressor.CompressConversationResponse):
            if response.degraded and not response.edits:
                self.figures.degraded()
        elif isinstance(response, contents.RetrieveResponse):
            self.figures.retrieval(hit=True)
        return response

    async def stream(
        self, method: Method[Request, Response], requests: Iterable[Request], seconds: float
    ) -> AsyncGenerator[Response]:
        """Call the inner backend."""
        first = next(iter(requests), None)
        try:
            async with aclosing(self.inner.stream(method, requests, seconds)) as responses:
                async for response in responses:
                    if isinstance(
                        response, compressor.StreamCompressResponse
                    ) and response.HasField("summary"):
                        tool = (
                            first.header.hints.tool_name
                            if isinstance(first, compressor.StreamCompressRequest)
                            else ""
                        )
                        self.figures.view(_view(response.summary, tool))
                    yield response
        except FurlerError as error:
            if isinstance(first, contents.ReadContentRequest):
                self._missed(error)
            raise

    def _missed(self, error: FurlerError) -> None:
        if isinstance(error, ContentNotFoundError):
            self.figures.retrieval(hit=False)


def views_of(request: Message, response: Message) -> Iterator[View]:
    """Yield the views that an answer holds."""
    match request, response:
        case compressor.CompressRequest(), compressor.CompressResponse():
            yield _view(response.view, request.content.hints.tool_name)
        case compressor.BatchCompressRequest(), compressor.BatchCompressResponse():
            for asked, result in zip(request.contents, response.results, strict=False):
                if result.HasField("view"):
                    yield _view(result.view, asked.hints.tool_name)
        case compressor.CompressConversationRequest(), compressor.CompressConversationResponse():
            for edit in response.edits:
                # A view that stood in an earlier turn comes from the pins, and saves again.
                yield _view(edit.view, edit.tool, again=edit.view.cached)
            for edit in response.audited:
                yield _view(edit.view, edit.tool, audited=True)
        case compressor.ExplainRequest(), compressor.ExplainResponse() if caller.place().audits:
            yield _view(response.view, request.content.hints.tool_name, audited=True)


def _view(view: compression.View, tool: str, *, again: bool = False, audited: bool = False) -> View:
    place = caller.place()
    kind = content.ContentKind.Name(view.kind).removeprefix(_KIND).lower()
    return View(
        kind,
        tool,
        place.tenant,
        place.model,
        view.tokens_before.tokens,
        view.tokens_after.tokens,
        again=again,
        cached=view.cached and not again,
        degraded=view.degraded != compression.DEGRADED_REASON_UNSPECIFIED,
        audited=audited,
    )
